import type { PlanInput } from '../plan-types.ts';
import type { SlotFacts } from './placement.ts';

/**
 * What nodes add to a plan's `slot`, before what the spec says: `{...planInputOf(spec).slot, ...slotFromNodes(facts)}`.
 * Where labels do not tell the memory, that of the spec stays.
 */
export function slotFromNodes(facts: SlotFacts | undefined): Partial<PlanInput['slot']> {
  if (facts === undefined) return {};
  return {
    ...(facts.product === undefined ? {} : { gpu: facts.product }),
    ...(facts.deviceMemoryMiB === undefined ? {} : { labelMemoryMiB: facts.deviceMemoryMiB }),
    ...(facts.computeCapability === undefined ? {} : { computeCapability: facts.computeCapability }),
  };
}
