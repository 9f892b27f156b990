import type { GpuSpec } from '../../api/gpu.ts';
import { type ClassDemand, classDemand } from './class-demand.ts';
import type { GpuNode } from './gpu-node.ts';
import type { GpuSlots, SlotKind } from './gpu-slots.ts';
import { judgeNode, type NodeVerdict } from './node-verdict.ts';
import type { GpuObservation } from './observation.ts';

/** Where the engines of a class may run, whatever is in use now: what its plan is made from. */
export interface GpuPlacement {
  demand: ClassDemand;
  observed: GpuObservation;
  /** The extended resource that each engine asks for. */
  resourceName: string;
  /** Every node with a GPU; empty while nodes are not known. */
  verdicts: readonly NodeVerdict[];
  /** Undefined: no node suits the class, or nodes are not known. */
  slot: SlotFacts | undefined;
}

/** What one slot of the class holds: of all nodes that suit it, the one with the least memory. */
export interface SlotFacts {
  kind: SlotKind;
  /** As in the label nvidia.com/gpu.product, without how it is shared. */
  product: string | undefined;
  /** Memory of the GPU or MIG slice as its label says it, before time-slices share it. */
  deviceMemoryMiB: number | undefined;
  /** Memory of one slot: from labels, else from `gpu.memoryMiB`. Undefined: neither says. */
  slotMemoryMiB: number | undefined;
  /** Pods that one GPU is offered to; 1: not shared. */
  sharedBy: number | undefined;
  migProfile: string | undefined;
  computeCapability: string | undefined;
  driverVersion: string | undefined;
  /** Every GPU that suits the class, where there are several, by name. */
  products: readonly string[];
}

/**
 * Finds out where a class may run. The resource follows what nodes advertise; one that engines already ask for is kept
 * as long as any node offers it, for another name would restart them.
 *
 * @param current the resource that the engines ask for now
 */
export function gpuPlacement(gpu: GpuSpec, observed: GpuObservation, current?: string): GpuPlacement {
  const demand = classDemand(gpu);
  if (observed.kind === 'Unknown') {
    return {
      demand,
      observed,
      resourceName: keptName(demand, current) ?? demand.resourceNames[0],
      verdicts: [],
      slot: undefined,
    };
  }
  const dra = new Set(observed.dra.map(({ node }) => node));
  const judged = observed.nodes.map((node) => judgeNode(node, demand, dra.has(node.name)));
  const resourceName = chosenName(judged, demand, current);
  const verdicts = judged.map((verdict) => withResource(verdict, resourceName));
  return { demand, observed, resourceName, verdicts, slot: slotFacts(verdicts, demand) };
}

function keptName(demand: ClassDemand, current: string | undefined): string | undefined {
  return current !== undefined && demand.resourceNames.includes(current) ? current : undefined;
}

function chosenName(
  verdicts: readonly NodeVerdict[],
  demand: ClassDemand,
  current: string | undefined,
): string {
  const all = verdicts.flatMap((verdict) => verdict.slots);
  const labelled = all.filter(({ kind }) => kind !== 'Unlabelled');
  // What says nothing of itself decides only where nothing else is there.
  const slots = labelled.length === 0 ? all : labelled;
  const units = (name: string): number =>
    slots.reduce((sum, { resourceName, capacity }) => sum + (resourceName === name ? capacity : 0), 0);
  const kept = keptName(demand, current);
  if (kept !== undefined && (all.length === 0 || all.some((each) => each.resourceName === kept))) return kept;
  return demand.resourceNames.reduce((best, name) => (units(name) > units(best) ? name : best));
}

/** All engines of a class ask for the same resource: a node that offers the slots under another name is left out. */
function withResource(verdict: NodeVerdict, resourceName: string): NodeVerdict {
  const slots = verdict.slots.filter((each) => each.resourceName === resourceName);
  const [other] = verdict.slots;
  if (other === undefined || slots.length > 0) return { ...verdict, slots };
  const detail = `offers ${other.resourceName}, while the engines ask for ${resourceName}`;
  const next = 'Let the device plugins of all nodes of the class name their slots alike.';
  return { ...verdict, slots, obstacle: { code: 'ResourceNotAdvertised', detail, next } };
}

function slotFacts(verdicts: readonly NodeVerdict[], demand: ClassDemand): SlotFacts | undefined {
  const all = verdicts.flatMap(({ node, slots }) => slots.map((each) => factsOf(node, each, demand)));
  const [least] = all.toSorted(
    (a, b) =>
      (a.slotMemoryMiB ?? Number.POSITIVE_INFINITY) - (b.slotMemoryMiB ?? Number.POSITIVE_INFINITY) ||
      (a.product ?? '').localeCompare(b.product ?? ''),
  );
  if (least === undefined) return undefined;
  const products = new Set(all.flatMap(({ product }) => product ?? []));
  return { ...least, products: [...products].sort() };
}

function factsOf(node: GpuNode, slots: GpuSlots, { statedMemoryMiB }: ClassDemand): SlotFacts {
  return {
    kind: slots.kind,
    product: node.product,
    deviceMemoryMiB: slots.deviceMemoryMiB,
    slotMemoryMiB: slots.slotMemoryMiB ?? statedMemoryMiB,
    sharedBy: slots.sharedBy,
    migProfile: slots.migProfile,
    computeCapability: node.computeCapability,
    driverVersion: node.driverVersion,
    products: [],
  };
}
