import type { StudentQuota } from '../api/student-quota.ts';
import { keyOf, type ObjectRef } from '../kube/object.ts';
import type { ObjectCache, ObjectChange } from '../reconcile/caches.ts';

/** Finds seats by their class and by their student without going through all of them. */
export interface SeatIndex {
  /** Keys of the seats of a class, whether the class exists or not. */
  seatsOfClassroom(classroom: ObjectRef): string[];
  /** Keys of all seats of this one's student in the same class, its own included. */
  seatsOfSameStudent(quota: StudentQuota): string[];
  /** Name of the oldest seat of the same student in the same class, when that is another one. */
  olderSeat(quota: StudentQuota): string | undefined;
  /** Keeps the index in step with the cache: to be told of every change. */
  update(change: ObjectChange<StudentQuota>): void;
}

type Groups = Map<string, Map<string, ObjectRef>>;

export function createSeatIndex(studentQuotas: Pick<ObjectCache<StudentQuota>, 'get'>): SeatIndex {
  const byClassroom: Groups = new Map();
  const byStudent: Groups = new Map();

  return {
    seatsOfClassroom: (classroom) => [...(byClassroom.get(keyOf(classroom))?.keys() ?? [])],
    seatsOfSameStudent: (quota) => [...(byStudent.get(studentKey(quota))?.keys() ?? [])],
    olderSeat(quota) {
      const group = byStudent.get(studentKey(quota));
      if (group === undefined || group.size < 2) return undefined;
      const seats = [...group.values()].flatMap((ref) => studentQuotas.get(ref) ?? []);
      return seats
        .filter((seat) => seat.metadata.deletionTimestamp === undefined)
        .filter((seat) => seat.metadata.name !== quota.metadata.name && isOlder(seat, quota))
        .sort((a, b) => (isOlder(a, b) ? -1 : 1))[0]?.metadata.name;
    },
    update({ now, before }) {
      if (before !== undefined) {
        leave(byClassroom, classroomKey(before), before);
        leave(byStudent, studentKey(before), before);
      }
      if (now !== undefined) {
        join(byClassroom, classroomKey(now), now);
        join(byStudent, studentKey(now), now);
      }
    },
  };
}

/** Of two seats made in the same second, the one whose name sorts first counts as older. */
function isOlder({ metadata: a }: StudentQuota, { metadata: b }: StudentQuota): boolean {
  const [aTime, bTime] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return aTime === bTime ? a.name < b.name : aTime < bTime;
}

function classroomKey({ metadata: { namespace }, spec }: StudentQuota): string {
  const { name } = spec.classroomRef;
  return keyOf(namespace === undefined ? { name } : { namespace, name });
}

/** No object name holds a `#`. */
function studentKey(quota: StudentQuota): string {
  return `${classroomKey(quota)}#${quota.spec.student.id}`;
}

function join(groups: Groups, group: string, { metadata }: StudentQuota): void {
  const members = groups.get(group) ?? new Map<string, ObjectRef>();
  members.set(keyOf(metadata), metadata);
  groups.set(group, members);
}

function leave(groups: Groups, group: string, { metadata }: StudentQuota): void {
  const members = groups.get(group);
  members?.delete(keyOf(metadata));
  if (members?.size === 0) groups.delete(group);
}
