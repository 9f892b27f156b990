import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { type Classroom, type ClassroomSpec, classrooms } from '../../api/classroom.ts';
import { describeIssues } from '../../api/issue.ts';
import { parseClassroom, parseStudentQuota } from '../../api/parse.ts';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';

/** A class as files describe it: one Classroom, and those of the StudentQuotas beside it that are for its seats. */
export interface ClassFile {
  readonly classroom: Classroom;
  /** Students who may work. Undefined where the file names none: they may be in another one. */
  readonly students: number | undefined;
}

/** Why a file is no class, a line each. */
export interface Faults {
  readonly faults: readonly string[];
}

const kindSchema = z.object({ kind: z.string(), items: z.array(z.unknown()).optional() });

/**
 * Reads YAML or JSON, several documents or a `List` of kubectl. Objects of other kinds are passed over.
 *
 * @returns the class, or all that is wrong with it
 */
export function parseClassFile(text: string): ClassFile | Faults {
  const documents = parseAllDocuments(text);
  const errors = documents.flatMap(({ errors }) => errors);
  if (errors.length > 0) return { faults: errors.map((error) => `is no YAML: ${firstLine(error.message)}`) };
  const contents = contentsOf(documents);
  if ('faults' in contents) return contents;
  const objects = contents.values.flatMap(objectsIn);
  const ofKind = (kind: string) =>
    objects.filter((object) => kindSchema.safeParse(object).data?.kind === kind);
  const [object, ...more] = ofKind(classrooms.kind);
  if (object === undefined) return { faults: ['holds no Classroom'] };
  if (more.length > 0) return { faults: [`holds ${more.length + 1} Classrooms: a plan is for one`] };
  return classOf(object, ofKind(studentQuotas.kind));
}

/** Aliases are followed only here: those that lead nowhere, or to more than memory holds, throw. */
function contentsOf(documents: readonly { toJS(): unknown }[]): { values: unknown[] } | Faults {
  try {
    return { values: documents.map((document) => document.toJS()) };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { faults: [`is no YAML: ${firstLine(error.message)}`] };
  }
}

function classOf(object: unknown, quotas: readonly unknown[]): ClassFile | Faults {
  const parsed = parseClassroom(object);
  const seats = quotas.map((quota) => parseStudentQuota(quota));
  const issues = [parsed, ...seats].flatMap((one) => (one.ok ? [] : [describeIssues(one.issues)]));
  if (!parsed.ok || issues.length > 0) return { faults: issues };
  const { classroom } = parsed;
  const unsaid = unsaidSharing(classroom.spec.gpu);
  if (unsaid !== undefined) return { faults: [unsaid] };
  const students = seats.filter((seat) => seat.ok && isAtWork(seat.studentQuota, classroom)).length;
  return { classroom, students: students === 0 ? undefined : students };
}

/** The API server refuses such a class by a rule that parsing does not know. */
function unsaidSharing({ sharing, migProfile, slicesPerGPU }: ClassroomSpec['gpu']): string | undefined {
  if (sharing === 'MIG' && migProfile === undefined)
    return '`spec.gpu.migProfile` must be set: `sharing` is MIG';
  if (sharing === 'TimeSliced' && slicesPerGPU === undefined) {
    return '`spec.gpu.slicesPerGPU` must be set: `sharing` is TimeSliced';
  }
  return undefined;
}

function isAtWork({ spec }: StudentQuota, { metadata }: Classroom): boolean {
  return spec.classroomRef.name === metadata.name && spec.access === 'Active';
}

function objectsIn(document: unknown): unknown[] {
  const list = kindSchema.safeParse(document).data;
  return list?.kind.endsWith('List') ? (list.items ?? []) : [document];
}

/** The parser shows the place in the lines that follow. */
function firstLine(message: string): string {
  return message.replace(/:?\n.*$/s, '');
}
