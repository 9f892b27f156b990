import type { Classroom } from '../api/classroom.ts';
import type { EventReason } from '../api/event-reasons.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import type { Applier } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/log.ts';
import type { KubeObject, ObjectRef } from '../kube/object.ts';
import type {
  Deployment,
  NetworkPolicy,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  Secret,
  Service,
  ServiceAccount,
} from '../kube/resources.ts';

/**
 * What a controller sees of one kind: the objects a watch keeps fresh. Objects are shared and must not be changed.
 * Reads cost no request; they may be a moment old, so writes must be safe on a stale view.
 */
export interface ObjectCache<T extends KubeObject> {
  get(ref: ObjectRef): T | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[];
  /** Objects with an owner reference to this uid. */
  ownedBy(uid: string): readonly T[];
  /**
   * Objects of a namespace that belong to a class: by the label `gpu-classroom.io/classroom`; StudentQuotas by their
   * `classroomRef`.
   */
  ofClassroom(namespace: string, classroom: string): readonly T[];
  /**
   * Calls `handler` after every change, deletions and the first list included, with the object as it is now and as
   * it was before (undefined: there is, or was, none). Returns the unsubscribe function.
   */
  onChange(handler: (change: ObjectChange<T>) => void): () => void;
}

export interface ObjectChange<T extends KubeObject> {
  now: T | undefined;
  before: T | undefined;
}

/** The caches both controllers share, one watch a kind. Children are watched by our label `managed-by`. */
export interface OperatorInformers {
  classrooms: ObjectCache<Classroom>;
  studentQuotas: ObjectCache<StudentQuota>;
  secrets: ObjectCache<Secret>;
  deployments: ObjectCache<Deployment>;
  pods: ObjectCache<Pod>;
  services: ObjectCache<Service>;
  serviceAccounts: ObjectCache<ServiceAccount>;
  networkPolicies: ObjectCache<NetworkPolicy>;
  podDisruptionBudgets: ObjectCache<PodDisruptionBudget>;
  persistentVolumeClaims: ObjectCache<PersistentVolumeClaim>;
}

/** One thing that happened, told to people as an event of the object. Never blocks and never throws. */
export interface EventSink {
  record(
    regarding: KubeObject,
    event: {
      type: 'Normal' | 'Warning';
      reason: EventReason;
      /** What the operator did, such as `Apply`. */
      action: string;
      /** A sentence: what, why, what next. At most 1 kB; never a key. */
      note: string;
    },
  ): void;
}

/** Pods that may reach the engine port, besides the gateway: matched by namespace and labels. */
export interface PeerSelector {
  namespace: string;
  podLabels: Record<string, string>;
}

export interface OperatorSettings {
  /** The OpenAI base URL that students get, `/v1` included. */
  gatewayBaseURL: string;
  /** Namespace the operator itself runs in. */
  operatorNamespace: string;
  /** Only this namespace is served; undefined: all. */
  watchNamespace: string | undefined;
  gatewayPeer: PeerSelector;
  operatorPeer: PeerSelector;
  /** Undefined: no monitoring is let through to the engines. */
  prometheusPeer: PeerSelector | undefined;
}

/** What the controllers report about their own work; labels are kinds and reasons, never names of objects. */
export interface OperatorMetrics {
  objectWritten(write: { kind: string; verb: 'apply' | 'delete' | 'status' }): void;
  nameConflict(conflict: { kind: string }): void;
  keyIssued(issue: { cause: 'first' | 'rotation' | 'healed' }): void;
}

/** Everything a controller of the operator needs; nothing is read from the environment. */
export interface OperatorDependencies {
  client: KubeClient;
  informers: OperatorInformers;
  /** Writes objects with {@link FIELD_MANAGER}. Status goes through `client.apply` with {@link STATUS_FIELD_MANAGER}. */
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

/** Field managers of server-side apply: one for the objects, one for the status, so that neither takes the other's fields away. */
export const FIELD_MANAGER = 'gpu-classroom-operator';
export const STATUS_FIELD_MANAGER = 'gpu-classroom-operator-status';
