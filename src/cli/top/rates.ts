import type { StudentFigures } from './figures.ts';

/** Tokens a minute of each student, over the last minute as far as it was seen. */
export interface Rates {
  /** @param nowMs on the monotonic clock */
  add(figures: readonly StudentFigures[], nowMs: number): ReadonlyMap<string, number>;
}

const WINDOW_MS = 60_000;

interface Seen {
  readonly atMs: number;
  readonly tokens: number;
}

/** Remembers what it is given. What was written down now and then has no rate: it comes in leaps. */
export function createRates(): Rates {
  const seen = new Map<string, Seen[]>();
  return {
    add(figures, nowMs) {
      const rates = new Map<string, number>();
      for (const { id, source, tokens } of figures) {
        if (source === 'Status') continue;
        const last = seen.get(id) ?? [];
        // A new day begins at 0.
        const kept = last.filter((one) => nowMs - one.atMs <= WINDOW_MS && one.tokens <= tokens);
        seen.set(id, [...kept, { atMs: nowMs, tokens }]);
        const [first] = kept;
        if (first !== undefined && nowMs > first.atMs) {
          rates.set(id, ((tokens - first.tokens) * 60_000) / (nowMs - first.atMs));
        }
      }
      return rates;
    },
  };
}
