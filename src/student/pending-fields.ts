import type { StudentQuotaSpec } from '../api/student-quota.ts';

/** Limits of a seat that are accepted and not enforced yet. */
const PENDING_LIMITS = ['requestsPerMinute', 'tokensPerMinute', 'tokensPerDay', 'tokensTotal'] as const;

/** Fields of the spec that are set and that this version does not act on, as paths. */
export function pendingFields(spec: StudentQuotaSpec): string[] {
  return [
    ...PENDING_LIMITS.filter((limit) => spec.limits?.[limit] !== undefined).map((limit) => `limits.${limit}`),
    ...(spec.weight === 1 ? [] : ['weight']),
    ...(spec.boost === undefined ? [] : ['boost']),
  ];
}
