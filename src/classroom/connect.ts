import { LABELS } from '../api/labels.ts';
import { type KubeObject, keyOf } from '../kube/object.ts';
import type { ObjectChange, OperatorInformers } from '../reconcile/caches.ts';
import type { AdapterBoard } from './adapters/board.ts';
import { childKinds } from './kinds.ts';

/** Seats come by the dozen, twice each (the object, then its key): the class looks at them together. */
const SEATS_SETTLE_MS = 500;

/**
 * Every change of a class, of a seat, of an object that carries the label of a class, or of what its engines say of
 * their adapters leads to that class.
 */
export function connect(
  informers: OperatorInformers,
  adapterBoard: Pick<AdapterBoard, 'onChange'>,
  enqueue: (key: string, afterMs?: number) => void,
): () => void {
  const byLabel = ({ now, before }: ObjectChange<KubeObject>): void => {
    for (const object of [now, before]) {
      const classroom = object?.metadata.labels?.[LABELS.classroom];
      if (object !== undefined && classroom !== undefined) enqueue(siblingKey(object, classroom));
    }
  };
  const subscriptions = [
    informers.classrooms.onChange(({ now }) => {
      if (now !== undefined) enqueue(keyOf(now.metadata));
    }),
    informers.studentQuotas.onChange(({ now, before }) => {
      const seat = now ?? before;
      if (seat !== undefined) enqueue(siblingKey(seat, seat.spec.classroomRef.name), SEATS_SETTLE_MS);
    }),
    informers.pods.onChange(byLabel),
    adapterBoard.onChange((classroom) => enqueue(classroom)),
    ...childKinds(informers).map(({ cache }) => cache.onChange(byLabel)),
  ];
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe();
  };
}

function siblingKey(object: KubeObject, name: string): string {
  const { namespace } = object.metadata;
  return keyOf(namespace === undefined ? { name } : { namespace, name });
}
