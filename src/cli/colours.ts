import picocolors from 'picocolors';
import type { Machine, Output } from './machine.ts';

export type Colours = ReturnType<typeof picocolors.createColors>;

/**
 * Colours for what goes to `output`: none where it is no terminal, where `NO_COLOR` is set to anything
 * (https://no-color.org) or the terminal is a dumb one; always where `FORCE_COLOR` is set.
 */
export function coloursFor(output: Output, env: Machine['env']): Colours {
  if (env.NO_COLOR) return picocolors.createColors(false);
  if (env.FORCE_COLOR) return picocolors.createColors(true);
  return picocolors.createColors(output.isTTY === true && env.TERM !== 'dumb');
}
