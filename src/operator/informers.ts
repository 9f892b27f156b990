import { classrooms } from '../api/classroom.ts';
import { DEMAND_SELECTOR } from '../api/demand.ts';
import { ENGINE_POD_SELECTOR, LABELS, MANAGED_SELECTOR } from '../api/labels.ts';
import { type StudentQuota, studentQuotas } from '../api/student-quota.ts';
import { withOwnersOfAccess } from '../classroom/opening/access-change.ts';
import { createInformer, type Informer, withoutManagedFields } from '../kube/informer.ts';
import { type KubeObject, keyOf, type Resource } from '../kube/object.ts';
import type { WatchContext } from '../kube/reflector.ts';
import {
  deployments,
  leases,
  networkPolicies,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  secrets,
  serviceAccounts,
  services,
} from '../kube/resources.ts';
import { byNamespace, byOwnerUid, type IndexFunction, type StoreChange } from '../kube/store.ts';
import type { Followed } from '../kube/written.ts';
import type { ObjectCache, ObjectChange, OperatorInformers } from '../reconcile/caches.ts';
import { createGpuInventory } from './gpu-inventory.ts';

export interface InformerSetOptions extends WatchContext {
  /** Undefined: all namespaces. */
  namespace: string | undefined;
}

/** All caches of the operator as one. */
export interface InformerSet {
  caches: OperatorInformers;
  start(signal: AbortSignal): void;
  /** Resolves when every cache holds a first complete list, and what is known of nodes is known. */
  synced(): Promise<void>;
  /** All caches that are followed now, of nodes too where they may be read. */
  followed(): readonly Followed[];
  /**
   * The age of the cache, those of nodes aside, that has not heard from the API server for longest, in ms; Infinity
   * before the first list.
   */
  oldestSyncAgeMs(): number;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

const NAMESPACE_INDEX = 'namespace';
const OWNER_INDEX = 'owner';
const CLASSROOM_INDEX = 'classroom';

/** One informer a kind: ours by label, the engines' pods by theirs, Classrooms and StudentQuotas all. */
export function createInformerSet(options: InformerSetOptions): InformerSet {
  const all: Informer<KubeObject>[] = [];
  const follow = <T extends KubeObject>(
    resource: Resource<T>,
    own: {
      labelSelector?: string;
      classroomOf?: (object: T) => string | undefined;
      /** What of an object is kept; default: all but its managed fields. */
      transform?: (object: T) => T;
    },
  ): ObjectCache<T> => {
    const informer = createInformer<T>({
      ...options,
      resource,
      labelSelector: own.labelSelector,
      indexes: indexesBy(own.classroomOf ?? classroomLabel),
      transform: own.transform ?? withoutManagedFields,
    });
    all.push(informer);
    return cacheOver(informer);
  };
  const ours = { labelSelector: MANAGED_SELECTOR };
  const enginePods = follow(pods, { labelSelector: ENGINE_POD_SELECTOR });
  const gpus = createGpuInventory({
    ...options,
    enginePods: options.namespace === undefined ? undefined : enginePods,
  });
  const caches: OperatorInformers = {
    classrooms: follow(classrooms, { transform: withOwnersOfAccess }),
    studentQuotas: follow(studentQuotas, { classroomOf: classroomOfSeat }),
    secrets: follow(secrets, ours),
    deployments: follow(deployments, ours),
    pods: enginePods,
    services: follow(services, ours),
    serviceAccounts: follow(serviceAccounts, ours),
    networkPolicies: follow(networkPolicies, ours),
    podDisruptionBudgets: follow(podDisruptionBudgets, ours),
    // Without an owner: by them the applier knows that a claim is ours.
    persistentVolumeClaims: follow(persistentVolumeClaims, { ...ours, transform: (claim) => claim }),
    demandLeases: follow(leases, { labelSelector: DEMAND_SELECTOR }),
    gpus: gpus.inventory,
  };
  return {
    caches,
    start: (signal) => {
      for (const informer of all) informer.start(signal);
      gpus.start(signal);
    },
    synced: async () =>
      void (await Promise.all([...all.map((informer) => informer.synced()), gpus.synced()])),
    followed: () => [...all, ...gpus.followed()],
    oldestSyncAgeMs: () => Math.max(...all.map((informer) => informer.lastSyncAgeMs())),
    stop: async () => void (await Promise.all([...all.map((informer) => informer.stop()), gpus.stop()])),
  };
}

function cacheOver<T extends KubeObject>({ store }: Informer<T>): ObjectCache<T> {
  return {
    get: (ref) => store.get(keyOf(ref)),
    list: (namespace) => (namespace === undefined ? store.list() : store.byIndex(NAMESPACE_INDEX, namespace)),
    ownedBy: (uid) => store.byIndex(OWNER_INDEX, uid),
    ofClassroom: (namespace, classroom) => store.byIndex(CLASSROOM_INDEX, `${namespace}/${classroom}`),
    onChange: (handler) => store.subscribe((change) => handler(changeOf(change))),
  };
}

function changeOf<T extends KubeObject>(change: StoreChange<T>): ObjectChange<T> {
  switch (change.type) {
    case 'added':
      return { now: change.object, before: undefined };
    case 'updated':
      return { now: change.object, before: change.previous };
    case 'deleted':
      return { now: undefined, before: change.object };
  }
}

function indexesBy<T extends KubeObject>(
  classroomOf: (object: T) => string | undefined,
): Record<string, IndexFunction<T>> {
  return {
    [NAMESPACE_INDEX]: byNamespace,
    [OWNER_INDEX]: byOwnerUid,
    [CLASSROOM_INDEX]: (object) => {
      const classroom = classroomOf(object);
      return classroom === undefined ? [] : [`${object.metadata.namespace ?? ''}/${classroom}`];
    },
  };
}

function classroomLabel(object: KubeObject): string | undefined {
  return object.metadata.labels?.[LABELS.classroom];
}

function classroomOfSeat(seat: StudentQuota): string {
  return seat.spec.classroomRef.name;
}
