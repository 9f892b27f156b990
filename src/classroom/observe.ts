import type { Classroom } from '../api/classroom.ts';
import { COMPONENTS, LABELS } from '../api/labels.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import type { PreparationNote } from '../gpu/node-preparation/note.ts';
import type { GpuObservation } from '../gpu/nodes/observation.ts';
import { type KubeObject, keyOf, type ObjectRef, type Resource } from '../kube/object.ts';
import type { Deployment, Lease, PersistentVolumeClaim, Pod } from '../kube/resources.ts';
import type { OperatorInformers } from '../reconcile/caches.ts';
import type { AdapterBoard, ClassAdapters } from './adapters/board.ts';
import { engineName, modelCacheName } from './children/metadata.ts';
import { instanceOf } from './engine-container.ts';
import { activityOf } from './engine-watch/activity.ts';
import type { EngineBoard, WatchedEngine } from './engine-watch/board.ts';
import { childKinds } from './kinds.ts';
import type { PreparationNotes } from './node-preparation/notes.ts';
import type { Activity } from './rollout/activity.ts';
import { startsInTurn } from './rollout/start-gate.ts';
import type { NeedHistory } from './scaling/need-history.ts';

/** An object that is there, of a kind that a class consists of. */
export interface ObservedChild {
  resource: Resource<KubeObject>;
  object: KubeObject;
}

/** Everything that planning and status look at: one moment of the caches. */
export interface ObservedClass {
  classroom: Classroom;
  seats: readonly StudentQuota[];
  /** Engine pods of the class, by name. */
  pods: readonly Pod[];
  deployment: Deployment | undefined;
  modelCache: PersistentVolumeClaim | undefined;
  /** Engine pods of every class, where those of this class share GPUs with others; else empty. */
  enginePods: readonly Pod[];
  /** What is known of the cluster's GPUs. */
  gpus: GpuObservation;
  /** Whether students ask the engines for anything. */
  activity: Activity;
  /** What was heard from the engines, by the name of the pod. */
  watched: ReadonlyMap<string, WatchedEngine>;
  /** In which gateways say what students want. */
  demandLeases: readonly Lease[];
  /** How many engines were needed of late; undefined: the operator has just begun. */
  needHistory: NeedHistory | undefined;
  /** All objects that carry the label of the class. */
  children: readonly ObservedChild[];
  /** What the engines say of their adapters; undefined: nobody has looked yet. */
  adapters: ClassAdapters | undefined;
  /** Every class, in whatever namespace: what one counts on is not changed for another. */
  allClasses: readonly Classroom[];
  /** What keeps the operator from preparing nodes. */
  preparationNote: PreparationNote | undefined;
}

/** What other controllers found out, besides the caches. */
export interface ObservedBoards {
  /** What engines say of their adapters. */
  adapterBoard: AdapterBoard;
  /** What engines say of their work and memory. */
  engineBoard: EngineBoard;
  /** What keeps the operator from preparing nodes. */
  preparationNotes: PreparationNotes;
}

/**
 * Reads the caches; undefined when there is no such class, or when it is being deleted.
 *
 * @param needHistory how many engines the class needed of late, where that is known
 */
export function observe(
  ref: ObjectRef,
  informers: OperatorInformers,
  { adapterBoard, engineBoard, preparationNotes }: ObservedBoards,
  needHistory: NeedHistory | undefined,
): ObservedClass | undefined {
  const classroom = informers.classrooms.get(ref);
  if (classroom === undefined || classroom.metadata.deletionTimestamp !== undefined) return undefined;
  const { namespace = '', name } = classroom.metadata;
  const pods = informers.pods
    .ofClassroom(namespace, name)
    .filter((pod) => pod.metadata.labels?.[LABELS.component] === COMPONENTS.engine)
    .toSorted((a, b) => keyOf(a.metadata).localeCompare(keyOf(b.metadata)));
  return {
    classroom,
    seats: informers.studentQuotas
      .ofClassroom(namespace, name)
      .filter((seat) => seat.metadata.deletionTimestamp === undefined),
    pods,
    enginePods: pods.some(startsInTurn) ? informers.pods.list() : [],
    gpus: informers.gpus.current(),
    activity: activityOf(keyOf(ref), pods, engineBoard),
    watched: watchedEngines(keyOf(ref), pods, engineBoard),
    demandLeases: informers.demandLeases.ofClassroom(namespace, name),
    needHistory,
    deployment: informers.deployments.get({ namespace, name: engineName(name) }),
    modelCache: informers.persistentVolumeClaims.get({ namespace, name: modelCacheName(name) }),
    children: childKinds(informers).flatMap(({ resource, cache }) =>
      cache.ofClassroom(namespace, name).map((object) => ({ resource, object })),
    ),
    adapters: adapterBoard.of(keyOf(classroom.metadata)),
    allClasses: informers.classrooms.list(),
    preparationNote: preparationNotes.get(keyOf(ref)),
  };
}

function watchedEngines(
  classroom: string,
  pods: readonly Pod[],
  board: EngineBoard,
): Map<string, WatchedEngine> {
  const watched = new Map<string, WatchedEngine>();
  for (const pod of pods) {
    const engine = board.of(classroom, instanceOf(pod));
    if (engine !== undefined) watched.set(pod.metadata.name, engine);
  }
  return watched;
}
