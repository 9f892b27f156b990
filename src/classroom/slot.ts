import type { GpuSpec } from '../api/gpu.ts';
import type { GpuPlacement } from '../gpu/nodes/placement.ts';
import { slotFromNodes } from '../gpu/nodes/plan-slot.ts';
import type { PlanInput } from '../gpu/plan-types.ts';
import { canonicalJson } from '../kube/intent.ts';
import type { RememberedSlot } from './rollout/rolled-out.ts';

/** What one engine has of a GPU, as far as anybody says. */
export type SlotKnowledge =
  /** What the planner is told besides the spec. */
  { kind: 'known'; request: Partial<PlanInput['slot']> } | { kind: 'unknown'; why: string };

/**
 * What nodes say of the slots of a class goes first; then what they said when its engines were last started, for a
 * node pool may be empty at night, and labels are gone while feature discovery is upgraded; then the spec, which may
 * name a GPU that the planner knows, or its memory.
 */
export function slotKnowledge(
  gpu: GpuSpec,
  { slot, observed }: Pick<GpuPlacement, 'slot' | 'observed'>,
  remembered: RememberedSlot | undefined,
): SlotKnowledge {
  const request = slotFromNodes(slot);
  if (slot?.deviceMemoryMiB !== undefined) return { kind: 'known', request };
  if (remembered !== undefined && remembered.of === slotKey(gpu)) {
    return { kind: 'known', request: remembered.request };
  }
  if (tellsMemory({ ...gpu, product: request.gpu ?? gpu.product })) return { kind: 'known', request };
  return { kind: 'unknown', why: whyUnknown({ slot, observed }) };
}

function whyUnknown({ slot, observed }: Pick<GpuPlacement, 'slot' | 'observed'>): string {
  if (slot !== undefined) return 'no label of the nodes tells it';
  return observed.kind === 'Unknown' ? 'the operator cannot see the nodes' : 'no node suits the class';
}

/** To be kept with engines that are started; undefined where nodes said nothing. */
export function rememberedSlot(gpu: GpuSpec, slot: GpuPlacement['slot']): RememberedSlot | undefined {
  const request = slotFromNodes(slot);
  return Object.keys(request).length === 0 ? undefined : { of: slotKey(gpu), request };
}

function tellsMemory({ product, memoryMiB }: Pick<GpuSpec, 'product' | 'memoryMiB'>): boolean {
  return product !== undefined || memoryMiB !== undefined;
}

/** Fields that say which slot it is: what was remembered for another kind of slot says nothing. */
const SLOT_FIELDS = [
  'sharing',
  'slicesPerGPU',
  'migProfile',
  'product',
  'nodeSelector',
  'resourceName',
  'memoryMiB',
] as const satisfies readonly (keyof GpuSpec)[];

function slotKey(gpu: GpuSpec): string {
  return canonicalJson(Object.fromEntries(SLOT_FIELDS.map((field) => [field, gpu[field]])));
}
