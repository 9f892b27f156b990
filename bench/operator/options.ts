import { Command, CommanderError } from 'commander';
import { z } from 'zod';

const count = (max: number) =>
  z.coerce
    .number('must be a whole number')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(max, `must not be more than ${max}`);

const optionsSchema = z.object({
  classes: count(5000).default(300),
  students: count(500).default(20),
  rounds: count(50).default(3),
  workers: count(64).default(8),
  watchSeconds: count(600).default(60),
  json: z.string().min(1).optional(),
  write: z.boolean().default(false),
  profile: z.string().min(1).optional(),
});

/** What is measured, and where the figures go. */
export type BenchOptions = z.infer<typeof optionsSchema>;

/** How a command line was understood; the texts are for a person. */
export type ParsedBenchOptions =
  | { kind: 'run'; options: BenchOptions }
  | { kind: 'print'; text: string }
  | { kind: 'refused'; text: string };

/** @param argv without the program's name */
export function parseBenchOptions(argv: readonly string[]): ParsedBenchOptions {
  let output = '';
  const program = createProgram((text) => {
    output += text;
  });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: error.exitCode === 0 ? 'print' : 'refused', text: output };
  }
  const parsed = optionsSchema.safeParse(program.opts());
  if (parsed.success) return { kind: 'run', options: parsed.data };
  const lines = parsed.error.issues.map((issue) => `--${String(issue.path[0])} ${issue.message}`);
  return { kind: 'refused', text: `${lines.join('\n')}\nSee --help.\n` };
}

function createProgram(write: (text: string) => void): Command {
  return new Command('npm run bench:operator --')
    .description(
      'How long the operator takes to serve a whole school, against a loop that only writes the same objects.',
    )
    .option('--classes <n>', 'classes (default: 300)')
    .option('--students <n>', 'students in each class (default: 20)')
    .option('--rounds <n>', 'how often each is measured, in turns (default: 3)')
    .option('--workers <n>', "the operator's --workers; the loop gets twice as many (default: 8)")
    .option('--watch-seconds <n>', 'how long a restarted operator must not write (default: 60)')
    .option('--json <file>', 'write all figures there')
    .option('--write', 'replace the figures in docs/benchmarks.md')
    .option('--profile <folder>', "write the operator's CPU profiles there; the figures then say little")
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
}
