/** How one pass of a reconcile ended. */
export type ReconcileOutcome = 'success' | 'requeue_after' | 'error' | 'terminal_error';

/** How one watch ended. */
export type WatchEnd = 'closed' | 'expired' | 'error_event' | 'failed' | 'silent' | 'line_too_long';

/**
 * What this layer reports about itself. An entry point implements it with its metrics library; labels are few and
 * bounded (kinds, verbs, names of controllers), never names of objects.
 */
export interface KubeMetrics {
  /** One HTTP exchange; `status` is 0 when there was no answer. */
  requestDone(request: { verb: string; resource: string; status: number; seconds: number }): void;
  listDone(list: { resource: string; objects: number; seconds: number }): void;
  watchEnded(watch: { resource: string; end: WatchEnd }): void;
  /** A relist found objects that the watch had not told of, or had not told the end of. */
  relistCorrected(relist: { resource: string; changes: number }): void;
  /** A subscriber of a store threw. */
  handlerFailed(handler: { resource: string }): void;
  queueDepth(queue: { name: string; depth: number }): void;
  queueAdded(queue: { name: string }): void;
  queueRetried(queue: { name: string }): void;
  /** Seconds a key waited from being added to being taken. */
  queueWaited(queue: { name: string; seconds: number }): void;
  reconciled(pass: { controller: string; outcome: ReconcileOutcome; seconds: number }): void;
  leaderChanged(leader: { name: string; leading: boolean }): void;
  eventFailed(event: { reason: string; cause: 'dropped' | 'refused' }): void;
}

/** Reports nothing; the default where no metrics are given. */
export const noMetrics: KubeMetrics = {
  requestDone: () => {},
  listDone: () => {},
  watchEnded: () => {},
  relistCorrected: () => {},
  handlerFailed: () => {},
  queueDepth: () => {},
  queueAdded: () => {},
  queueRetried: () => {},
  queueWaited: () => {},
  reconciled: () => {},
  leaderChanged: () => {},
  eventFailed: () => {},
};
