import { isDeepStrictEqual } from 'node:util';
import { type ActiveBoost, activeBoost, boostedClassroomLimits } from '../../api/boost.ts';
import type { ClassroomLimits } from '../../api/limits.ts';
import { type Opening, openingOf, type TimetableInput } from '../../timetable/opening.ts';
import { sessionText } from '../../timetable/words.ts';
import { type Refusal, refuse } from '../errors.ts';
import { type ClassroomRecord, ofClass } from './seat.ts';

/** What holds for a class at a moment, and for how long: computed once, because requests must not cost a calendar. */
export interface ClassMoment {
  readonly classroom: ClassroomRecord;
  readonly opening: Opening;
  /** Why nobody is served; undefined while the class is open. */
  readonly closed: Refusal | undefined;
  /** The boost of the class; none counts in an exam. */
  readonly boost: ActiveBoost | undefined;
  /** What all students together may use. */
  readonly limits: ClassroomLimits;
  /** Epoch ms: it holds from the first to before the second. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * @param nowMs epoch ms
 * @param before what was computed last: most changes of a class leave its timetable as it was
 */
export function classMomentOf(classroom: ClassroomRecord, nowMs: number, before?: ClassMoment): ClassMoment {
  const opening = openingAt(classroom, nowMs, before);
  const boost = classroom.access === 'Exam' ? undefined : activeBoost([classroom.boost], nowMs);
  return {
    classroom,
    opening,
    closed: closedRefusal(classroom, opening),
    boost,
    limits: boostedClassroomLimits(classroom.limits.classroom, boost),
    fromMs: nowMs,
    untilMs: Math.min(opening.validUntilMs ?? Infinity, boost?.untilMs ?? Infinity),
  };
}

function openingAt(classroom: ClassroomRecord, nowMs: number, before: ClassMoment | undefined): Opening {
  const input = timetableOf(classroom);
  const isSame = before !== undefined && isDeepStrictEqual(timetableOf(before.classroom), input);
  if (isSame && holdsAt({ ...before, untilMs: before.opening.validUntilMs ?? Infinity }, nowMs)) {
    return before.opening;
  }
  return openingOf(input, nowMs);
}

function timetableOf({ access, schedule, openUntilMs }: ClassroomRecord): TimetableInput {
  return { access, schedule, openUntilMs };
}

/** Whether what was computed for a stretch of time holds now, also after the clock was set back. */
export function holdsAt(
  { fromMs, untilMs }: Pick<ClassMoment, 'fromMs' | 'untilMs'>,
  nowMs: number,
): boolean {
  return fromMs <= nowMs && nowMs < untilMs;
}

function closedRefusal(classroom: ClassroomRecord, opening: Opening): Refusal | undefined {
  if (opening.isOpen) return undefined;
  if (classroom.access === 'Closed') return refuse('class_closed', ofClass(classroom));
  const { nextSession, timeZone } = opening;
  const next = nextSession && sessionText(nextSession, timeZone);
  return refuse('outside_session', { ...ofClass(classroom), next });
}
