import type { GpuPod } from './gpu-pod.ts';
import type { NodeVerdict } from './node-verdict.ts';
import type { GpuPlacement } from './placement.ts';

/** A class, its engines, and how many of them there shall be. */
export interface EnginesToPlace {
  namespace: string;
  classroom: string;
  /** Pods of the class that hold GPUs. */
  engines: readonly GpuPod[];
  wanted: number;
}

/** Slots of one node that can carry engines of the class. */
export interface NodeRoom {
  node: string;
  allocatable: number;
  /** Held by pods that are not the class's engines. */
  taken: number;
  /** Engines that find room beside those that the class has there and keeps. */
  engines: number;
  /** Engines that would, if nobody else held any. */
  enginesAlone: number;
}

/** Somebody else who holds slots that would suit the class. */
export interface Holder {
  namespace: string;
  units: number;
}

/** The figures behind the condition GPUAvailable. */
export interface GpuRoom {
  /** Engines that have their GPUs, and the nodes that these are in. */
  placed: number;
  placedOn: ReadonlySet<string>;
  /** Engines that still need theirs. */
  missing: number;
  /** Nodes that can carry an engine now, in use or not. */
  nodes: readonly NodeRoom[];
  /** Sums over the nodes. */
  engines: number;
  enginesAlone: number;
  holders: readonly Holder[];
}

/**
 * Counts slots: what nodes advertise, less what pods hold. Slots of engines that are being stopped count as free,
 * because their successors get them.
 */
export function gpuRoom(placement: GpuPlacement, toPlace: EnginesToPlace): GpuRoom {
  const { namespace, classroom, wanted } = toPlace;
  const kept = toPlace.engines.filter(({ terminating }) => !terminating);
  const pods = placement.observed.kind === 'Known' ? placement.observed.pods : [];
  const others = pods.filter((pod) => pod.namespace !== namespace || pod.classroom !== classroom);
  const own = unitsByNode(placement.resourceName, kept);
  const taken = unitsByNode(placement.resourceName, others);
  const nodes = placement.verdicts
    .filter(({ obstacle }) => obstacle === undefined)
    .map((verdict) => roomOn(verdict, placement, own, taken));
  return {
    placed: kept.length,
    placedOn: new Set(kept.map(({ node }) => node)),
    missing: Math.max(0, wanted - kept.length),
    nodes,
    engines: sum(nodes.map(({ engines }) => engines)),
    enginesAlone: sum(nodes.map(({ enginesAlone }) => enginesAlone)),
    holders: holdersOn(new Set(nodes.map(({ node }) => node)), others, placement.resourceName),
  };
}

function roomOn(
  { node: { name }, slots }: NodeVerdict,
  { demand: { slotsPerEngine } }: GpuPlacement,
  ownUnits: ReadonlyMap<string, number>,
  takenUnits: ReadonlyMap<string, number>,
): NodeRoom {
  const allocatable = sum(slots.map((each) => each.allocatable));
  const own = ownUnits.get(name) ?? 0;
  const taken = takenUnits.get(name) ?? 0;
  const fitting = (units: number): number => Math.max(0, Math.floor(units / slotsPerEngine));
  return {
    node: name,
    allocatable,
    taken,
    engines: fitting(allocatable - own - taken),
    enginesAlone: fitting(allocatable - own),
  };
}

function holdersOn(nodes: ReadonlySet<string>, pods: readonly GpuPod[], resourceName: string): Holder[] {
  const there = pods.filter(({ node, requests }) => nodes.has(node) && requests[resourceName] !== undefined);
  return [...Map.groupBy(there, ({ namespace }) => namespace)]
    .map(([namespace, members]) => ({
      namespace,
      units: sum(members.map(({ requests }) => requests[resourceName] ?? 0)),
    }))
    .toSorted((a, b) => b.units - a.units || a.namespace.localeCompare(b.namespace));
}

/** A big cluster has hundreds of nodes with GPUs, and thousands of pods on them: they are gone through once. */
function unitsByNode(resourceName: string, pods: readonly GpuPod[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { node, requests } of pods) {
    units.set(node, (units.get(node) ?? 0) + (requests[resourceName] ?? 0));
  }
  return units;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
