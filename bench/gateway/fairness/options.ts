import { z } from 'zod';
import { type Parsed, type Program, parseCommandLine } from '../../../src/command-line/parse.ts';
import { nonEmpty, onOrOff, wholeNumber } from '../../../src/command-line/values.ts';

const optionsSchema = z.object({
  seconds: wholeNumber(5, 600),
  speed: wholeNumber(1, 20),
  flood: wholeNumber(9, 60),
  seed: wholeNumber(0, 1_000_000),
  json: nonEmpty.optional(),
  write: onOrOff,
});

/** What is measured, and where the figures go. */
export type FairnessOptions = z.infer<typeof optionsSchema>;

const FLAGS: Program<typeof optionsSchema>['flags'] = {
  seconds: { spelling: '--seconds <n>', about: 'of each load', default: '40' },
  speed: { spelling: '--speed <n>', about: 'how many times faster than an H100 the engine is', default: '1' },
  flood: { spelling: '--flood <n>', about: 'requests that the flooding student keeps open', default: '32' },
  seed: { spelling: '--seed <n>', about: 'of the moments and sizes of requests', default: '1' },
  json: { spelling: '--json <file>', about: 'write all figures there' },
  write: { spelling: '--write', about: 'replace the figures in docs/benchmarks.md' },
};

/** @param argv without the program's name */
export function parseFairnessOptions(argv: readonly string[]): Parsed<FairnessOptions> {
  return parseCommandLine(
    {
      name: 'npm run bench:fairness --',
      description: 'Whose turn it is on a full engine: the fair queue beside the order of arrival.',
      schema: optionsSchema,
      flags: FLAGS,
    },
    argv,
  );
}
