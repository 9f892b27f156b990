import type { Command } from './command.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { groupOf } from './group.ts';
import type { Machine } from './machine.ts';

/** The program as far as it does not depend on the machine. */
export interface Cli {
  readonly commands: readonly Command[];
  /** Of the product. */
  readonly version: string;
}

/**
 * Runs one command of `kubectl-classroom`. What was asked for goes to standard output, everything else to standard error.
 *
 * @param argv without the program's name
 */
export async function runCli(cli: Cli, argv: readonly string[], machine: Machine): Promise<ExitCode> {
  const [word] = argv;
  if (word === '--version' || word === '-V') {
    machine.stdout.write(`${cli.version}\n`);
    return EXIT_CODES.done;
  }
  return groupOf({
    name: '',
    description: [
      'Works for classes on GPUs. In the PATH, the program `kubectl-classroom` is the command `kubectl classroom`.',
    ],
    commands: cli.commands,
    options: ['-V, --version  the version of the product'],
  }).run(argv, machine);
}
