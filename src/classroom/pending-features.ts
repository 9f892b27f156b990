import type { ClassroomSpec } from '../api/classroom.ts';

/** A field, and whether this spec uses it. */
type Use = readonly [field: string, used: (spec: ClassroomSpec) => boolean];

/** Fields that the schema accepts and nothing acts on yet. A field leaves this list with the code that acts on it. */
const PENDING: readonly Use[] = [['fineTuning', (spec) => spec.fineTuning !== undefined]];

/** Fields of this spec that are accepted and not acted on, in the order of the schema. */
export function pendingFeatures(spec: ClassroomSpec): string[] {
  return PENDING.filter(([, used]) => used(spec)).map(([field]) => field);
}
