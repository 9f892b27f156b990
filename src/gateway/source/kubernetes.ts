import { type Classroom, classrooms } from '../../api/classroom.ts';
import { ENGINE_POD_SELECTOR } from '../../api/labels.ts';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import { withOwnersOfAccess } from '../../classroom/opening/access-change.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import {
  createInformer,
  type Informer,
  type InformerOptions,
  withoutManagedFields,
} from '../../kube/informer.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { type KubeObject, keyOf } from '../../kube/object.ts';
import { type Pod, pods } from '../../kube/resources.ts';
import type { StoreHandler } from '../../kube/store.ts';
import type { AddressOfPod } from '../../vllm/pod-address.ts';
import { engineIdOf, engineOfPod } from '../engines/pods.ts';
import type { EngineRegistry } from '../engines/registry.ts';
import type { Directory } from '../identity/directory.ts';
import { classroomRecordOf, seatRecordOf } from '../identity/published.ts';

/**
 * A key that is taken away ends within a second, also when the watch that tells of it was lost just then. Three watches
 * of each gateway, tried once a second, are no load for an API server that comes back.
 */
const BACKOFF = { firstMs: 100, maxMs: 1_000 };

export interface KubernetesSourceOptions {
  /** Closed by `stop`. */
  readonly client: KubeClient;
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly directory: Directory;
  readonly engines: EngineRegistry;
  /** Told of StudentQuotas as well. */
  readonly onStudentQuota?: StoreHandler<StudentQuota> | undefined;
  /** Told of engine pods as well, of those that are not ready too. */
  readonly onEnginePod?: StoreHandler<Pod> | undefined;
  readonly addressOf: AddressOfPod;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** Keeps the directory and the engines as the API server says. */
export interface Source {
  start(): void;
  /** True once everything was read for the first time. */
  readonly hasSynced: boolean;
  /** Ms since the slowest of the watches last heard from the API server; Infinity before the first list. */
  ageMs(): number;
  /** Ends the watches and their connections. */
  stop(): Promise<void>;
}

/**
 * Watches Classrooms, StudentQuotas and the engines' Pods. Each event is written to the directory in the same turn in
 * which it was read. Nothing else is read: no Secret, no other Pod.
 */
export function watchKubernetes(options: KubernetesSourceOptions): Source {
  const { directory, engines, addressOf, log } = options;
  const shared: Omit<InformerOptions<KubeObject>, 'resource'> = {
    client: options.client,
    namespace: options.namespace,
    clock: options.clock,
    random: options.random,
    log,
    backoff: BACKOFF,
  };
  const classroomInformer = createInformer<Classroom>({
    ...shared,
    resource: classrooms,
    transform: withOwnersOfAccess,
  });
  const quotaInformer = createInformer<StudentQuota>({
    ...shared,
    resource: studentQuotas,
    transform: withoutManagedFields,
  });
  const podInformer = createInformer<Pod>({
    ...shared,
    resource: pods,
    labelSelector: ENGINE_POD_SELECTOR,
    transform: withoutManagedFields,
  });
  const informers: readonly Pick<Informer<KubeObject>, 'start' | 'stop' | 'hasSynced' | 'lastSyncAgeMs'>[] = [
    classroomInformer,
    quotaInformer,
    podInformer,
  ];

  classroomInformer.store.subscribe(followClassrooms(directory, log));
  quotaInformer.store.subscribe(followSeats(directory, log));
  if (options.onStudentQuota !== undefined) quotaInformer.store.subscribe(options.onStudentQuota);
  podInformer.store.subscribe(followEngines(engines, addressOf));
  if (options.onEnginePod !== undefined) podInformer.store.subscribe(options.onEnginePod);

  return {
    start() {
      for (const informer of informers) informer.start();
    },
    get hasSynced() {
      return informers.every((informer) => informer.hasSynced);
    },
    ageMs: () => Math.max(...informers.map((informer) => informer.lastSyncAgeMs())),
    async stop() {
      await Promise.all(informers.map((informer) => informer.stop()));
      await options.client.close();
    },
  };
}

function followClassrooms(directory: Directory, log: Logger): StoreHandler<Classroom> {
  return ({ type, object }) => {
    const key = keyOf(object.metadata);
    if (type === 'deleted') {
      directory.removeClassroom(key);
      return;
    }
    const record = readable(() => classroomRecordOf(object), log, `Classroom ${key}`);
    if (record === undefined) directory.removeClassroom(key);
    else directory.putClassroom(record);
  };
}

function followSeats(directory: Directory, log: Logger): StoreHandler<StudentQuota> {
  return ({ type, object }) => {
    const key = keyOf(object.metadata);
    const record =
      type === 'deleted' ? undefined : readable(() => seatRecordOf(object), log, `StudentQuota ${key}`);
    if (record === undefined) directory.removeSeat(key);
    else directory.putSeat(record);
  };
}

function followEngines(engines: EngineRegistry, addressOf: AddressOfPod): StoreHandler<Pod> {
  return ({ type, object }) => {
    const engine = type === 'deleted' ? undefined : engineOfPod(object, addressOf);
    if (engine !== undefined) engines.put(engine);
    else if (type === 'deleted') engines.remove(engineIdOf(object));
    else engines.drain(engineIdOf(object));
  };
}

/** One object that cannot be understood must not stop the others; it counts as absent, and the log says so. */
function readable<T>(read: () => T, log: Logger, what: string): T | undefined {
  try {
    return read();
  } catch (error) {
    log.error({ object: what, ...describeError(error) }, 'An object of the API is not valid and is left out');
    return undefined;
  }
}
