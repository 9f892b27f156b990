import type { Clock } from './clock.ts';

/** A bucket of tokens that refills at a steady rate. */
export interface TokenBucket {
  /** Takes one token, on credit if need be; the ms to wait until it is covered (0: at once). */
  reserve(): number;
  /** Takes one token only when there is one. */
  tryTake(): boolean;
}

/** @param options.burst tokens at the start and at most */
export function createTokenBucket(options: {
  clock: Clock;
  ratePerSecond: number;
  burst: number;
}): TokenBucket {
  const { clock, ratePerSecond, burst } = options;
  let tokens = burst;
  let refilledAtMs = clock.monotonic();

  const refill = (): void => {
    const nowMs = clock.monotonic();
    tokens = Math.min(burst, tokens + ((nowMs - refilledAtMs) / 1000) * ratePerSecond);
    refilledAtMs = nowMs;
  };
  return {
    reserve() {
      refill();
      tokens -= 1;
      return tokens >= 0 ? 0 : (-tokens / ratePerSecond) * 1000;
    },
    tryTake() {
      refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
