/** Budgets that nothing refills: the tokens of a day, and those of the whole course. Used and reserved are apart. */
export interface Budget {
  readonly limit: number;
  /** Settled. */
  readonly used: number;
  /** Of requests that run: the most they can still use. */
  readonly reserved: number;
}

/** What a request wants of a budget. */
export interface Wish {
  readonly promptTokens: number;
  /** Of one answer. */
  readonly outputTokens: number;
  readonly answers: number;
}

/** Tokens that are neither used nor reserved; never below 0. */
export function restOf({ limit, used, reserved }: Budget): number {
  return Math.max(0, limit - used - reserved);
}

/** The most tokens that a request can use. */
export function mostTokens({ promptTokens, outputTokens, answers }: Wish): number {
  return promptTokens + outputTokens * answers;
}

/** The fewest tokens with which it makes sense: its prompt, and one token of each answer if it has answers. */
export function fewestTokens({ promptTokens, outputTokens, answers }: Wish): number {
  return promptTokens + Math.min(1, outputTokens) * answers;
}

/**
 * The tokens that each answer may have so that the request stays within the budget: what it wishes, or less. Undefined
 * when the rest is too small even for {@link fewestTokens}.
 */
export function outputWithin(budget: Budget, wish: Wish): number | undefined {
  const rest = restOf(budget);
  if (rest < fewestTokens(wish)) return undefined;
  if (wish.outputTokens === 0) return 0;
  return Math.min(wish.outputTokens, Math.floor((rest - wish.promptTokens) / wish.answers));
}
