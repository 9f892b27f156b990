import { classrooms } from '../../src/api/classroom.ts';
import { findCondition } from '../../src/api/condition.ts';
import { CLASSROOM_CONDITIONS, STUDENT_QUOTA_CONDITIONS } from '../../src/api/reasons.ts';
import { studentQuotas } from '../../src/api/student-quota.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { createInformer, type Informer } from '../../src/kube/informer.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import type { School } from './school.ts';

/**
 * Resolves when the last class has all its objects and the last seat its key, by watching: the same criterion and
 * the same cost for whoever does the work.
 */
export async function untilConverged(client: KubeClient, school: School): Promise<void> {
  const { namespace } = school;
  const done = [
    countWith(
      client,
      classrooms,
      namespace,
      school.classes,
      (room) =>
        isTrue(room.status?.conditions, CLASSROOM_CONDITIONS.childrenApplied) &&
        room.status?.students === school.studentsPerClass,
    ),
    countWith(client, studentQuotas, namespace, school.classes * school.studentsPerClass, (seat) =>
      isTrue(seat.status?.conditions, STUDENT_QUOTA_CONDITIONS.keyIssued),
    ),
  ];
  await Promise.all(done);
}

function isTrue(conditions: Parameters<typeof findCondition>[0], type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

async function countWith<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  namespace: string,
  wanted: number,
  isDone: (object: T) => boolean,
): Promise<void> {
  const informer: Informer<T> = createInformer({
    client,
    resource,
    namespace,
    clock: systemClock,
    random: Math.random,
  });
  const done = new Set<string>();
  await new Promise<void>((resolve) => {
    informer.store.subscribe((change) => {
      if (change.type !== 'deleted' && isDone(change.object)) done.add(change.object.metadata.name);
      if (done.size === wanted) resolve();
    });
    informer.start();
  });
  await informer.stop();
}
