import { accessStatus } from '../classroom/opening/access-change.ts';
import type { KeyRecord } from './key-record.ts';
import type { Seat } from './observe.ts';

/**
 * Epoch ms since which the class of a seat is in an exam; undefined: it is in none. Where nothing tells, since now: an
 * overlap that had ended before must not run again.
 */
export function examSinceMs({ classroom }: Pick<Seat, 'classroom'>, nowMs: number): number | undefined {
  if (classroom?.spec.access !== 'Exam') return undefined;
  const told = classroom.status?.access;
  if (told?.mode === 'Exam' && told.changedTime !== undefined) return Date.parse(told.changedTime);
  // What the status would say had it been another mode before.
  const { changedTime } = accessStatus(classroom, { mode: 'Open' }, nowMs);
  return changedTime === undefined ? nowMs : Date.parse(changedTime);
}

/**
 * Epoch ms: the moment by which it is decided whether the overlap of a replaced key is over. In an exam that is its
 * beginning, because nobody may be shut out of it by a rotation that was before it; the gateway does the same.
 */
export function overlapsAtMs(seat: Pick<Seat, 'classroom'>, nowMs: number): number {
  return Math.min(nowMs, examSinceMs(seat, nowMs) ?? nowMs);
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
