import { type EnginesToPlace, type GpuRoom, gpuRoom } from './availability.ts';
import type { ClassDemand } from './class-demand.ts';
import { isFollowedResource } from './gpu-slots.ts';
import type { NodeVerdict } from './node-verdict.ts';
import type { KnownGpus } from './observation.ts';
import { OBSTACLES, type ObstacleCode } from './obstacle.ts';
import type { GpuPlacement } from './placement.ts';

/** Reasons of the condition GPUAvailable: why GPUs are or are not there for the engines wanted. */
export type AvailabilityReason =
  | ObstacleCode
  | 'EnginesPlaced'
  | 'GPUsFree'
  | 'NoGPUNode'
  | 'TooFewGPUs'
  | 'GPUsTaken'
  | 'ResourceNotFollowed'
  | 'NodesNotReadable'
  | 'NodesNotRead';

/** The condition GPUAvailable of a class, without its type. */
export interface GpuAvailability {
  status: 'True' | 'False' | 'Unknown';
  reason: AvailabilityReason;
  /** What, why, what next. */
  message: string;
}

/** Nodes that a message names one by one. */
const NAMED = 3;

/**
 * Whether there are GPUs for the engines of a class. Says the same as long as the class's own engines have their GPUs,
 * whatever others do, so that one class's rollout does not write the status of all.
 */
export function gpuAvailability(placement: GpuPlacement, toPlace: EnginesToPlace): GpuAvailability {
  const { observed } = placement;
  if (observed.kind === 'Unknown') return unknown(observed.why);
  if (!isFollowedResource(placement.resourceName)) return notFollowed(placement.resourceName);
  const room = gpuRoom(placement, toPlace);
  if (toPlace.wanted > 0 && room.missing === 0) return enginesPlaced(placement, room);
  // A class without engines is told whether one would find room.
  const missing = Math.max(1, room.missing);
  if (room.engines >= missing) return gpusFree(placement, room, toPlace.wanted, observed);
  if (room.nodes.length === 0) return noNode(placement, observed);
  return room.enginesAlone >= missing
    ? gpusTaken(placement, room, toPlace.wanted)
    : tooFewGpus(placement, room, toPlace.wanted);
}

function unknown(why: 'NotAllowed' | 'NotRead'): GpuAvailability {
  return why === 'NotRead'
    ? {
        status: 'Unknown',
        reason: 'NodesNotRead',
        message: 'The API server has not told of the nodes yet; this changes by itself.',
      }
    : {
        status: 'Unknown',
        reason: 'NodesNotReadable',
        message:
          'The operator has no right to read nodes, so whether a GPU is free, and how much memory it has, is not known. Engines are started all the same. Set `gpu.memoryMiB`, or give the operator the right to list and watch nodes.',
      };
}

function notFollowed(resourceName: string): GpuAvailability {
  return {
    status: 'Unknown',
    reason: 'ResourceNotFollowed',
    message: `Whether ${resourceName} is free is not known: nodes are looked at for resources of nvidia.com and those with \`gpu\` in their name. Engines are started all the same. Set \`gpu.memoryMiB\`, so that they are planned for what they get.`,
  };
}

function enginesPlaced(placement: GpuPlacement, { placed, placedOn }: GpuRoom): GpuAvailability {
  const have = placed === 1 ? 'The engine has its GPU' : `All ${placed} engines have their GPUs`;
  const message = `${have}: ${heldPhrase(placement, placedOn)}${placed === 1 ? '' : ' each'}.${memoryHint(placement)}`;
  return { status: 'True', reason: 'EnginesPlaced', message };
}

function gpusFree(
  placement: GpuPlacement,
  room: GpuRoom,
  wanted: number,
  { seesAllPods }: KnownGpus,
): GpuAvailability {
  const nodes = list(room.nodes.flatMap(({ node, engines }) => (engines > 0 ? [node] : [])));
  const count = wanted === 0 ? 'No engine is wanted now' : progress(room, wanted);
  const caveat = seesAllPods ? '' : ' What pods of other namespaces hold is not seen and counts as free.';
  const message = `${count}; there is room for ${room.engines} more (${slotPhrase(placement)} each) on ${nodes}.${caveat}${memoryHint(placement)}`;
  return { status: 'True', reason: 'GPUsFree', message };
}

/** What the nodes that came nearest to carrying an engine lack. */
function noNode({ verdicts, demand, resourceName }: GpuPlacement, { dra }: KnownGpus): GpuAvailability {
  const rank = ({ obstacle }: NodeVerdict): number =>
    obstacle === undefined ? OBSTACLES.length : OBSTACLES.indexOf(obstacle.code);
  const nearest = Math.max(...verdicts.map(rank));
  const alike = verdicts.filter((verdict) => rank(verdict) === nearest);
  const [first] = alike;
  if (first?.obstacle === undefined)
    return dra.length === 0 ? noGpuNode() : draOnly(dra.map(({ node }) => node));
  const details = differentFirst(alike).map(({ node, obstacle }) => `${node.name} ${obstacle?.detail}`);
  const message = `No node can carry an engine, which needs ${needPhrase(demand, resourceName)}: ${list(details, '; ')}. ${first.obstacle.next}`;
  return { status: 'False', reason: first.obstacle.code, message };
}

/** One node of each kind before the others like it, so that the few which are named show what there is. */
function differentFirst(verdicts: readonly NodeVerdict[]): NodeVerdict[] {
  const isFirst = ({ obstacle }: NodeVerdict, index: number): boolean =>
    verdicts.findIndex((other) => other.obstacle?.detail === obstacle?.detail) === index;
  return [...verdicts.filter(isFirst), ...verdicts.filter((verdict, index) => !isFirst(verdict, index))];
}

function noGpuNode(): GpuAvailability {
  const message =
    "No node of this cluster has a GPU that Kubernetes knows of. Add one, or install NVIDIA's device plugin and GPU feature discovery, which the NVIDIA GPU Operator brings.";
  return { status: 'False', reason: 'NoGPUNode', message };
}

function draOnly(nodes: readonly string[]): GpuAvailability {
  const message = `GPUs are offered by dynamic resource allocation (DRA) only, on ${list([...new Set(nodes)].sort())}. Engines ask for GPUs by NVIDIA's device plugin: run it there in place of the DRA driver.`;
  return { status: 'False', reason: 'DRAOnly', message };
}

function tooFewGpus(placement: GpuPlacement, room: GpuRoom, wanted: number): GpuAvailability {
  const most = room.placed + room.enginesAlone;
  const nodes = list(room.nodes.map(({ node }) => node));
  const count = `${progress(room, wanted)}; each needs ${needPhrase(placement.demand, placement.resourceName)}, and the nodes that can carry engines (${nodes}) are enough for ${most}`;
  const away = placement.verdicts.find(({ slots, obstacle }) => slots.length > 0 && obstacle !== undefined);
  const next =
    away?.obstacle === undefined
      ? `Lower \`engine.replicas.max\` to ${most}, or add nodes.`
      : `${away.node.name} could carry more, but ${away.obstacle.detail}. ${away.obstacle.next}`;
  return { status: 'False', reason: 'TooFewGPUs', message: `${count}. ${next}` };
}

function gpusTaken({ resourceName }: GpuPlacement, room: GpuRoom, wanted: number): GpuAvailability {
  const all = room.nodes.reduce((sum, { allocatable }) => sum + allocatable, 0);
  const taken = room.holders.reduce((sum, { units }) => sum + units, 0);
  const holders = list(room.holders.map(({ namespace, units }) => `${namespace} (${units})`));
  const namespaces = room.holders.length === 1 ? 'the namespace' : 'the namespaces';
  const held = `pods of ${namespaces} ${holders} hold ${taken} of the ${all} ${resourceName} on ${list(room.nodes.map(({ node }) => node))}`;
  const message = `${progress(room, wanted)}: ${held}. Wait until they end, ${lowerOrAdd(room.placed + room.engines)}.`;
  return { status: 'False', reason: 'GPUsTaken', message };
}

/** The end of a sentence. */
function lowerOrAdd(engines: number): string {
  return engines === 0
    ? 'or add a node with a free GPU'
    : `lower \`engine.replicas.max\` to ${engines}, or add nodes`;
}

function progress({ placed }: GpuRoom, wanted: number): string {
  if (wanted === 0) return 'No engine is wanted now, and none would find a GPU';
  return `${placed} of ${wanted} ${wanted === 1 ? 'engine has its GPU' : 'engines have their GPUs'}`;
}

/** What engines may get: `1 nvidia.com/gpu (NVIDIA-A10 or NVIDIA-L4, 23028 MiB)`, the least of them. */
function slotPhrase({ resourceName, demand, slot }: GpuPlacement): string {
  const facts = slotFacts(slot?.products.join(' or '), slot?.slotMemoryMiB);
  return unitsPhrase(demand, resourceName, facts === '' ? [] : [facts]);
}

/** What engines have got: `1 nvidia.com/gpu (NVIDIA-A10, 23028 MiB; NVIDIA-L4, 23034 MiB)`. */
function heldPhrase({ resourceName, demand, observed }: GpuPlacement, on: ReadonlySet<string>): string {
  const nodes = observed.kind === 'Known' ? observed.nodes.filter(({ name }) => on.has(name)) : [];
  const kinds = nodes.map(({ product, slots }) => {
    const held = slots.find((each) => each.resourceName === resourceName);
    return slotFacts(product, held?.slotMemoryMiB ?? demand.statedMemoryMiB);
  });
  return unitsPhrase(demand, resourceName, [...new Set(kinds)].filter((facts) => facts !== '').sort());
}

function slotFacts(product: string | undefined, memoryMiB: number | undefined): string {
  return [product ?? '', memoryMiB === undefined ? '' : `${memoryMiB} MiB`]
    .filter((fact) => fact !== '')
    .join(', ');
}

function unitsPhrase(
  { slotsPerEngine }: ClassDemand,
  resourceName: string,
  kinds: readonly string[],
): string {
  const units = `${slotsPerEngine} ${resourceName}`;
  return kinds.length === 0 ? units : `${units} (${kinds.join('; ')})`;
}

/** `a time-slice of NVIDIA-A10, 4 to a GPU (1 nvidia.com/gpu.shared)`. */
function needPhrase(
  { sharing, product = 'GPU', migProfile, slicesPerGPU, slotsPerEngine }: ClassDemand,
  resourceName: string,
): string {
  const units = `(${slotsPerEngine} ${resourceName})`;
  switch (sharing) {
    case 'None':
      return slotsPerEngine === 1
        ? `a whole ${product} ${units}`
        : `${slotsPerEngine} whole ${product === 'GPU' ? 'GPUs' : product} on one node ${units}`;
    case 'TimeSliced':
      return `a time-slice of a ${product}, ${slicesPerGPU} to a GPU ${units}`;
    case 'MIG':
      return `a MIG slice ${migProfile} of a ${product} ${units}`;
  }
}

function memoryHint({ slot }: GpuPlacement): string {
  if (slot === undefined || slot.slotMemoryMiB !== undefined) return '';
  return ' The nodes do not say how much memory a slot has: set `gpu.memoryMiB`.';
}

function list(items: readonly string[], separator = ', '): string {
  const more = items.length - NAMED;
  const named = items.slice(0, NAMED).join(separator);
  return more > 0 ? `${named}${separator}and ${more} more` : named;
}
