import {
  classroomManifests,
  demoClassroom,
  demoStudentQuotas,
  studentQuotaManifests,
} from '../../src/demo/class/roster.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';
import { inParallel } from './in-parallel.ts';

/** A school: many classes with as many students each, in one namespace. */
export interface School {
  namespace: string;
  classes: number;
  studentsPerClass: number;
}

const ENGINES_PER_CLASS = 4;
const PARALLEL_WRITES = 8;

/** Writes the Classrooms and StudentQuotas as a trainer's tools would. Not part of what is measured. */
export async function enrol(client: KubeClient, school: School): Promise<void> {
  const { namespace } = school;
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const names = Array.from({ length: school.classes }, (_, index) => `class-${index + 1}`);
  const ids = Array.from({ length: school.studentsPerClass }, (_, index) => `student-${index + 1}`);
  await inParallel(PARALLEL_WRITES, names, async (name) => {
    await client.create(classroomManifests, demoClassroom({ namespace, name }, ENGINES_PER_CLASS));
  });
  const seats = names.flatMap((name) => demoStudentQuotas({ namespace, name }, ids));
  await inParallel(PARALLEL_WRITES, seats, async (seat) => {
    await client.create(studentQuotaManifests, seat);
  });
}
