import { classrooms } from '../../src/api/classroom.ts';
import { API_GROUP_VERSION } from '../../src/api/group.ts';
import { studentQuotas } from '../../src/api/student-quota.ts';
import { demoClassroom, demoStudentQuotas } from '../../src/demo/class/roster.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';
import { inParallel } from './in-parallel.ts';

/** A school: many classes with as many students each, in one namespace. */
export interface School {
  namespace: string;
  classes: number;
  studentsPerClass: number;
}

/** Writes the Classrooms and StudentQuotas as a trainer's tools would. Not part of what is measured. */
export async function enrol(client: KubeClient, school: School, parallel: number): Promise<void> {
  const { namespace } = school;
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const names = Array.from({ length: school.classes }, (_, index) => `class-${index + 1}`);
  const ids = Array.from({ length: school.studentsPerClass }, (_, index) => `student-${index + 1}`);
  await inParallel(parallel, names, async (name) => {
    const room = demoClassroom({ namespace, name }, 4);
    await client.raw('POST', `/apis/${API_GROUP_VERSION}/namespaces/${namespace}/${classrooms.plural}`, {
      body: room,
    });
  });
  const seats = names.flatMap((name) => demoStudentQuotas({ namespace, name }, ids));
  await inParallel(parallel, seats, async (seat) => {
    await client.raw('POST', `/apis/${API_GROUP_VERSION}/namespaces/${namespace}/${studentQuotas.plural}`, {
      body: seat,
    });
  });
}
