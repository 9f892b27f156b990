import type { Classroom } from '../api/classroom.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import { type KubeObject, keyOf } from '../kube/object.ts';
import type { ObjectChange, OperatorInformers } from '../reconcile/caches.ts';
import type { SeatIndex } from './seat-index.ts';
import { studentQuotaOfSecret } from './secret.ts';

/** Maps every change that concerns seats to their keys. */
export function connectSeats(
  informers: Pick<OperatorInformers, 'classrooms' | 'studentQuotas' | 'secrets'>,
  index: SeatIndex,
  enqueue: (key: string) => void,
): () => void {
  const disconnect = [
    informers.studentQuotas.onChange((change) => {
      for (const key of seatsTouchedBy(change, index)) enqueue(key);
    }),
    informers.secrets.onChange(({ now, before }) => {
      const { namespace, name } = (now ?? before)?.metadata ?? {};
      const seat = name === undefined ? undefined : studentQuotaOfSecret(name);
      if (seat !== undefined) enqueue(keyOf({ ...(namespace !== undefined && { namespace }), name: seat }));
    }),
    informers.classrooms.onChange((change) => {
      const classroom = change.now ?? change.before;
      if (classroom === undefined || !concernsSeats(change)) return;
      for (const key of index.seatsOfClassroom(classroom.metadata)) enqueue(key);
    }),
  ];
  return () => {
    for (const end of disconnect) end();
  };
}

/** A seat that comes or goes also concerns the other seats of its student: only the oldest of them counts. */
function seatsTouchedBy(change: ObjectChange<StudentQuota>, index: SeatIndex): Iterable<string> {
  index.update(change);
  const { now, before } = change;
  const seat = now ?? before;
  if (seat === undefined) return [];
  const endsOrBegins = now === undefined || before === undefined || isDeleted(now) !== isDeleted(before);
  return new Set([keyOf(seat.metadata), ...(endsOrBegins ? index.seatsOfSameStudent(seat) : [])]);
}

/** Engines come and go in the status of a class many times; its seats depend on its spec and its existence alone. */
function concernsSeats({ now, before }: ObjectChange<Classroom>): boolean {
  if (now === undefined || before === undefined) return true;
  return (
    now.metadata.uid !== before.metadata.uid ||
    now.metadata.generation !== before.metadata.generation ||
    isDeleted(now) !== isDeleted(before)
  );
}

export function isDeleted({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
