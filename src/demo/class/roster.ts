import { basename } from 'node:path';
import { type ClassroomSpecInput, classrooms } from '../../api/classroom.ts';
import { API_GROUP_VERSION } from '../../api/group.ts';
import { type StudentQuotaSpecInput, studentQuotas } from '../../api/student-quota.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { NodeDescription } from '../node-agent/nodes/description.ts';

/** A Classroom as a trainer writes it. */
export interface ClassroomManifest extends KubeObject {
  spec: ClassroomSpecInput;
}

/** A StudentQuota as a trainer writes it. */
export interface StudentQuotaManifest extends KubeObject {
  spec: StudentQuotaSpecInput;
}

function asWritten<T extends KubeObject>(resource: Resource<KubeObject>): Resource<T> {
  const { group, version, kind, plural, namespaced } = resource;
  return { group, version, kind, plural, namespaced };
}

/** For creating Classrooms and StudentQuotas whose defaults the API server fills in. */
export const classroomManifests = asWritten<ClassroomManifest>(classrooms);
export const studentQuotaManifests = asWritten<StudentQuotaManifest>(studentQuotas);

const FIRST_NAMES =
  'alice bo chen dana emil farid greta hanna ivan jun kofi lena mei nils olga pavel qiang rosa sami tomo'.split(
    ' ',
  );

/** Ids of a class of any size: first names, then first names with a number. */
export function studentIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const name = FIRST_NAMES[index % FIRST_NAMES.length] ?? 'student';
    const lap = Math.floor(index / FIRST_NAMES.length);
    return lap === 0 ? name : `${name}-${lap + 1}`;
  });
}

/** What the engines of the demo load unless told otherwise: the model of the article's class. */
const DEMO_MODEL = 'Qwen/Qwen2.5-7B-Instruct';

const GPU = 'NVIDIA-A10';
const STUDENTS_PER_ENGINE = 5;

/** An engine for every five students, as far as there are GPUs: an engine that finds none is never ready. */
export function demoEngines(students: number, nodes: readonly NodeDescription[]): number {
  const whole = nodes.flatMap(({ gpu }) =>
    gpu?.product === GPU && gpu.sharing === 'none' ? [gpu.count] : [],
  );
  const gpus = whole.reduce((sum, count) => sum + count, 0);
  return Math.min(Math.ceil(students / STUDENTS_PER_ENGINE), Math.max(1, gpus));
}

/**
 * The demo class: whole A10s, five students to an engine.
 *
 * @param modelId a hub id or an absolute path; students write the last part of it, in lower case
 */
export function demoClassroom(
  ref: { namespace: string; name: string },
  engines: number,
  modelId: string = DEMO_MODEL,
): ClassroomManifest {
  return {
    apiVersion: API_GROUP_VERSION,
    kind: classrooms.kind,
    metadata: ref,
    spec: {
      model: { id: modelId, servedName: basename(modelId).toLowerCase(), aliases: ['class-model'] },
      gpu: { product: GPU },
      engine: { replicas: { min: 1, max: engines, studentsPerReplica: STUDENTS_PER_ENGINE } },
      contact: 'Ms Chen, room 214',
      limits: { perStudent: { concurrentRequests: 2, maxOutputTokens: 256 } },
    },
  };
}

/** One seat for each id. */
export function demoStudentQuotas(
  classroom: { namespace: string; name: string },
  ids: readonly string[],
): StudentQuotaManifest[] {
  return ids.map((id) => ({
    apiVersion: API_GROUP_VERSION,
    kind: studentQuotas.kind,
    metadata: { namespace: classroom.namespace, name: `${classroom.name}-${id}` },
    spec: { classroomRef: { name: classroom.name }, student: { id } },
  }));
}
