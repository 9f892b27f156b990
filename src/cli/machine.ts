import type { Clock } from '../kube/clock.ts';
import type { ReadFile } from '../kube/credentials.ts';
import type { PrivateFiles } from './private-files.ts';

/** Where text goes: a terminal, a pipe, a file, or a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Nobody reads it any more. */
  readonly destroyed?: boolean;
  /** Letters in a line; terminals only. */
  readonly columns?: number;
  /** Lines that are seen at a time; terminals only. */
  readonly rows?: number;
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

/** A part of the terminal that is drawn again and again. */
export interface Screen {
  /** In place of what was drawn before. */
  draw(text: string): void;
  /** What was drawn last stays. */
  close(): void;
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
  readonly privateFiles: PrivateFiles;
  /**
   * Asks a person for a line. Undefined: nobody is there to ask, standard input is no terminal.
   *
   * @throws the reason of `signal` when the user leaves with Ctrl-C
   */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Undefined: standard error is no terminal, nothing moves. */
  readonly spin: ((text: string) => Promise<Spinner>) | undefined;
  /** Undefined: standard output is no terminal, nothing is drawn anew. */
  readonly screen: (() => Promise<Screen>) | undefined;
}
