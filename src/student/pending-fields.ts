import type { StudentQuotaSpec } from '../api/student-quota.ts';

/** A field, and whether this spec uses it. */
export type Use = readonly [field: string, used: (spec: StudentQuotaSpec) => boolean];

/** Fields that the schema accepts and nothing acts on yet: none in this version. */
const PENDING: readonly Use[] = [];

/** Fields of the spec that are set and that this version does not act on, as paths. */
export function pendingFields(spec: StudentQuotaSpec, pending: readonly Use[] = PENDING): string[] {
  return pending.filter(([, used]) => used(spec)).map(([field]) => field);
}
