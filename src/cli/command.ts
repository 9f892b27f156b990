import type { ExitCode } from './exit-codes.ts';
import type { Machine } from './machine.ts';

export type { Terminal } from './machine.ts';

/** What follows the name of a command, and what is done with it. */
export interface Runnable {
  /** @param argv what follows the name of the command */
  run(argv: readonly string[], machine: Machine): ExitCode | Promise<ExitCode>;
}

/** One command of `kubectl-classroom`: a folder of its own, listed in ./commands.ts. */
export interface Command extends Runnable {
  readonly name: string;
  /** One line for the help of the program. */
  readonly summary: string;
}

/**
 * A command whose code is loaded when it is run: help and completion come at once, whatever the others import.
 *
 * @param load imports the folder of the command
 */
export function lazily(name: string, summary: string, load: () => Promise<Runnable>): Command {
  return { name, summary, run: async (argv, machine) => (await load()).run(argv, machine) };
}
