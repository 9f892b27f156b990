/** A pending call; cancelling one that ran already does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as everything in this product gets it: passed in, so that tests hold it still.
 *
 * `now` is for what people and other machines read (epoch ms); `monotonic` is for measuring how long something took
 * or when it expires, because the wall clock may jump.
 */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Ms from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Calls `fn` once after `ms`. Any length is allowed (Node's own timers fire at once beyond 24.8 days). */
  setTimeout(fn: () => void, ms: number): Timer;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay Node's timers take: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const maxTimerMs = 2 ** 31 - 1;

/** Builds `sleep` on top of `setTimeout`; shared by the system's clock and the tests' clock. */
export function sleepOn(setTimer: Clock['setTimeout']): (ms: number, signal?: AbortSignal) => Promise<void> {
  return (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = setTimer(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
}

function setLongTimeout(fn: () => void, ms: number): Timer {
  let handle: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const stepMs = Math.min(leftMs, maxTimerMs);
    handle = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : fn()), stepMs);
  };
  arm(Math.max(0, ms));
  return { cancel: () => clearTimeout(handle) };
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: setLongTimeout,
  sleep: sleepOn(setLongTimeout),
};
