import type { Classroom } from '../api/classroom.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import type { GpuObservation } from '../gpu/nodes/observation.ts';
import type { KubeObject, ObjectRef } from '../kube/object.ts';
import type {
  Deployment,
  Lease,
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

/** What is known of the cluster's GPUs. */
export interface GpuInventory {
  /** The same object until something that matters to classes has changed. */
  current(): GpuObservation;
  /** Calls `handler` after every change of `current`. Returns the unsubscribe function. */
  onChange(handler: () => void): () => void;
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
  /** In which gateways say what students want: by their own label, for the operator makes none. */
  demandLeases: ObjectCache<Lease>;
  gpus: GpuInventory;
}
