import type { z } from 'zod';
import type { boostSchema, ClassroomLimits, StudentLimits } from './limits.ts';

export type Boost = z.infer<typeof boostSchema>;

/** A raise of limits that holds at a moment. */
export interface ActiveBoost {
  readonly factor: number;
  /** Epoch ms: the first moment at which it no longer holds. */
  readonly untilMs: number;
}

/**
 * The raise that holds now, of those of the class and of a seat: the larger, not their product. Of two that are as
 * large, the one that lasts longer.
 *
 * @param nowMs epoch ms
 */
export function activeBoost(
  boosts: readonly (ActiveBoost | undefined)[],
  nowMs: number,
): ActiveBoost | undefined {
  return boosts
    .filter((boost) => boost !== undefined && nowMs < boost.untilMs)
    .reduce((best, boost) => (best === undefined || exceeds(boost, best) ? boost : best), undefined);
}

function exceeds(a: ActiveBoost | undefined, b: ActiveBoost): boolean {
  if (a === undefined) return false;
  return a.factor > b.factor || (a.factor === b.factor && a.untilMs > b.untilMs);
}

/** `spec.boost` of a class or a seat, with its end as a number. */
export function boostOf(boost: Boost | undefined): ActiveBoost | undefined {
  return boost === undefined ? undefined : { factor: boost.factor, untilMs: Date.parse(boost.until) };
}

/**
 * Limits of a student, raised. What one answer may have and the tokens of the whole course are never raised: the first
 * is a matter of the model and the second a budget that lasts longer than any boost.
 */
export function boostedStudentLimits(limits: StudentLimits, boost: ActiveBoost | undefined): StudentLimits {
  if (boost === undefined) return limits;
  return {
    ...limits,
    requestsPerMinute: raised(limits.requestsPerMinute, boost),
    tokensPerMinute: raised(limits.tokensPerMinute, boost),
    tokensPerDay: limits.tokensPerDay && raised(limits.tokensPerDay, boost),
    concurrentRequests: raised(limits.concurrentRequests, boost),
  };
}

/** Limits of all students together, raised by the boost of the class. */
export function boostedClassroomLimits(
  limits: ClassroomLimits,
  boost: ActiveBoost | undefined,
): ClassroomLimits {
  if (boost === undefined) return limits;
  return {
    requestsPerMinute: limits.requestsPerMinute && raised(limits.requestsPerMinute, boost),
    tokensPerMinute: limits.tokensPerMinute && raised(limits.tokensPerMinute, boost),
  };
}

/** A limit of the largest size the API takes stays a whole number that is exact. */
function raised(limit: number, { factor }: ActiveBoost): number {
  return Math.min(Number.MAX_SAFE_INTEGER, limit * factor);
}
