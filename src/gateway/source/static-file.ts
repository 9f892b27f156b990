import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { text } from '../../api/bounds.ts';
import { classroomNameSchema, classroomSpecSchema } from '../../api/classroom.ts';
import { limitsSchema, studentLimitsOverrideSchema, studentLimitsSchema } from '../../api/limits.ts';
import { modelSchema } from '../../api/model.ts';
import { studentQuotaSpecSchema } from '../../api/student-quota.ts';
import { hashApiKey, parseApiKey } from '../../student/api-key.ts';
import type { EngineRegistry } from '../engines/registry.ts';
import type { Directory } from '../identity/directory.ts';
import { classroomRecord, instantMs } from '../identity/published.ts';

const quotaFields = studentQuotaSpecSchema.shape;
const classFields = classroomSpecSchema.shape;

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

/** What is wrong with a file, every fault with its line. Keys are not quoted. */
export class StaticFileError extends Error {
  /** Such as `line 4: classes[0].engines[0] must be a URL`. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'StaticFileError';
    this.faults = faults;
  }
}

/**
 * Reads the text of a file for `--static`.
 *
 * @throws StaticFileError naming every fault with its line and field
 */
export function parseStaticFile(yaml: string): StaticFile {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines });
  if (document.errors.length > 0) {
    throw new StaticFileError(
      document.errors.map(
        (error) => `line ${lines.linePos(error.pos[0]).line}: ${error.code}: the file is not valid YAML`,
      ),
    );
  }
  const parsed = staticFileSchema.safeParse(document.toJS());
  const faults = parsed.success
    ? duplicatesOf(parsed.data)
    : parsed.error.issues.map((issue) => ({ path: issue.path, message: issue.message }));
  if (faults.length > 0) {
    throw new StaticFileError(
      faults.map(({ path, message }) => `line ${lineOf(document, lines, path)}: ${fieldOf(path)}${message}`),
    );
  }
  return staticFileSchema.parse(document.toJS());
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
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
        key: `static/${one.name}-${student.id}`,
        classroomKey: key,
        studentId: student.id,
        keys: [{ sha256: sha256Of(student) }],
        suspended: student.access === 'Suspended',
        expiresAtMs: instantMs(student.expiresAt),
        weight: student.weight,
        limits: student.limits,
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

/** The line of the field, or of the nearest thing around it that is there. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** Such as `classes[0].spec.model: `; empty for the whole file. */
function fieldOf(path: readonly PropertyKey[]): string {
  const field = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  return field === '' ? '' : `${field}: `;
}
