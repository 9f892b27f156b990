import { z } from 'zod';
import { boostOf } from '../../api/boost.ts';
import { text } from '../../api/bounds.ts';
import { classroomNameSchema, classroomSpecSchema } from '../../api/classroom.ts';
import { engineSchema } from '../../api/engine.ts';
import {
  boostSchema,
  limitsSchema,
  studentLimitsOverrideSchema,
  studentLimitsSchema,
} from '../../api/limits.ts';
import { modelSchema } from '../../api/model.ts';
import { studentQuotaSpecSchema } from '../../api/student-quota.ts';
import { hashApiKey, parseApiKey } from '../../student/api-key.ts';
import { type Fault, parseLocatedYaml, YamlFaultsError } from '../../yaml/located.ts';
import type { EngineRegistry } from '../engines/registry.ts';
import type { Directory } from '../identity/directory.ts';
import { classroomRecord, instantMs } from '../identity/published.ts';
import { staticScheduleSchema } from './static-schedule.ts';

const quotaFields = studentQuotaSpecSchema.shape;
const classFields = classroomSpecSchema.shape;
const boostField = z.strictObject(boostSchema.shape).optional();

/** Fields of a Classroom's spec, in the file as in the API; unknown ones are errors, because nobody else reports them. */
const classSpecSchema = z.strictObject({
  model: z.strictObject(modelSchema.shape),
  contact: classFields.contact,
  access: classFields.access,
  exam: classFields.exam,
  limits: z
    .strictObject({
      ...limitsSchema.shape,
      perStudent: z.strictObject(studentLimitsSchema.shape).prefault({}),
    })
    .prefault({}),
  engine: z.strictObject({ maxNumSeqs: engineSchema.shape.maxNumSeqs }).optional(),
  schedule: staticScheduleSchema.optional(),
  boost: boostField,
});

const studentSchema = z
  .strictObject({
    id: quotaFields.student.shape.id,
    key: text(256)
      .refine((key) => parseApiKey(key).ok, 'is not a key of this gateway: make one with --new-key')
      .optional(),
    keySha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
      .optional(),
    limits: z.strictObject(studentLimitsOverrideSchema.shape).optional(),
    boost: boostField,
    weight: quotaFields.weight,
    access: quotaFields.access,
    expiresAt: quotaFields.expiresAt,
  })
  .refine((student) => (student.key === undefined) !== (student.keySha256 === undefined), {
    message: 'must have either "key" or "keySha256"',
  });

const classSchema = z.strictObject({
  name: classroomNameSchema,
  spec: classSpecSchema,
  engines: z
    .array(z.url({ protocol: /^http$/, error: 'must be a URL such as http://127.0.0.1:8000' }))
    .min(1)
    .max(256),
  students: z.array(studentSchema).max(10_000).default([]),
});

const staticFileSchema = z.strictObject({ classes: z.array(classSchema).min(1).max(1000) });

/** Classes, students and engine addresses of a gateway without Kubernetes. */
export type StaticFile = z.infer<typeof staticFileSchema>;
type StaticClass = StaticFile['classes'][number];
type StaticStudent = StaticClass['students'][number];

/**
 * Reads the text of a file for `--static`.
 *
 * @throws YamlFaultsError naming every fault with its line and field
 */
export function parseStaticFile(yaml: string): StaticFile {
  const located = parseLocatedYaml(yaml);
  const parsed = staticFileSchema.safeParse(located.content);
  const faults = parsed.success ? duplicatesOf(parsed.data) : parsed.error.issues;
  if (faults.length > 0 || !parsed.success) throw new YamlFaultsError(faults.map(located.describe));
  return parsed.data;
}

/** A key leads to one seat, and a name to one class or student. */
function duplicatesOf(file: StaticFile): Fault[] {
  const seen = new Set<string>();
  const faults: Fault[] = [];
  const check = (kind: string, value: string, path: readonly PropertyKey[]): void => {
    const id = `${kind} ${value}`;
    if (seen.has(id)) faults.push({ path, message: `repeats a ${kind} that stands above` });
    seen.add(id);
  };
  file.classes.forEach((one, c) => {
    check('class name', one.name, ['classes', c, 'name']);
    one.students.forEach((student, s) => {
      check('student id', `${one.name}/${student.id}`, ['classes', c, 'students', s, 'id']);
      check('key', sha256Of(student), [
        'classes',
        c,
        'students',
        s,
        student.key === undefined ? 'keySha256' : 'key',
      ]);
    });
    one.engines.forEach((engine, e) => {
      check('engine', new URL(engine).origin, ['classes', c, 'engines', e]);
    });
  });
  return faults;
}

/** Writes all of a file into the directory and the registry. @param createdSeconds epoch seconds, for the model list */
export function loadStaticFile(
  file: StaticFile,
  directory: Directory,
  engines: EngineRegistry,
  createdSeconds: number,
): void {
  for (const one of file.classes) {
    const key = `static/${one.name}`;
    directory.putClassroom(classroomRecord(key, one.name, one.spec, createdSeconds));
    for (const student of one.students) {
      directory.putSeat({
        // Not joined by a character that both can have: `a` and `b-c` are not `a-b` and `c`.
        key: `${key}/${student.id}`,
        classroomKey: key,
        studentId: student.id,
        keys: [{ sha256: sha256Of(student) }],
        suspended: student.access === 'Suspended',
        expiresAtMs: instantMs(student.expiresAt),
        weight: student.weight,
        limits: student.limits,
        boost: boostOf(student.boost),
      });
    }
    for (const engine of one.engines) {
      const { origin } = new URL(engine);
      engines.put({ id: origin, classroomKey: key, origin });
    }
  }
}

function sha256Of(student: StaticStudent): string {
  if (student.keySha256 !== undefined) return student.keySha256;
  return hashApiKey(student.key ?? '');
}
