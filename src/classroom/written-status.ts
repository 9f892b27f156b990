import type { Classroom, ClassroomStatus } from '../api/classroom.ts';
import { keyOf } from '../kube/object.ts';

/**
 * Remembers what was just written, until the watch shows it: a pass that came between would take the old status for
 * the current one, write it again with newer times, and tell of the same things twice.
 */
export interface WrittenStatus {
  /** The class, with the status that we wrote where the cache has not moved since. */
  current(classroom: Classroom): Classroom;
  /** @param seen the class as it was in the cache when the status was computed */
  remember(seen: Classroom, status: ClassroomStatus): void;
  forget(key: string): void;
}

export function createWrittenStatus(): WrittenStatus {
  const written = new Map<string, { seenVersion: string | undefined; status: ClassroomStatus }>();
  return {
    current(classroom) {
      const known = written.get(keyOf(classroom.metadata));
      if (known === undefined) return classroom;
      if (known.seenVersion === classroom.metadata.resourceVersion) {
        return { ...classroom, status: known.status };
      }
      written.delete(keyOf(classroom.metadata));
      return classroom;
    },
    remember: ({ metadata }, status) =>
      void written.set(keyOf(metadata), { seenVersion: metadata.resourceVersion, status }),
    forget: (key) => void written.delete(key),
  };
}
