import type { EnginePlan, PlanInput } from '../plan-types.ts';
import { evaluate } from './evaluate.ts';
import { withSuggestions } from './suggestions.ts';

/**
 * Plans an engine: whether a model fits a GPU or a part of one, what is left for the KV cache, how many students one
 * engine carries, with which arguments it is started; and where it does not fit, why and what would.
 *
 * Pure. What a person may have typed wrong (a GPU or model that nobody knows, a context that is too long) comes back as
 * `fits: false` with a code and a reason.
 *
 * @throws ZodError for a request of the wrong shape
 */
export function planEngine(input: PlanInput): EnginePlan {
  return withSuggestions(input, evaluate(input));
}
