import type { ExitCode } from './exit-codes.ts';

/** What a command has of the world. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /**
   * The text of a file; `-` is the standard input.
   *
   * @throws Error when it cannot be read
   */
  readText(path: string): string;
}

/** One command of `kubectl-classroom`: a folder of its own, listed in ./commands.ts. */
export interface Command {
  readonly name: string;
  /** One line for the help of the program. */
  readonly summary: string;
  /** @param argv what follows the name of the command */
  run(argv: readonly string[], terminal: Terminal): ExitCode | Promise<ExitCode>;
}
