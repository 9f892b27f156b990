import { type Classroom, examSchema } from '../../api/classroom.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { accessPatch } from '../change/access.ts';
import type { ClassChange, ClassCommand } from '../change/change-class.ts';
import { commandFor, openingWords } from '../change/opening-words.ts';
import { namesOf } from '../keys/chosen-seats.ts';
import { printable } from '../printable.ts';
import { problems } from '../problems.ts';
import { counted } from '../status/counted.ts';
import { minuteText } from '../status/time-words.ts';
import { hasEnded } from '../suspend/suspension.ts';
import { accessBefore, type Exam, rememberedBefore } from './leave.ts';

/** What the command line says of an exam; what is undefined is as the class has it written beforehand. */
export interface ExamWishes {
  /** Ids; none: all students. */
  readonly students: readonly string[] | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly allowAdapters: boolean | undefined;
  readonly allowTools: boolean | undefined;
}

/**
 * Begins an exam.
 *
 * @param seats of those who are named; none: all students sit it
 * @param user who begins it
 */
export function startOfExam(
  wishes: ExamWishes,
  seats: readonly StudentQuota[],
  user: string | undefined,
): ClassCommand {
  return {
    decide: (latest) => decideStart(latest, wishes, user),
    words: (result, nowMs) => [
      ...examWords(result),
      ...refusedWords(seats, nowMs),
      openingWords(result, nowMs),
      `When it is over, back to access ${accessBefore(result)}: ${commandFor('exam stop', result)}`,
    ],
  };
}

function decideStart(latest: Classroom, wishes: ExamWishes, user: string | undefined): ClassChange {
  if (latest.spec.access === 'Exam') throw examRunsAlready(latest);
  const exam = examOf(latest, wishes);
  const { metadata, spec } = accessPatch('Exam', user);
  return {
    patch: {
      metadata: { annotations: { ...metadata.annotations, ...rememberedBefore(latest, exam) } },
      spec: { ...spec, exam },
    },
  };
}

/** The exam that begins. */
export function examOf(
  { spec }: Pick<Classroom, 'spec'>,
  { students, maxOutputTokens, allowAdapters, allowTools }: ExamWishes,
): Exam {
  const written = examSchema.parse(spec.exam ?? {});
  return {
    students: students === undefined ? written.students : [...students],
    maxOutputTokens: maxOutputTokens ?? written.maxOutputTokens,
    allowAdapters: allowAdapters ?? written.allowAdapters,
    allowTools: allowTools ?? written.allowTools,
  };
}

function examRunsAlready(classroom: Classroom): Error {
  const { metadata, status } = classroom;
  const { mode, changedTime, changedBy } = status?.access ?? {};
  const isTold = mode === 'Exam' && changedTime !== undefined;
  const since = isTold ? `since ${minuteText(changedTime)}` : undefined;
  const by = isTold && changedBy !== undefined ? `by ${printable(changedBy)}` : undefined;
  return problems.examRunsAlready({
    name: metadata.name,
    why: since && `It runs ${[since, by].filter(Boolean).join(', begun ')}.`,
    stop: commandFor('exam stop', classroom),
    edit: `kubectl edit classroom ${metadata.name}${metadata.namespace === undefined ? '' : ` -n ${metadata.namespace}`}`,
  });
}

/** Who is named, and could not sit the exam all the same. */
function refusedWords(seats: readonly StudentQuota[], nowMs: number): string[] {
  const refused = seats.filter((seat) => seat.spec.access === 'Suspended' || hasEnded(seat, nowMs));
  if (refused.length === 0) return [];
  return [`Refused all the same, because the seat is suspended or has ended: ${namesOf(refused)}.`];
}

const NAMED = 5;

function examWords({ metadata, spec: { exam } }: Classroom): string[] {
  if (exam === undefined) return [];
  const { students, maxOutputTokens, allowAdapters, allowTools } = exam;
  const more = students.length - NAMED;
  const names = [...students.slice(0, NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  const who = students.length === 0 ? 'all students' : `${counted(students.length, 'student')} (${names})`;
  const how = [
    `answers have at most ${counted(maxOutputTokens, 'token')}`,
    allowAdapters ? 'adapters allowed' : 'no adapters',
    allowTools ? 'tools allowed' : 'no tools',
  ];
  return [`${metadata.name} is in an exam: ${who}; ${how.join(', ')}.`];
}
