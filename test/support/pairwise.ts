/** For each factor, the names of the values that it can have. */
export type Factors = Readonly<Record<string, readonly string[]>>;

/** One value of each factor. */
export type Combination = Readonly<Record<string, string>>;

/**
 * Combinations in which any two values of any two factors meet at least once: most faults that need more than one
 * setting need two (https://csrc.nist.gov/projects/automated-combinatorial-testing-for-software). Always the same ones,
 * and far fewer than all.
 */
export function pairwise(factors: Factors): Combination[] {
  const missing = new Map(allPairs(factors).map((pair) => [keyOf(pair), pair]));
  const combinations: Combination[] = [];
  for (;;) {
    const [seed] = missing.values();
    if (seed === undefined) return combinations;
    const combination = completed(factors, seed, missing);
    for (const pair of pairsOf(Object.entries(combination))) missing.delete(keyOf(pair));
    combinations.push(combination);
  }
}

type Choice = readonly [factor: string, value: string];
type Pair = readonly [Choice, Choice];

/** Chooses factor by factor the value that meets most of the others for the first time. */
function completed(factors: Factors, seed: Pair, missing: ReadonlyMap<string, Pair>): Combination {
  const chosen = new Map<string, string>(seed);
  const newPairs = (choice: Choice) =>
    [...chosen].filter((other) => missing.has(keyOf([choice, other]))).length;
  for (const [factor, values] of Object.entries(factors)) {
    if (chosen.has(factor)) continue;
    const [best] = values.toSorted((a, b) => newPairs([factor, b]) - newPairs([factor, a]));
    if (best === undefined) throw new Error(`${factor} has no values`);
    chosen.set(factor, best);
  }
  return Object.fromEntries(Object.keys(factors).map((factor) => [factor, chosen.get(factor) ?? '']));
}

function allPairs(factors: Factors): Pair[] {
  const choices = Object.entries(factors).flatMap(([factor, values]) =>
    values.map((value): Choice => [factor, value]),
  );
  return pairsOf(choices).filter(([[first], [second]]) => first !== second);
}

function pairsOf(choices: readonly Choice[]): Pair[] {
  return choices.flatMap((first, index) => choices.slice(index + 1).map((second): Pair => [first, second]));
}

function keyOf(pair: Pair): string {
  return JSON.stringify(pair.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
