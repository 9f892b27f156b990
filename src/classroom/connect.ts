import { LABELS } from '../api/labels.ts';
import { type KubeObject, keyOf } from '../kube/object.ts';
import type { Pod } from '../kube/resources.ts';
import type { ObjectChange, OperatorInformers } from '../reconcile/caches.ts';
import { childKinds } from './kinds.ts';
import type { ObservedBoards } from './observe.ts';
import { givesTurns } from './rollout/give-turns.ts';
import { startsInTurn, waitsForTurn } from './rollout/start-gate.ts';

/** Seats come by the dozen, twice each (the object, then its key): the class looks at them together. */
const SEATS_SETTLE_MS = 500;

/** A node that joins or a neighbour's rollout is many changes: classes look at them together. */
const GPUS_SETTLE_MS = 1000;

/**
 * Every change of a class, of a seat, of an object that carries the label of a class, or of what its engines say of
 * their work and their adapters leads to that class; one of the cluster's GPUs leads to all.
 */
export function connect(
  informers: OperatorInformers,
  boards: { [board in keyof ObservedBoards]: Pick<ObservedBoards[board], 'onChange'> },
  enqueue: (key: string, afterMs?: number) => void,
): () => void {
  // Each class once: an idle controller begins at the first key, and would go over the class again for the second.
  const enqueueClasses = (objects: readonly (KubeObject | undefined)[]): void => {
    for (const key of new Set(objects.flatMap(classKeys))) enqueue(key);
  };
  const byLabel = ({ now, before }: ObjectChange<KubeObject>): void => enqueueClasses([now, before]);
  // A class's engine that answers may be what another class's engine waits for.
  const waiting = (): readonly Pod[] => informers.pods.list().filter(waitsForTurn);
  const subscriptions = [
    informers.classrooms.onChange(({ now, before }) => {
      if (now !== undefined) enqueue(keyOf(now.metadata));
      if (givesTurns(now) !== givesTurns(before)) enqueueClasses(waiting());
    }),
    informers.studentQuotas.onChange(({ now, before }) => {
      const seat = now ?? before;
      if (seat !== undefined) enqueue(siblingKey(seat, seat.spec.classroomRef.name), SEATS_SETTLE_MS);
    }),
    informers.pods.onChange((change) => {
      enqueueClasses([change.now, change.before, ...(takesTurns(change) ? waiting() : [])]);
    }),
    boards.adapterBoard.onChange((classroom) => enqueue(classroom)),
    boards.engineBoard.onChange((classroom) => enqueue(classroom)),
    boards.preparationNotes.onChange((classroom) => enqueue(classroom)),
    informers.gpus.onChange(() => {
      for (const { metadata } of informers.classrooms.list()) enqueue(keyOf(metadata), GPUS_SETTLE_MS);
    }),
    informers.demandLeases.onChange(byLabel),
    ...childKinds(informers).map(({ cache }) => cache.onChange(byLabel)),
  ];
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe();
  };
}

function takesTurns({ now, before }: ObjectChange<Pod>): boolean {
  return [now, before].some((pod) => pod !== undefined && startsInTurn(pod));
}

function classKeys(object: KubeObject | undefined): readonly string[] {
  const classroom = object?.metadata.labels?.[LABELS.classroom];
  return object === undefined || classroom === undefined ? [] : [siblingKey(object, classroom)];
}

function siblingKey(object: KubeObject, name: string): string {
  const { namespace } = object.metadata;
  return keyOf(namespace === undefined ? { name } : { namespace, name });
}
