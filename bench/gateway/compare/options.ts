import { z } from 'zod';
import { type Parsed, type Program, parseCommandLine } from '../../../src/command-line/parse.ts';
import { nonEmpty, onOrOff, wholeNumber } from '../../../src/command-line/values.ts';

export const CONTENDERS = ['direct', 'nginx', 'bare-node', 'gpu-classroom', 'portkey', 'litellm'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

const optionsSchema = z.object({
  rounds: wholeNumber(1, 50),
  seconds: wholeNumber(1, 300),
  only: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(CONTENDERS)).min(1)),
  json: nonEmpty.optional(),
  write: onOrOff,
});

/** What is measured, and where the figures go. */
export type CompareOptions = z.infer<typeof optionsSchema>;

const FLAGS: Program<typeof optionsSchema>['flags'] = {
  rounds: { spelling: '--rounds <n>', about: 'how often each is measured, in turns', default: '3' },
  seconds: { spelling: '--seconds <n>', about: 'of each load with requests', default: '8' },
  only: { spelling: '--only <names>', about: CONTENDERS.join(','), default: CONTENDERS.join(',') },
  json: { spelling: '--json <file>', about: 'write all figures there' },
  write: { spelling: '--write', about: 'replace the figures in docs/benchmarks.md' },
};

/** @param argv without the program's name */
export function parseCompareOptions(argv: readonly string[]): Parsed<CompareOptions> {
  return parseCommandLine(
    {
      name: 'npm run bench:gateway --',
      description: 'The gateway beside others in front of the same upstream, each on a core of its own.',
      schema: optionsSchema,
      flags: FLAGS,
    },
    argv,
  );
}
