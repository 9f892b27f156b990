import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ACCESS_MODES, type Classroom, examSchema } from '../../api/classroom.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import type { Patch } from '../change/change-object.ts';

/** Who and how, in an exam. */
export type Exam = z.output<typeof examSchema>;

/** `access` as it can be outside of an exam. */
const outsideSchema = z.enum(ACCESS_MODES).exclude(['Exam']);
const examTextSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('must be JSON');
      return z.NEVER;
    }
  })
  .pipe(examSchema.nullable());

/** `access` as it was before the exam that runs; Open where nobody wrote that down. */
export function accessBefore({ metadata }: Classroom): z.output<typeof outsideSchema> {
  return outsideSchema.safeParse(metadata.annotations?.[ANNOTATIONS.accessBeforeExam]).data ?? 'Open';
}

/** Annotations that let `exam stop` restore a class. */
export function rememberedBefore({ spec }: Classroom, exam: Exam): Record<string, string | null> {
  return {
    [ANNOTATIONS.accessBeforeExam]: spec.access,
    [ANNOTATIONS.examBefore]: isDeepStrictEqual(spec.exam, exam) ? null : JSON.stringify(spec.exam ?? null),
  };
}

/** What brings back `exam` as it was before, and leaves no note of the exam. `access` is the caller's. */
export function leaveExam({ metadata }: Classroom): Required<Patch> {
  const before = examTextSchema.safeParse(metadata.annotations?.[ANNOTATIONS.examBefore]);
  return {
    metadata: { annotations: { [ANNOTATIONS.accessBeforeExam]: null, [ANNOTATIONS.examBefore]: null } },
    // What cannot be read was not written by this program: then `exam` stays as it is.
    spec: before.success ? { exam: before.data } : {},
  };
}
