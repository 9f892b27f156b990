import { findCondition } from '../../src/api/condition.ts';
import { LABELS } from '../../src/api/labels.ts';
import { CLASSROOM_CONDITIONS } from '../../src/api/reasons.ts';
import { credentialsOf } from '../../src/demo/class/lesson.ts';
import {
  classroomManifests,
  demoClassroom,
  demoStudentQuotas,
  studentQuotaManifests,
} from '../../src/demo/class/roster.ts';
import type { StudentCredentials } from '../../src/demo/class/students.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { keyOf } from '../../src/kube/object.ts';
import { namespaces } from '../../src/kube/resources.ts';
import { firstSight, type View } from './view.ts';

export const NAMESPACE = 'wake-up';
const STUDENT = 'alice';

/** Makes classes of one student and one engine, which sleep when nobody has asked for a minute. */
export async function enrol(client: KubeClient, names: readonly string[]): Promise<void> {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  for (const name of names) {
    const ref = { namespace: NAMESPACE, name };
    const { spec, ...classroom } = demoClassroom(ref, 1);
    const engine = { replicas: { min: 0, max: 1, studentsPerReplica: 5 } };
    const idle = { scaleToZeroAfterMinutes: 1 };
    await client.create(classroomManifests, { ...classroom, spec: { ...spec, engine, idle } });
    for (const seat of demoStudentQuotas(ref, [STUDENT])) await client.create(studentQuotaManifests, seat);
  }
}

/** Waits until a class sleeps and nothing of its engine is left. */
export async function untilAsleep({ classrooms, pods }: View, name: string): Promise<void> {
  await firstSight(`class ${name} to sleep`, [classrooms, pods], () => {
    const { status } = classrooms.get(keyOf({ namespace: NAMESPACE, name })) ?? {};
    const ready = findCondition(status?.conditions, CLASSROOM_CONDITIONS.ready);
    const isEmpty = !pods.list().some(({ metadata }) => metadata.labels?.[LABELS.classroom] === name);
    return ready?.reason === 'Asleep' && isEmpty ? true : undefined;
  });
}

/** The key of the class's only student, once it is there. */
export async function studentOf(client: KubeClient, view: View, name: string): Promise<StudentCredentials> {
  const { it: seat } = await firstSight(`the key of the student of ${name}`, [view.seats], () =>
    view.seats
      .list()
      .find(({ spec, status }) => spec.classroomRef.name === name && status?.secretName !== undefined),
  );
  return credentialsOf(client, seat);
}
