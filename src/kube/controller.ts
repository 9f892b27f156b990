import { setImmediate as nextTurn } from 'node:timers/promises';
import { openCallScope } from './call-scope.ts';
import type { Clock } from './clock.ts';
import { describeError, type Logger } from './log.ts';
import { type KubeMetrics, noMetrics, type ReconcileOutcome } from './metrics.ts';
import { createWorkQueue } from './workqueue.ts';

/** A failure that trying again cannot mend: the key waits for the next change instead of a retry. */
export class TerminalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TerminalError';
  }
}

export interface ReconcileContext {
  /** Aborts at the deadline of this pass and when the controller stops. */
  signal: AbortSignal;
  /** Carries the controller's name, the key and a `reconcileId`. */
  log: Logger;
}

/** When to look again although nothing changed. */
export interface ReconcileResult {
  requeueAfterMs?: number;
}

/** Brings the world to what the object of `key` asks for. Level-triggered: it is told which key, never what changed. */
// biome-ignore lint/suspicious/noConfusingVoidType: a reconcile that has nothing to say just ends
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult | void>;

export interface ControllerOptions {
  name: string;
  clock: Clock;
  log: Logger;
  /** Keys worked on at once; default 1. */
  workers?: number;
  reconcile: Reconcile;
  /** Bound of one pass; default 60 s. */
  reconcileDeadlineMs?: number;
  metrics?: KubeMetrics;
}

export interface Controller {
  readonly name: string;
  enqueue(key: string): void;
  /** Something changed, and more of it may come: the key is worked on when `ms` are over. */
  enqueueAfter(key: string, ms: number): void;
  /** Works until the signal aborts; resolves when the passes under way have ended. Keys may be enqueued before. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * No key is ready, being worked on, or put off by {@link enqueueAfter}. Those do not count that failed and wait for
   * another attempt, or that a pass wants to look at again at a later time.
   */
  readonly isIdle: boolean;
}

const defaultDeadlineMs = 60_000;

/** A controller that is not running yet. One key is never reconciled twice at once. */
export function createController(options: ControllerOptions): Controller {
  const { name, clock } = options;
  const metrics = options.metrics ?? noMetrics;
  const log = options.log.child({ controller: name });
  const queue = createWorkQueue({ name, clock, metrics });
  /** Keys that changed and are put off. */
  const putOff = new Set<string>();
  let passes = 0;

  async function pass(key: string, signal: AbortSignal): Promise<void> {
    const passLog = log.child({ key, reconcileId: `${name}-${++passes}` });
    const startedMs = clock.monotonic();
    const scope = openCallScope({
      clock,
      signal,
      deadlineMs: options.reconcileDeadlineMs ?? defaultDeadlineMs,
    });
    let outcome: ReconcileOutcome;
    try {
      const result = await options.reconcile(key, { signal: scope.signal, log: passLog });
      outcome = settle(key, result ?? {});
    } catch (error) {
      if (signal.aborted) return;
      outcome = fail(key, error, passLog, scope.endedBy === 'deadline');
    } finally {
      scope.close();
    }
    metrics.reconciled({ controller: name, outcome, seconds: (clock.monotonic() - startedMs) / 1000 });
  }

  function settle(key: string, result: ReconcileResult): ReconcileOutcome {
    queue.forget(key);
    if (result.requeueAfterMs === undefined) return 'success';
    queue.addAfter(key, result.requeueAfterMs);
    return 'requeue_after';
  }

  function fail(key: string, error: unknown, passLog: Logger, late: boolean): ReconcileOutcome {
    if (error instanceof TerminalError) {
      queue.forget(key);
      passLog.error(describeError(error), 'Reconcile failed for good; it waits for a change');
      return 'terminal_error';
    }
    queue.addRateLimited(key);
    const fields = { ...describeError(error), failures: queue.failures(key), late };
    passLog.warn(fields, 'Reconcile failed; it will be tried again');
    return 'error';
  }

  async function work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const key = await queue.get();
      if (key === undefined) return;
      putOff.delete(key);
      await pass(key, signal);
      queue.done(key);
      // A pass that finds all as wanted awaits nothing: thousands of them in a row would let no answer, timer or probe in.
      await nextTurn();
    }
  }

  return {
    name,
    enqueue: (key) => queue.add(key),
    enqueueAfter(key, ms) {
      if (ms > 0) putOff.add(key);
      queue.addAfter(key, ms);
    },
    async run(signal) {
      const stop = (): void => queue.shutDown();
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
      await Promise.all(Array.from({ length: options.workers ?? 1 }, () => work(signal)));
      signal.removeEventListener('abort', stop);
    },
    get isIdle() {
      return queue.depth === 0 && queue.processing === 0 && putOff.size === 0;
    },
  };
}
