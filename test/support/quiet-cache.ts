import type { GpuObservation } from '../../src/gpu/nodes/observation.ts';
import { type KubeObject, keyOf } from '../../src/kube/object.ts';
import type { Lease } from '../../src/kube/resources.ts';
import type { GpuInventory, ObjectCache, ObjectChange } from '../../src/reconcile/caches.ts';

/** A cache that holds what the test gives it, and tells of a change only when the test says so. */
export interface QuietCache<T extends KubeObject> extends ObjectCache<T> {
  readonly handlers: ReadonlySet<(change: ObjectChange<T>) => void>;
  tell(now: T | undefined, before?: T): void;
}

/** @param classroomOf which class an object belongs to; default: the one that all builders name */
export function quietCache<T extends KubeObject>(
  objects: readonly T[] = [],
  classroomOf: (object: T) => string = () => 'python-101',
): QuietCache<T> {
  const handlers = new Set<(change: ObjectChange<T>) => void>();
  const list = (namespace?: string) =>
    objects.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  return {
    handlers,
    get: (ref) => objects.find(({ metadata }) => keyOf(metadata) === keyOf(ref)),
    list,
    ownedBy: (uid) => objects.filter(({ metadata }) => metadata.ownerReferences?.some((o) => o.uid === uid)),
    ofClassroom: (namespace, classroom) =>
      list(namespace).filter((object) => classroomOf(object) === classroom),
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    tell(now, before) {
      for (const handler of handlers) handler({ now, before });
    },
  };
}

/** GPUs as the test says, and a change when it says so. */
function quietInventory(current: GpuObservation): GpuInventory & {
  readonly handlers: ReadonlySet<() => void>;
  tell(): void;
} {
  const handlers = new Set<() => void>();
  return {
    handlers,
    current: () => current,
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    tell() {
      for (const handler of handlers) handler();
    },
  };
}

/** The caches of an operator that sees no object but those given. */
export function quietInformers<C extends KubeObject, S extends KubeObject, P extends KubeObject>(objects: {
  classrooms?: readonly C[];
  studentQuotas?: readonly S[];
  pods?: readonly P[];
  demandLeases?: readonly Lease[];
  /** Default: the operator may not read nodes. */
  gpus?: GpuObservation;
}) {
  return {
    classrooms: quietCache(objects.classrooms),
    studentQuotas: quietCache(objects.studentQuotas),
    pods: quietCache(objects.pods),
    secrets: quietCache(),
    deployments: quietCache(),
    services: quietCache(),
    serviceAccounts: quietCache(),
    networkPolicies: quietCache(),
    podDisruptionBudgets: quietCache(),
    persistentVolumeClaims: quietCache(),
    demandLeases: quietCache(objects.demandLeases),
    gpus: quietInventory(objects.gpus ?? { kind: 'Unknown', why: 'NotAllowed' }),
  };
}
