import { closest } from '../command-line/closest.ts';
import type { Command, Terminal } from './command.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';

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
export async function runCli(cli: Cli, argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [word, ...rest] = argv;
  switch (word) {
    case '--version':
    case '-V':
      terminal.stdout.write(`${cli.version}\n`);
      return EXIT_CODES.done;
    case '--help':
    case '-h':
    case 'help':
      return help(cli, rest, terminal);
    case undefined:
      terminal.stderr.write(overview(cli));
      return EXIT_CODES.usage;
    default:
      return runCommand(cli, word, rest, terminal);
  }
}

/** `help plan` is `plan --help`. */
function help(cli: Cli, [name]: readonly string[], terminal: Terminal): ExitCode | Promise<ExitCode> {
  if (name !== undefined) return runCommand(cli, name, ['--help'], terminal);
  terminal.stdout.write(overview(cli));
  return EXIT_CODES.done;
}

function runCommand(
  { commands }: Cli,
  name: string,
  argv: readonly string[],
  terminal: Terminal,
): ExitCode | Promise<ExitCode> {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command.run(argv, terminal);
  const names = commands.map((candidate) => candidate.name);
  const meant = closest(name, names);
  const advice = meant === undefined ? `there is ${names.join(', ')}` : `did you mean ${meant}?`;
  terminal.stderr.write(`'${name}' is no command of kubectl-classroom: ${advice}\nSee --help.\n`);
  return EXIT_CODES.usage;
}

function overview({ commands }: Cli): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'Usage: kubectl-classroom <command> [options]',
    '',
    'Works for classes on GPUs. In the PATH, `kubectl classroom <command>` is the same.',
    '',
    'Commands:',
    ...lines,
    '',
    'Options:',
    '  -V, --version  the version of the product',
    '  -h, --help     this text; after a command: its flags and examples',
    '',
  ].join('\n');
}
