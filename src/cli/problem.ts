import { coloursFor } from './colours.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import type { Machine } from './machine.ts';
import { printable } from './printable.ts';

/** Why a command cannot do what it was asked, for the person who asked. */
export interface Problem {
  /** What happened, as a sentence that names the object. */
  readonly what: string;
  /** Why, where that is not said yet: a sentence, or several lines. */
  readonly why?: string | undefined;
  /** What to do next: a sentence, or a command to type. */
  readonly next: string;
  /** True: the same may be tried again a little later. */
  readonly passes?: boolean | undefined;
  /** Default: failed. */
  readonly exitCode?: Exclude<ExitCode, 0>;
}

/** A {@link Problem} on its way to standard error. Made by the catalogue in ./problems.ts alone. */
export class CliError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, cause?: unknown) {
    super(problem.what, cause === undefined ? undefined : { cause });
    this.name = 'CliError';
    this.problem = problem;
  }
}

/**
 * Tells of a problem on standard error.
 *
 * @returns the exit code
 */
export function tellProblem(
  { problem }: CliError,
  { stderr, env }: Pick<Machine, 'stderr' | 'env'>,
): ExitCode {
  const { red } = coloursFor(stderr, env);
  const { what, why, next, exitCode = EXIT_CODES.failed } = problem;
  const rest = [...(why === undefined ? [] : why.split('\n')), ...next.split('\n')];
  // Much of it is quoted: names, and what gateways and API servers answer.
  stderr.write(`${red('error:')} ${printable(`${what}\n${rest.map((line) => `  ${line}\n`).join('')}`)}`);
  return exitCode;
}
