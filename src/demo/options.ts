import { Argument, Command, CommanderError } from 'commander';
import { z } from 'zod';

const count = (max: number) =>
  z.coerce
    .number('must be a whole number')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(max, `must not be more than ${max}`);

const optionsSchema = z.object({
  /** `class`: students at work. `cluster`: everything but a class. */
  mode: z.enum(['class', 'cluster']),
  students: count(500).default(20),
  exit: z.boolean().default(false),
  keep: z.string().min(1).optional(),
  nodes: z.string().min(1).optional(),
  model: z.string().min(1).optional(),
  port: count(65_535).optional(),
  speed: z.coerce.number('must be a number').positive('must be more than 0').default(1),
});

/** What to do, and how. */
export type DemoOptions = z.infer<typeof optionsSchema>;

/** How a command line was understood; the texts are for a person. */
export type ParsedDemoOptions =
  | { kind: 'run'; options: DemoOptions }
  | { kind: 'print'; text: string }
  | { kind: 'refused'; text: string };

/** @param argv without the program's name */
export function parseDemoOptions(argv: readonly string[]): ParsedDemoOptions {
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
  const parsed = optionsSchema.safeParse({ ...program.opts(), mode: program.processedArgs[0] });
  if (parsed.success) return { kind: 'run', options: parsed.data };
  const lines = parsed.error.issues.map((issue) => `--${String(issue.path[0])} ${issue.message}`);
  return { kind: 'refused', text: `${lines.join('\n')}\nSee --help.\n` };
}

function createProgram(write: (text: string) => void): Command {
  return new Command('npm run demo --')
    .description(
      'A class of students works on engines that the operator made, on a Kubernetes cluster of its own.',
    )
    .addArgument(
      new Argument('[mode]', 'class: students at work; cluster: the same without a class, until Ctrl-C')
        .choices(['class', 'cluster'])
        .default('class'),
    )
    .option('--students <n>', 'students in the class (default: 20)')
    .option('--exit', 'end when every student was answered; exit code 0 only then')
    .option('--nodes <file>', 'GPU nodes to play (default: four machines with one A10 each)')
    .option(
      '--model <id>',
      'what the engines load: a Hugging Face id or an absolute path (default: Qwen/Qwen2.5-7B-Instruct)',
    )
    .option('--port <port>', 'port of the gateway (default: a free one)')
    .option('--speed <factor>', 'how many times faster than the real GPU the engines are (default: 1)')
    .option('--keep <folder>', 'copy logs and kubeconfigs of all parts there at the end')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
}
