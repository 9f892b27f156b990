import type { Clock, Timer } from './clock.ts';

/** One abort signal for one piece of work: ended by the caller's signal or by a deadline, whichever is first. */
export interface CallScope {
  readonly signal: AbortSignal;
  /** What ended it, or undefined while it runs. */
  readonly endedBy: 'signal' | 'deadline' | undefined;
  /** Sets the deadline anew, `ms` from now. */
  arm(ms: number): void;
  /** Ends the scope without aborting: removes the listener and the timer. Always call it. */
  close(): void;
}

/**
 * Listeners are removed on `close` by hand: `AbortSignal.any` would keep one dependent signal per request alive on
 * a parent that lives as long as the process.
 */
export function openCallScope(options: {
  clock: Clock;
  signal?: AbortSignal | undefined;
  deadlineMs: number;
}): CallScope {
  const { clock, signal } = options;
  const controller = new AbortController();
  let endedBy: 'signal' | 'deadline' | undefined;
  let timer: Timer | undefined;

  const onAbort = (): void => {
    endedBy ??= 'signal';
    controller.abort(signal?.reason);
  };
  const onDeadline = (): void => {
    endedBy ??= 'deadline';
    controller.abort(new DOMException('The deadline passed', 'TimeoutError'));
  };
  const arm = (ms: number): void => {
    timer?.cancel();
    timer = clock.setTimeout(onDeadline, ms);
  };
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  arm(options.deadlineMs);

  return {
    signal: controller.signal,
    get endedBy() {
      return endedBy;
    },
    arm,
    close() {
      timer?.cancel();
      signal?.removeEventListener('abort', onAbort);
    },
  };
}
