import type { Flag } from '../command-line/parse.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Machine } from './machine.ts';

export type { Terminal } from './machine.ts';

/** A command line that help and documentation show. */
export interface Example {
  /** What it is for, as a part of a sentence. */
  readonly about: string;
  readonly command: string;
}

/** What completion can ask while somebody types; answers are empty where the cluster gives none. */
export interface Known {
  /** Names of the classes of the namespace. */
  classes(): Promise<readonly string[]>;
  /** Ids of the students of a class; of all classes of the namespace without one. */
  students(classroom?: string): Promise<readonly string[]>;
  /** Names of engine pods. */
  engines(): Promise<readonly string[]>;
  namespaces(): Promise<readonly string[]>;
  contexts(): Promise<readonly string[]>;
}

/**
 * Words that may come next.
 *
 * @param given the arguments without a flag that stand before
 */
export type Offer = (
  given: readonly string[],
  known: Known,
) => readonly string[] | Promise<readonly string[]>;

/** What can be written after a command: for completion and documentation. */
export interface Usage {
  readonly description: string;
  /** By field, with the arguments that have no flag. */
  readonly flags: Readonly<Record<string, Flag>>;
  readonly examples: readonly Example[];
  /** Values by field, where they are not those of src/cli/completion/offers.ts. */
  readonly offers?: Readonly<Record<string, Offer>>;
  /** Of a group: what the next word may be. */
  readonly commands?: readonly Command[];
}

/** What follows the name of a command, and what is done with it. */
export interface Runnable {
  readonly usage: Usage;
  /** @param argv what follows the name of the command */
  run(argv: readonly string[], machine: Machine): ExitCode | Promise<ExitCode>;
}

/** One command of `kubectl-classroom`: a folder of its own, listed in ./commands.ts. */
export interface Command {
  readonly name: string;
  /** One line for the help of the program. */
  readonly summary: string;
  /** Imports its folder: help comes at once, whatever the commands import. */
  load(): Promise<Runnable>;
}
