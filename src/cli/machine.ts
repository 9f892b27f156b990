import type { Clock } from '../kube/clock.ts';
import type { ReadFile } from '../kube/credentials.ts';

/** Where text goes: a terminal, a pipe, a file, or a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Letters in a line; terminals only. */
  readonly columns?: number;
}

/** What a command without a cluster has of the world. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  /**
   * The text of a file; `-` is the standard input.
   *
   * @throws Error when it cannot be read
   */
  readText(path: string): string;
}

/** One line that moves while something takes long. */
export interface Spinner {
  /** Shows another text. */
  say(text: string): void;
  /** Leaves no trace. */
  stop(): void;
}

/** What any command has of the world; src/cli/process-machine.ts is the real one. */
export interface Machine extends Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Aborts when the user has seen enough (Ctrl-C). */
  readonly signal: AbortSignal;
  /** Rejects as `node:fs/promises` does. */
  readonly readFile: ReadFile;
  /**
   * Asks a person for a line. Undefined: nobody is there to ask, standard input is no terminal.
   *
   * @throws the reason of `signal` when the user leaves with Ctrl-C
   */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Undefined: standard error is no terminal, nothing moves. */
  readonly spin: ((text: string) => Promise<Spinner>) | undefined;
}
