import { z } from 'zod';
import { type Parsed, type Program, parseCommandLine } from '../../src/command-line/parse.ts';
import { nonEmpty, onOrOff, wholeNumber } from '../../src/command-line/values.ts';

const optionsSchema = z.object({
  classes: wholeNumber(1, 5000),
  students: wholeNumber(1, 500),
  rounds: wholeNumber(1, 50),
  workers: wholeNumber(1, 64),
  watchSeconds: wholeNumber(1, 600),
  json: nonEmpty.optional(),
  write: onOrOff,
  profile: nonEmpty.optional(),
});

/** What is measured, and where the figures go. */
export type BenchOptions = z.infer<typeof optionsSchema>;

const FLAGS: Program<typeof optionsSchema>['flags'] = {
  classes: { spelling: '--classes <n>', about: 'classes', default: '300' },
  students: { spelling: '--students <n>', about: 'students in each class', default: '20' },
  rounds: { spelling: '--rounds <n>', about: 'how often each is measured, in turns', default: '3' },
  workers: {
    spelling: '--workers <n>',
    about: "the operator's --workers; the loop gets twice as many",
    default: '8',
  },
  watchSeconds: {
    spelling: '--watch-seconds <n>',
    about: 'how long a restarted operator must not write',
    default: '60',
  },
  json: { spelling: '--json <file>', about: 'write all figures there' },
  write: { spelling: '--write', about: 'replace the figures in docs/benchmarks.md' },
  profile: {
    spelling: '--profile <folder>',
    about: "write the operator's CPU profiles there; the figures then say little",
  },
};

/** @param argv without the program's name */
export function parseBenchOptions(argv: readonly string[]): Parsed<BenchOptions> {
  return parseCommandLine(
    {
      name: 'npm run bench:operator --',
      description:
        'How long the operator takes to serve a whole school, against a loop that only writes the same objects.',
      schema: optionsSchema,
      flags: FLAGS,
    },
    argv,
  );
}
