import {
  type Classroom,
  type ClassroomSpecInput,
  type ClassroomStatus,
  classroomSpecSchema,
} from '../../src/api/classroom.ts';
import { API_GROUP_VERSION } from '../../src/api/group.ts';
import {
  type StudentQuota,
  type StudentQuotaSpecInput,
  type StudentQuotaStatus,
  studentQuotaSpecSchema,
} from '../../src/api/student-quota.ts';
import { isJsonObject } from '../../src/json/object.ts';
import type { ObjectMeta } from '../../src/kube/object.ts';

/** Every field may be left out, at any depth; a list is given as a whole. */
export type Partially<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: Partially<T[K]> }
    : T;

export interface ClassroomDifference {
  metadata?: Partial<ObjectMeta>;
  spec?: Partially<ClassroomSpecInput>;
  status?: ClassroomStatus;
}

export interface StudentQuotaDifference {
  metadata?: Partial<ObjectMeta>;
  spec?: Partially<StudentQuotaSpecInput>;
  status?: StudentQuotaStatus;
}

/**
 * The class python-101 in the namespace python-101, with all defaults filled in as the API server does; a case
 * states only what differs. Fields of objects are merged, lists replace. Throws when the result is not valid.
 */
export function classroom({ metadata, spec, status }: ClassroomDifference = {}): Classroom {
  return {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: objectMeta('python-101', metadata),
    spec: classroomSpecSchema.parse(merged({ model: { id: 'Qwen/Qwen2.5-7B-Instruct' } }, spec)),
    ...(status === undefined ? {} : { status }),
  };
}

/** The seat of alice in the class python-101, named after class and student; see {@link classroom}. */
export function studentQuota({ metadata, spec, status }: StudentQuotaDifference = {}): StudentQuota {
  const full = studentQuotaSpecSchema.parse(
    merged({ classroomRef: { name: 'python-101' }, student: { id: 'alice' } }, spec),
  );
  return {
    apiVersion: API_GROUP_VERSION,
    kind: 'StudentQuota',
    metadata: objectMeta(`${full.classroomRef.name}-${full.student.id}`, metadata),
    spec: full,
    ...(status === undefined ? {} : { status }),
  };
}

function objectMeta(defaultName: string, difference: Partial<ObjectMeta> = {}): ObjectMeta {
  const name = difference.name ?? defaultName;
  return { namespace: 'python-101', uid: `uid-of-${name}`, generation: 1, ...difference, name };
}

/** Merges objects field by field; anything else replaces what was there. */
export function merged<Base>(base: Base, difference: unknown): Base;
export function merged(base: unknown, difference: unknown): unknown {
  if (difference === undefined) return base;
  if (!isJsonObject(base) || !isJsonObject(difference)) return difference;
  const keys = new Set([...Object.keys(base), ...Object.keys(difference)]);
  return Object.fromEntries([...keys].map((key) => [key, merged(base[key], difference[key])]));
}
