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

export interface OnceResult {
  /** False: the time was up, or the signal aborted, while there was still something to do. */
  settled: boolean;
  /** What is not as wanted. */
  unsettled: Unsettled[];
}

/**
 * Waits until nothing is left to do: no pass for a second, and none that failed. What only a person can change is not
 * waited for.
 */
export async function untilSettled(options: OnceOptions): Promise<OnceResult> {
  const { progress, clock, signal } = options;
  const deadlineMs = clock.monotonic() + options.timeoutMs;
  const lookLater = (): Promise<void> => clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
  while (!signal.aborted && clock.monotonic() < deadlineMs) {
    // The queues may never be empty: the time limit holds all the same.
    const idle = await Promise.race([options.idle().then(() => true), lookLater().then(() => false)]);
    const failed = progress.unsettled().some(({ kind }) => kind === 'failed');
    if (idle && !failed && progress.quietMs() >= QUIET_MS) {
      return { settled: true, unsettled: progress.unsettled() };
    }
    await lookLater();
  }
  return { settled: false, unsettled: progress.unsettled() };
}
