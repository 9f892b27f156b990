import type { Clock } from '../kube/clock.ts';
import type { Progress, Unsettled } from './progress.ts';

export interface OnceOptions {
  progress: Pick<Progress, 'unsettled'>;
  clock: Clock;
  /** Whether nothing is being done, nothing waits to be done, and all that was written is known. */
  isAtRest(): boolean;
  timeoutMs: number;
  signal: AbortSignal;
}

const LOOK_EVERY_MS = 100;

export interface OnceResult {
  /** False: the time was up, or the signal aborted, while there was still something to do. */
  settled: boolean;
  /** What is not as wanted. */
  unsettled: Unsettled[];
}

/**
 * Waits until nothing is left to do: the operator is at rest, and no pass failed. What only a person can change is not
 * waited for.
 */
export async function untilSettled(options: OnceOptions): Promise<OnceResult> {
  const { progress, clock, signal } = options;
  const deadlineMs = clock.monotonic() + options.timeoutMs;
  while (!signal.aborted && clock.monotonic() < deadlineMs) {
    const unsettled = progress.unsettled();
    const failed = unsettled.some(({ kind }) => kind === 'failed');
    if (!failed && options.isAtRest()) return { settled: true, unsettled };
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
  }
  return { settled: false, unsettled: progress.unsettled() };
}
