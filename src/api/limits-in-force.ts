import { type ActiveBoost, activeBoost, boostedStudentLimits } from './boost.ts';
import type { ClassroomSpec } from './classroom.ts';
import { effectiveStudentLimits, type StudentLimits, type StudentLimitsOverride } from './limits.ts';

/** Of a class, what decides how much a student of it may use. */
export interface LimitingClass {
  readonly access: ClassroomSpec['access'];
  readonly exam?: ClassroomSpec['exam'];
  readonly limits: { readonly perStudent: StudentLimits };
  /** Also one that has ended. */
  readonly boost?: ActiveBoost | undefined;
}

/** Of a seat, the same. */
export interface LimitedSeat {
  readonly limits?: StudentLimitsOverride | undefined;
  /** Also one that has ended. */
  readonly boost?: ActiveBoost | undefined;
}

/** What a student may use at a moment. */
export interface LimitsInForce {
  readonly limits: StudentLimits;
  /** The same without a boost, and outside of an exam. */
  readonly plain: StudentLimits;
  /** The boost in `limits`: of those of class and seat the larger, and none in an exam. */
  readonly boost: ActiveBoost | undefined;
  /** Epoch ms: the first moment at which a boost that counts now ends; infinite where none does. */
  readonly untilMs: number;
}

/**
 * The limits of a student: the class's, with the student's own where they differ, raised by a boost. In an exam no boost
 * counts, and all get answers of the same length. The gateway admits by this, and the operator warns by it.
 *
 * @param nowMs epoch ms
 */
export function limitsInForce(classroom: LimitingClass, seat: LimitedSeat, nowMs: number): LimitsInForce {
  const plain = effectiveStudentLimits(classroom.limits.perStudent, seat.limits);
  if (classroom.access === 'Exam') {
    const { exam } = classroom;
    const limits = exam === undefined ? plain : { ...plain, maxOutputTokens: exam.maxOutputTokens };
    return { limits, plain, boost: undefined, untilMs: Infinity };
  }
  const boosts = [activeBoost([classroom.boost], nowMs), activeBoost([seat.boost], nowMs)];
  const boost = activeBoost(boosts, nowMs);
  const ends = boosts.map((counting) => counting?.untilMs ?? Infinity);
  return { limits: boostedStudentLimits(plain, boost), plain, boost, untilMs: Math.min(...ends) };
}
