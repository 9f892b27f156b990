import { z } from 'zod';
import { isJsonObject } from '../json/object.ts';
import { apiVersionOf, type KubeObject, type Resource } from '../kube/object.ts';
import {
  type Classroom,
  type ClassroomSpec,
  classroomNameSchema,
  classroomSpecSchema,
  classroomStatusSchema,
  classrooms,
} from './classroom.ts';
import { type FieldIssue, fieldPath, issueMessage } from './issue.ts';
import { modelSchema } from './model.ts';
import {
  type StudentQuota,
  studentQuotaNameSchema,
  studentQuotaSpecSchema,
  studentQuotaStatusSchema,
  studentQuotas,
} from './student-quota.ts';

/** What is wrong with an object, for a condition or an error message to say. Never empty. */
export interface Refused {
  ok: false;
  issues: FieldIssue[];
}

/** A Classroom to work with: its defaults are filled in and nulls are gone. */
export interface ParsedClassroom {
  ok: true;
  classroom: Classroom;
  /** Fields of the status that could not be read, for another version wrote them. The status lacks them. */
  ignored: FieldIssue[];
}

/** A StudentQuota to work with: its defaults are filled in and nulls are gone. */
export interface ParsedStudentQuota {
  ok: true;
  studentQuota: StudentQuota;
  /** Fields of the status that could not be read, for another version wrote them. The status lacks them. */
  ignored: FieldIssue[];
}

/**
 * Reads a Classroom from the API server or from a file. Never throws: what is wrong comes back as issues. Unknown
 * fields are dropped and nulls count as absent, as the API server has it. The CEL rules of the CRD, which compare
 * fields with each other, are not evaluated.
 */
export function parseClassroom(object: unknown): ParsedClassroom | Refused {
  const parsed = parseObject(object, classroomParts);
  return parsed.ok ? { ok: true, classroom: parsed.object, ignored: parsed.ignored } : parsed;
}

/** Reads a StudentQuota; see {@link parseClassroom}. */
export function parseStudentQuota(object: unknown): ParsedStudentQuota | Refused {
  const parsed = parseObject(object, studentQuotaParts);
  return parsed.ok ? { ok: true, studentQuota: parsed.object, ignored: parsed.ignored } : parsed;
}

/**
 * Reads the model of a class whose other fields may be unreadable; see {@link parseClassroom}. Undefined where the
 * model itself cannot be read.
 */
export function parseModel({ spec }: Classroom): ClassroomSpec['model'] | undefined {
  const parsed = parsePart(modelSchema, spec.model, ['spec', 'model']);
  return parsed.ok ? parsed.value : undefined;
}

/** The shape of `ObjectMeta`; `managedFields` is left out, as nothing here reads it. */
const metadataSchema = z.object({
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.int().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  ownerReferences: z
    .array(
      z.object({
        apiVersion: z.string(),
        kind: z.string(),
        name: z.string(),
        uid: z.string(),
        controller: z.boolean().optional(),
        blockOwnerDeletion: z.boolean().optional(),
      }),
    )
    .optional(),
  finalizers: z.array(z.string()).optional(),
});

/** The schemas of the parts of a kind. Made once: making a schema costs more than reading an object with it. */
interface Parts<Spec, Status> {
  identity: z.ZodType<KubeObject>;
  spec: z.ZodType<Spec>;
  /** An object all of whose fields are optional. */
  status: z.ZodType<Status>;
}

const classroomParts: Parts<Classroom['spec'], Classroom['status']> = {
  identity: identitySchema(classrooms, classroomNameSchema),
  spec: classroomSpecSchema,
  status: classroomStatusSchema,
};

const studentQuotaParts: Parts<StudentQuota['spec'], StudentQuota['status']> = {
  identity: identitySchema(studentQuotas, studentQuotaNameSchema),
  spec: studentQuotaSpecSchema,
  status: studentQuotaStatusSchema,
};

function identitySchema(resource: Resource<KubeObject>, name: z.ZodString): z.ZodType<KubeObject> {
  return z.object({
    apiVersion: z.literal(apiVersionOf(resource)),
    kind: z.literal(resource.kind),
    metadata: metadataSchema.extend({ name }),
  });
}

const looseSchema = z.object({ spec: z.unknown().optional(), status: z.unknown().optional() });

type ParsedObject<Spec, Status> =
  | { ok: true; object: KubeObject & { spec: Spec; status?: Status }; ignored: FieldIssue[] }
  | Refused;

function parseObject<Spec, Status>(
  object: unknown,
  schemas: Parts<Spec, Status>,
): ParsedObject<Spec, Status> {
  const given = looseSchema.safeParse(object).data;
  const identity = parsePart(schemas.identity, identityIn(object), []);
  const spec = parsePart(schemas.spec, given?.spec, ['spec']);
  if (!identity.ok || !spec.ok) return { ok: false, issues: [...identity.issues, ...spec.issues] };
  const { status, ignored } = parseStatus(schemas.status, given?.status);
  return {
    ok: true,
    object: { ...identity.value, spec: spec.value, ...(status === undefined ? {} : { status }) },
    ignored,
  };
}

/** All that the schema of the identity reads: objects carry much more, above all in `managedFields`. */
function identityIn(object: unknown): unknown {
  if (!isJsonObject(object)) return object;
  const { apiVersion, kind, metadata } = object;
  if (!isJsonObject(metadata)) return { apiVersion, kind, metadata };
  const { managedFields: _, ...read } = metadata;
  return { apiVersion, kind, metadata: read };
}

type Part<T> =
  | { ok: true; value: T; issues: [] }
  | { ok: false; issues: FieldIssue[]; fields: Set<PropertyKey> };

/** `fields` names the direct children with issues. */
function parsePart<T>(schema: z.ZodType<T>, value: unknown, path: PropertyKey[]): Part<T> {
  const parsed = schema.safeParse(withoutNulls(value), { error: issueMessage });
  if (parsed.success) return { ok: true, value: parsed.data, issues: [] };
  const issues = new Map<string, FieldIssue>();
  for (const issue of parsed.error.issues) {
    const where = fieldPath([...path, ...issue.path]);
    // A time that is too short does not match its pattern either: the first word on a field is enough.
    if (!issues.has(where)) issues.set(where, { path: where, message: issue.message });
  }
  const fields = new Set(parsed.error.issues.flatMap((issue) => issue.path.slice(0, 1)));
  return { ok: false, issues: [...issues.values()], fields };
}

/** Field by field: one that cannot be read does not cost the others. */
function parseStatus<T>(schema: z.ZodType<T>, value: unknown): { status?: T; ignored: FieldIssue[] } {
  if (value === undefined || value === null) return { ignored: [] };
  const whole = parsePart(schema, value, ['status']);
  if (whole.ok) return { status: whole.value, ignored: [] };
  if (whole.fields.size === 0) return { ignored: whole.issues };
  const readable = Object.entries(value).filter(([field]) => !whole.fields.has(field));
  const rest = parsePart(schema, Object.fromEntries(readable), ['status']);
  return { ...(rest.ok ? { status: rest.value } : {}), ignored: whole.issues };
}

/**
 * The object without fields that are null. The API server sees null as absent where nothing has a default, and keeps it
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable):
 * for programs that read objects without parsing them.
 */
export function withNullsAbsent<T extends KubeObject>(object: T): T {
  return withoutNulls(object) as T;
}

/** What holds none stays as it is. */
function withoutNulls(value: unknown): unknown {
  if (!holdsNull(value)) return value;
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([key, child]) => [key, withoutNulls(child)]),
  );
}

function holdsNull(value: unknown): boolean {
  if (typeof value !== 'object') return false;
  return value === null || Object.values(value).some(holdsNull);
}
