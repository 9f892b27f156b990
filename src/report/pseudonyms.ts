import type { LedgerExtract } from './extract.ts';

/** @returns a whole number from 0 to below `limit`, that nobody can foresee */
export type RandomInt = (limit: number) => number;

/**
 * Pseudonyms in an order that is drawn anew for each report: the same student has the same one throughout, and neither
 * ids nor a roster tell which.
 */
export function pseudonymsOf(ids: readonly string[], randomInt: RandomInt): ReadonlyMap<string, string> {
  return numbered(ids, 'Student ', randomInt);
}

/**
 * The account with numbers for adapters, drawn as those of students: an adapter that is called as a student would tell
 * who it is. The same adapter has the same number throughout.
 *
 * @param served names of the model of the class, which stay. Of one that it had before, what follows a colon is taken
 * for an adapter
 */
export function withoutAdapterNames(
  extract: LedgerExtract,
  served: readonly string[],
  randomInt: RandomInt,
): LedgerExtract {
  const models = new Set(extract.students.flatMap(({ usage }) => usage.map(({ model }) => model)));
  const named = [...models].flatMap((model) => adapterIn(model, served) ?? []);
  const numbers = numbered([...new Set(named.map(({ adapter }) => adapter))], 'adapter-', randomInt);
  const hidden = new Map(named.map(({ model, base, adapter }) => [model, `${base}:${numbers.get(adapter)}`]));
  return {
    ...extract,
    students: extract.students.map((student) => ({
      ...student,
      usage: student.usage.map((row) => ({ ...row, model: hidden.get(row.model) ?? row.model })),
    })),
  };
}

interface AdapterModel {
  readonly model: string;
  readonly base: string;
  readonly adapter: string;
}

/** Names of adapters have no colon. */
function adapterIn(model: string, served: readonly string[]): AdapterModel | undefined {
  const colon = model.lastIndexOf(':');
  if (colon < 0 || served.includes(model)) return undefined;
  return { model, base: model.slice(0, colon), adapter: model.slice(colon + 1) };
}

/** Numbers names in an order that is drawn. */
function numbered(
  names: readonly string[],
  called: string,
  randomInt: RandomInt,
): ReadonlyMap<string, string> {
  const order = [...names];
  // https://en.wikipedia.org/wiki/Fisher%E2%80%93Yates_shuffle
  for (let last = order.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [order[last], order[other]] = [order[other] ?? '', order[last] ?? ''];
  }
  const digits = Math.max(2, String(order.length).length);
  return new Map(order.map((name, index) => [name, `${called}${String(index + 1).padStart(digits, '0')}`]));
}
