import type { EventReason } from '../api/event-reasons.ts';
import type { Applier } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/log.ts';
import type { KubeObject } from '../kube/object.ts';
import type { OperatorInformers } from './caches.ts';
import type { OperatorSettings } from './settings.ts';

/** What people are told of an object by an Event. */
export interface OperatorEvent {
  type: 'Normal' | 'Warning';
  reason: EventReason;
  /** What the operator did, such as `Apply`. */
  action: string;
  /** A sentence: what, why, what next. At most 1 kB; never a key. */
  note: string;
}

/** One thing that happened, told to people as an event of the object. Never blocks and never throws. */
export interface EventSink {
  record(regarding: KubeObject, event: OperatorEvent): void;
}

/** What the controllers report about their own work; labels are kinds and reasons, never names of objects. */
export interface OperatorMetrics {
  objectWritten(write: { kind: string; verb: 'apply' | 'delete' | 'status' }): void;
  nameConflict(conflict: { kind: string }): void;
  keyIssued(issue: { cause: 'first' | 'rotation' | 'healed' }): void;
}

/** What every controller of the operator may need; nothing is read from the environment. */
export interface OperatorDependencies {
  client: KubeClient;
  informers: OperatorInformers;
  /** Writes objects with `FIELD_MANAGER`. Status goes through `client.apply` with `STATUS_FIELD_MANAGER`. */
  applier: Applier;
  events: EventSink;
  clock: Clock;
  log: Logger;
  /** Cryptographically random bytes. */
  randomBytes(length: number): Uint8Array;
  settings: OperatorSettings;
  metrics: OperatorMetrics;
}

/** What one pass over one object found out. Failures are thrown instead, and retried with back-off. */
export interface ReconcilePass {
  /** Look again after this long, though nothing changed (ms). */
  requeueAfterMs?: number;
  /** What stands in the way and only a person can change, in words; `--once` prints it. Undefined: all is as wanted. */
  blocked?: string;
}

/**
 * One controller: one root kind, one question. The process gives it a work queue, workers and retries.
 * A key is `namespace/name` of the root object (see `keyOf`).
 */
export interface OperatorController {
  readonly name: string;
  /**
   * Subscribes to the caches and maps every change to keys of root objects. Returns the unsubscribe function.
   *
   * @param enqueue with `afterMs` the key waits that long, and further wishes for it meanwhile cost nothing
   */
  connect(enqueue: (key: string, afterMs?: number) => void): () => void;
  /** Keys of all root objects there are now. */
  keys(): string[];
  /** Brings one object to where its spec wants it. Safe to be killed between any two writes and run again. */
  reconcile(key: string, signal: AbortSignal): Promise<ReconcilePass>;
}
