/** @returns a whole number from 0 to below `limit`, that nobody can foresee */
export type RandomInt = (limit: number) => number;

/**
 * Pseudonyms in an order that is drawn anew for each report: the same student has the same one throughout, and neither
 * ids nor a roster tell which.
 */
export function pseudonymsOf(ids: readonly string[], randomInt: RandomInt): ReadonlyMap<string, string> {
  const order = [...ids];
  // https://en.wikipedia.org/wiki/Fisher%E2%80%93Yates_shuffle
  for (let last = order.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [order[last], order[other]] = [order[other] ?? '', order[last] ?? ''];
  }
  const digits = Math.max(2, String(order.length).length);
  return new Map(order.map((id, index) => [id, `Student ${String(index + 1).padStart(digits, '0')}`]));
}
