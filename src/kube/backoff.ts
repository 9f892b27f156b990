/** Delays that grow by doubling from `firstMs` to `maxMs`, spread over [d, 2d) so that clients do not move in step. */
export interface Backoff {
  /** The next delay in ms. */
  next(): number;
  reset(): void;
  /** Delays handed out since the last reset. */
  readonly failures: number;
}

/** @param options.random in [0, 1) */
export function createBackoff(options: { firstMs: number; maxMs: number; random: () => number }): Backoff {
  let failures = 0;
  return {
    next() {
      const baseMs = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(failures, 30));
      failures += 1;
      return Math.min(options.maxMs, baseMs * (1 + options.random()));
    },
    reset() {
      failures = 0;
    },
    get failures() {
      return failures;
    },
  };
}
