import { z } from 'zod';
import { type Parsed, type Program, parseCommandLine } from '../../src/command-line/parse.ts';
import { nonEmpty, onOrOff, wholeNumber } from '../../src/command-line/values.ts';

const optionsSchema = z.object({
  rounds: wholeNumber(1, 1000),
  loadSeconds: wholeNumber(1, 600),
  json: nonEmpty.optional(),
  write: onOrOff,
});

/** What is measured, and where the figures go. */
export type BenchOptions = z.infer<typeof optionsSchema>;

const FLAGS: Program<typeof optionsSchema>['flags'] = {
  rounds: { spelling: '--rounds <n>', about: 'how often each way is measured, in turns', default: '10' },
  loadSeconds: { spelling: '--load-seconds <n>', about: 'how long an engine loads its model', default: '5' },
  json: { spelling: '--json <file>', about: 'write all figures there' },
  write: { spelling: '--write', about: 'replace the figures in docs/benchmarks.md' },
};

/** @param argv without the program's name */
export function parseBenchOptions(argv: readonly string[]): Parsed<BenchOptions> {
  return parseCommandLine(
    {
      name: 'npm run bench:wake-up --',
      description: 'How long the first request to a class that sleeps takes, above the start of its engine.',
      schema: optionsSchema,
      flags: FLAGS,
    },
    argv,
  );
}
