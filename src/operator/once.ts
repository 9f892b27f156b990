import type { Clock } from '../kube/clock.ts';
import type { Progress, Unsettled } from './progress.ts';

export interface OnceOptions {
  progress: Progress;
  clock: Clock;
  /** Resolves when no key is ready or being worked on. */
  idle(): Promise<void>;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Longer than the API server takes to tell our own writes back to us. */
const QUIET_MS = 1000;
const LOOK_EVERY_MS = 100;

/**
 * Waits until nothing is left to do: no pass for a second, and none that failed. What only a person can change is not
 * waited for.
 *
 * @returns what is not as wanted; empty when all is
 */
export async function untilSettled(options: OnceOptions): Promise<Unsettled[]> {
  const { progress, clock, signal } = options;
  const deadlineMs = clock.monotonic() + options.timeoutMs;
  while (!signal.aborted && clock.monotonic() < deadlineMs) {
    await options.idle();
    const failed = progress.unsettled().some(({ kind }) => kind === 'failed');
    if (!failed && progress.quietMs() >= QUIET_MS) break;
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
  }
  return progress.unsettled();
}
