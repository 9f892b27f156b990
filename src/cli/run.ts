import type { Command, Runnable } from './command.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { groupOf } from './group.ts';
import type { Machine } from './machine.ts';

/** The program as far as it does not depend on the machine. */
export interface Cli {
  readonly commands: readonly Command[];
  /** Of the product. */
  readonly version: string;
}

/** What shells and kubectl call to complete a command line; of no use to people. */
export const COMPLETE = '__complete';

/**
 * Runs one command of `kubectl-classroom`. What was asked for goes to standard output, everything else to standard error.
 *
 * @param argv without the program's name
 */
export async function runCli(cli: Cli, argv: readonly string[], machine: Machine): Promise<ExitCode> {
  const [word, ...rest] = argv;
  switch (word) {
    case '--version':
    case '-V':
      machine.stdout.write(`${cli.version}\n`);
      return EXIT_CODES.done;
    case COMPLETE: {
      const { printCompletions } = await import('./completion/print.ts');
      await printCompletions(programOf(cli), rest, machine);
      return EXIT_CODES.done;
    }
    default:
      return programOf(cli).run(argv, machine);
  }
}

function programOf({ commands }: Cli): Runnable {
  return groupOf({
    name: '',
    description:
      'Works for classes on GPUs. In the PATH, the program `kubectl-classroom` is the command `kubectl classroom`.',
    commands,
    options: ['-V, --version  the version of the product'],
  });
}
