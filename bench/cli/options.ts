import { z } from 'zod';
import { type Parsed, type Program, parseCommandLine } from '../../src/command-line/parse.ts';
import { nonEmpty, onOrOff, wholeNumber } from '../../src/command-line/values.ts';

const optionsSchema = z.object({
  rounds: wholeNumber(1, 1000),
  json: nonEmpty.optional(),
  write: onOrOff,
});

/** How often is measured, and where the figures go. */
export type BenchOptions = z.infer<typeof optionsSchema>;

const FLAGS: Program<typeof optionsSchema>['flags'] = {
  rounds: { spelling: '--rounds <n>', about: 'how often each is started, in turns', default: '40' },
  json: { spelling: '--json <file>', about: 'write all figures there' },
  write: { spelling: '--write', about: 'replace the figures in docs/benchmarks.md' },
};

/** @param argv without the program's name */
export function parseBenchOptions(argv: readonly string[]): Parsed<BenchOptions> {
  return parseCommandLine(
    {
      name: 'npm run bench:cli --',
      description: 'How long kubectl classroom takes to begin, against Node.js that runs nothing.',
      schema: optionsSchema,
      flags: FLAGS,
    },
    argv,
  );
}
