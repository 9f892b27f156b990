import type { Classroom } from '../api/classroom.ts';
import { accessWrittenTime } from '../classroom/opening/access-change.ts';
import type { KeyRecord } from './key-record.ts';
import type { Seat } from './observe.ts';

/** Epoch ms since which a class is in an exam; undefined: it is in none, or nothing tells since when. */
export function examSinceMs(classroom: Classroom | undefined): number | undefined {
  if (classroom?.spec.access !== 'Exam') return undefined;
  const told = classroom.status?.access;
  const changedTime = told?.mode === 'Exam' ? told.changedTime : undefined;
  const time = changedTime ?? accessWrittenTime(classroom);
  return time === undefined ? undefined : Date.parse(time);
}

/**
 * Epoch ms: the moment by which it is decided whether the overlap of a replaced key is over. In an exam that is its
 * beginning, because nobody may be shut out of it by a rotation that was before it; an overlap that had ended before does
 * not run again. The gateway accepts keys by this, and the operator lists them by it.
 *
 * @param sinceMs see {@link examSinceMs}; undefined: now
 */
export function overlapMomentMs(sinceMs: number | undefined, nowMs: number): number {
  return Math.min(nowMs, sinceMs ?? nowMs);
}

/** {@link overlapMomentMs} of a seat. */
export function overlapsAtMs({ classroom }: Pick<Seat, 'classroom'>, nowMs: number): number {
  return overlapMomentMs(examSinceMs(classroom), nowMs);
}

/** A rotation without overlap: the keys before it end at once, whatever else is going on. */
export function isRevocation({ quota }: Pick<Seat, 'quota'>): boolean {
  return quota.spec.keyRotation.overlapMinutes === 0;
}

/** Whether a rotation was asked for and waits until the exam is over. A revocation never waits. */
export function awaitsExamEnd(seat: Pick<Seat, 'quota' | 'classroom'>, record: KeyRecord): boolean {
  const { keyRotation } = seat.quota.spec;
  return (
    seat.classroom?.spec.access === 'Exam' &&
    keyRotation.generation > record.generation &&
    !isRevocation(seat)
  );
}
