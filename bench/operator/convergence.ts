import { classrooms } from '../../src/api/classroom.ts';
import { type Condition, findCondition } from '../../src/api/condition.ts';
import { CLASSROOM_CONDITIONS, STUDENT_QUOTA_CONDITIONS } from '../../src/api/reasons.ts';
import { studentQuotas } from '../../src/api/student-quota.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { type Clock, systemClock } from '../../src/kube/clock.ts';
import { createInformer } from '../../src/kube/informer.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import type { School } from './school.ts';

/** Sees a school become ready, by watching: the same criterion and the same cost for whoever does the work. */
export interface Convergence {
  /** When the last class had all its objects and the last seat its key; undefined before. On the clock's monotonic time. */
  readonly reachedAtMs: number | undefined;
  stop(): Promise<void>;
}

/** Watches from now on; resolves when the watches stand. */
export async function watchConvergence(
  client: KubeClient,
  school: School,
  clock: Clock = systemClock,
): Promise<Convergence> {
  const { namespace } = school;
  const missing = { classes: school.classes, seats: school.classes * school.studentsPerClass };
  let reachedAtMs: number | undefined;
  const look = (): void => {
    if (missing.classes === 0 && missing.seats === 0) reachedAtMs ??= clock.monotonic();
  };
  const follow = async <T extends KubeObject>(
    resource: Resource<T>,
    part: keyof typeof missing,
    isDone: (object: T) => boolean,
  ) => {
    const informer = createInformer<T>({ client, resource, namespace, clock, random: Math.random });
    const done = new Set<string>();
    informer.store.subscribe((change) => {
      if (change.type === 'deleted' || !isDone(change.object)) return;
      const { name } = change.object.metadata;
      if (done.has(name)) return;
      done.add(name);
      missing[part] -= 1;
      look();
    });
    informer.start();
    await informer.synced();
    return informer;
  };
  const informers = await Promise.all([
    follow(
      classrooms,
      'classes',
      ({ status }) =>
        isTrue(status?.conditions, CLASSROOM_CONDITIONS.childrenApplied) &&
        status?.students === school.studentsPerClass,
    ),
    follow(studentQuotas, 'seats', ({ status }) =>
      isTrue(status?.conditions, STUDENT_QUOTA_CONDITIONS.keyIssued),
    ),
  ]);
  return {
    get reachedAtMs() {
      return reachedAtMs;
    },
    stop: async () => void (await Promise.all(informers.map((informer) => informer.stop()))),
  };
}

function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}
