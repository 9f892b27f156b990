import { tellWhy } from '../../command-line/parse.ts';
import { planEngine } from '../../gpu/planner/plan.ts';
import type { Runnable, Terminal } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { render } from '../output.ts';
import { PLAN, parsePlanArguments } from './arguments.ts';
import { EXAMPLES } from './examples.ts';
import { planInput } from './input.ts';
import { planTable } from './table.ts';

/** `kubectl classroom plan`. */
export const planCommand: Runnable = { usage: { ...PLAN, examples: EXAMPLES }, run: plan };

/**
 * `kubectl-classroom plan`: the memory planner without a cluster.
 *
 * @param argv what follows `plan`
 */
export function plan(argv: readonly string[], terminal: Terminal): ExitCode {
  const parsed = parsePlanArguments(argv, terminal.readText);
  if (parsed.kind !== 'run') {
    tellWhy(parsed, terminal);
    return parsed.kind === 'print' ? EXIT_CODES.done : EXIT_CODES.usage;
  }
  const { options, files } = parsed.options;
  const result = planEngine(planInput(options, files));
  terminal.stdout.write(render(result, options.output, planTable));
  return result.fits ? EXIT_CODES.done : EXIT_CODES.doesNotFit;
}
