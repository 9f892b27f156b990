import type { StudentQuotaSpec } from '../api/student-quota.ts';

/** Fields of the spec that are set and that this version does not act on, as paths. */
export function pendingFields(spec: StudentQuotaSpec): string[] {
  return spec.boost === undefined ? [] : ['boost'];
}
