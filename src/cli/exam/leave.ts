import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ACCESS_MODES, type Classroom, examSchema } from '../../api/classroom.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import { ownsAccess } from '../../classroom/opening/access-change.ts';
import { ownsAnnotation } from '../../kube/owned-fields.ts';
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
export function accessBefore(classroom: Classroom): z.output<typeof outsideSchema> {
  return outsideSchema.safeParse(notesOf(classroom)?.[ANNOTATIONS.accessBeforeExam]).data ?? 'Open';
}

/**
 * The notes of the exam that runs. An exam that somebody ended by the field alone leaves its notes behind; the next one
 * that is begun by the field has none, and what was written for it must not be lost to those. So they count only where
 * whoever wrote `access` wrote them too.
 */
function notesOf({ metadata }: Classroom): Readonly<Record<string, string>> | undefined {
  const writers = (metadata.managedFields ?? []).filter(ownsAccess);
  const isKnown = writers.length > 0;
  return isKnown && !writers.some((entry) => ownsAnnotation(entry, ANNOTATIONS.accessBeforeExam))
    ? undefined
    : metadata.annotations;
}

/** Annotations that let `exam stop` restore a class. */
export function rememberedBefore({ spec }: Classroom, exam: Exam): Record<string, string | null> {
  return {
    [ANNOTATIONS.accessBeforeExam]: spec.access,
    [ANNOTATIONS.examBefore]: isDeepStrictEqual(spec.exam, exam) ? null : JSON.stringify(spec.exam ?? null),
  };
}

/** What brings back `exam` as it was before, and leaves no note of the exam. `access` is the caller's. */
export function leaveExam(classroom: Classroom): Required<Patch> {
  const before = examTextSchema.safeParse(notesOf(classroom)?.[ANNOTATIONS.examBefore]);
  return {
    metadata: { annotations: { [ANNOTATIONS.accessBeforeExam]: null, [ANNOTATIONS.examBefore]: null } },
    // What cannot be read was not written by this program: then `exam` stays as it is.
    spec: before.success ? { exam: before.data } : {},
  };
}
