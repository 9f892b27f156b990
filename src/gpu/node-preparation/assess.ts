import type { MigGpu } from '../hardware/mig-profiles.ts';
import { GPU_LABELS, wholeNumber } from '../nodes/gpu-labels.ts';
import type { GpuNode } from '../nodes/gpu-node.ts';
import type { GpuPod } from '../nodes/gpu-pod.ts';
import type { NodeVerdict } from '../nodes/node-verdict.ts';
import type { ObstacleCode } from '../nodes/obstacle.ts';
import { describeTaint, repellingTaint } from '../nodes/tolerations.ts';
import {
  describeLayout,
  layoutProblem,
  type MigLayout,
  mostBeside,
  type NamedLayout,
  nameLayout,
} from './mig-layout.ts';
import { isMeant, type NeededShape, type NodeNeed } from './need.ts';
import { MIG_DISABLED, MIG_RESOURCE_PREFIX } from './nvidia.ts';

/** One thing to change so that a node offers what a class needs; listed in the order in which to do them. */
export type NodeChange =
  /** Of the whole cluster. */
  | { kind: 'MigStrategy'; strategy: 'mixed' | 'single' }
  | { kind: 'MigLayout'; layout: NamedLayout }
  | { kind: 'DevicePluginConfig'; config: DevicePluginConfig };

/** A key of the device plugin's ConfigMap, and what stands under it. */
export type DevicePluginConfig =
  | { key: string; kind: 'Whole' }
  | { key: string; kind: 'TimeSliced'; replicas: number; renamed: boolean };

/** What a node offers a class, and could offer. */
export interface NodeAssessment {
  node: GpuNode;
  /** What engines can ask for here now, in use or not. */
  slots: number;
  /** More than now, after changes. */
  offer: NodeOffer | undefined;
  /** Why it cannot be made to offer anything, as the end of a sentence that begins with its name. */
  obstacle: string | undefined;
}

export interface NodeOffer {
  resource: string;
  slots: number;
  changes: readonly NodeChange[];
}

/** What is known of the hardware and of who uses it. */
export interface AssessmentContext {
  /** What a product can be cut into; undefined: nothing, or not known. */
  migGpu(product: string): MigGpu | undefined;
  /** GPU pods of all nodes, as far as they can be seen. */
  pods: readonly GpuPod[];
  /** The class that asks, `namespace/name`. */
  classKey: string;
}

/** What each node that the class means offers and could offer, by name. Pure. */
export function assessNodes(
  need: NodeNeed,
  verdicts: readonly NodeVerdict[],
  context: AssessmentContext,
): NodeAssessment[] {
  return verdicts
    .filter(({ node }) => isMeant(need, node))
    .toSorted((a, b) => a.node.name.localeCompare(b.node.name, 'en', { numeric: true }))
    .map((verdict) => assess(need, verdict, context));
}

/** What sharing the GPUs otherwise would not mend. */
const LASTING: ReadonlySet<ObstacleCode> = new Set(['DRAOnly', 'LabelsContradict']);

/** Taints that Kubernetes itself sets and takes away, a cordon among them. */
const LIFECYCLE_TAINTS = 'node.kubernetes.io/';

function assess(need: NodeNeed, verdict: NodeVerdict, context: AssessmentContext): NodeAssessment {
  const { node, obstacle } = verdict;
  const slots = inWholeEngines(
    need,
    verdict.slots.reduce((sum, { allocatable }) => sum + allocatable, 0),
  );
  if (obstacle !== undefined && LASTING.has(obstacle.code)) {
    return { node, slots, offer: undefined, obstacle: obstacle.detail };
  }
  const possible = possibleOffer(need, node, context);
  if ('obstacle' in possible) return { node, slots, offer: undefined, obstacle: possible.obstacle };
  const offered = inWholeEngines(need, possible.slots);
  const isMore = offered > slots && possible.changes.length > 0;
  return {
    node,
    slots,
    offer: isMore ? { ...possible, slots: offered } : undefined,
    obstacle: undefined,
  };
}

/** An engine that spans several GPUs needs them on one node. */
function inWholeEngines({ perEngine }: NodeNeed, slots: number): number {
  return Math.floor(slots / perEngine) * perEngine;
}

type Possible = NodeOffer | { obstacle: string };

function possibleOffer(need: NodeNeed, node: GpuNode, context: AssessmentContext): Possible {
  const lasting = node.taints.filter(({ key }) => !key.startsWith(LIFECYCLE_TAINTS));
  const taint = repellingTaint(lasting, need.tolerations);
  if (taint !== undefined) {
    return { obstacle: `has the taint ${describeTaint(taint)}, which \`gpu.tolerations\` does not accept` };
  }
  if (node.product === undefined) {
    return { obstacle: 'has no label nvidia.com/gpu.product: install GPU feature discovery' };
  }
  if (node.vgpu) return { obstacle: 'has a part of a GPU already (vGPU), which is cut on its host' };
  switch (need.shape.kind) {
    case 'Whole':
      return wholeOffer(need, node, context);
    case 'TimeSliced':
      return timeSlicedOffer(need, need.shape, node, context);
    case 'MIG':
      return migOffer(need.shape, node, node.product, context);
  }
}

const WHOLE_CONFIG: DevicePluginConfig = { key: 'whole-gpus', kind: 'Whole' };
const MIG_OFF: NodeChange = {
  kind: 'MigLayout',
  layout: { name: MIG_DISABLED, isBuiltIn: true, layout: {} },
};

/** One way of sharing a node: what is there goes before the other comes. */
function undo(node: GpuNode): { mig: NodeChange[]; sharing: NodeChange[] } {
  const isCut = node.migInvalid || node.slots.some(({ migProfile }) => migProfile !== undefined);
  const isShared = node.slots.some(({ kind }) => kind === 'TimeSlice' || kind === 'MPSShare');
  return {
    mig: isCut ? [MIG_OFF] : [],
    sharing: isShared ? [{ kind: 'DevicePluginConfig', config: WHOLE_CONFIG }] : [],
  };
}

function wholeOffer({ resource }: NodeNeed, node: GpuNode, context: AssessmentContext): Possible {
  const { mig, sharing } = undo(node);
  const changes = [...mig, ...sharing];
  const isOffered = node.slots.some(({ resourceName }) => resourceName === resource);
  if (changes.length > 0 || isOffered) return { resource, slots: gpusOf(node, context), changes };
  return { obstacle: `offers no ${resource}: see whether NVIDIA's device plugin runs there` };
}

function timeSlicedOffer(
  { resource }: NodeNeed,
  { slicesPerGPU, renamed }: Extract<NeededShape, { kind: 'TimeSliced' }>,
  node: GpuNode,
  context: AssessmentContext,
): Possible {
  const key = `time-sliced-${slicesPerGPU}${renamed ? '-renamed' : ''}`;
  const config: DevicePluginConfig = { key, kind: 'TimeSliced', replicas: slicesPerGPU, renamed };
  return {
    resource,
    slots: gpusOf(node, context) * slicesPerGPU,
    changes: [...undo(node).mig, { kind: 'DevicePluginConfig', config }],
  };
}

function migOffer(
  { profile, strategy: asked }: Extract<NeededShape, { kind: 'MIG' }>,
  node: GpuNode,
  product: string,
  context: AssessmentContext,
): Possible {
  const gpu = context.migGpu(product);
  if (gpu === undefined) {
    return {
      obstacle: node.migCapable
        ? `has ${product}, of which this version does not know what MIG cuts it into`
        : `has ${product}, which MIG cannot cut`,
    };
  }
  const problem = layoutProblem(gpu, { [profile]: 1 });
  if (problem !== undefined) return { obstacle: `cannot be cut so: ${problem}` };
  const strategy = asked ?? (node.migStrategy === 'none' ? 'mixed' : node.migStrategy);
  const gpus = gpusOf(node, context);
  const kept = strategy === 'mixed' ? keptSlices(gpus, node, context) : {};
  const room = mostBeside(gpu, profile, kept);
  if (room === 0) {
    return { obstacle: `has no room for ${profile} beside what others use (${describeLayout(kept)})` };
  }
  const layout = nameLayout(gpu, { ...kept, [profile]: room + (kept[profile] ?? 0) });
  return {
    resource: strategy === 'mixed' ? `${MIG_RESOURCE_PREFIX}${profile}` : 'nvidia.com/gpu',
    slots: room * gpus,
    changes: [...strategyChange(strategy, node), ...undo(node).sharing, { kind: 'MigLayout', layout }],
  };
}

/** A node says which strategy it follows only where one is set. */
function strategyChange(strategy: 'mixed' | 'single', { migStrategy }: GpuNode): NodeChange[] {
  return migStrategy === strategy ? [] : [{ kind: 'MigStrategy', strategy }];
}

/**
 * Physical GPUs. Where slices pass as GPUs the label counts slices, and where they are void it counts nothing: then it
 * is reckoned from the slices, and at least one.
 */
function gpusOf(node: GpuNode, { migGpu }: AssessmentContext): number {
  const single = node.slots.find(
    ({ resourceName, migProfile }) =>
      migProfile !== undefined && !resourceName.startsWith(MIG_RESOURCE_PREFIX),
  );
  if (single?.migProfile === undefined) {
    return Math.max(1, wholeNumber(node.labels, GPU_LABELS.count) ?? 1);
  }
  const gpu = node.product === undefined ? undefined : migGpu(node.product);
  const perGpu = gpu === undefined ? single.capacity : mostBeside(gpu, single.migProfile, {});
  return Math.max(1, Math.ceil(single.capacity / Math.max(1, perGpu)));
}

/**
 * Slices that pods of others hold, as a layout of one GPU. Which GPU they are on cannot be seen, so all GPUs of the
 * node get the same.
 */
function keptSlices(gpus: number, node: GpuNode, { pods, classKey }: AssessmentContext): MigLayout {
  const held: Record<string, number> = {};
  for (const { requests } of foreignPods(pods, node.name, classKey)) {
    for (const [resource, count] of Object.entries(requests)) {
      if (!resource.startsWith(MIG_RESOURCE_PREFIX)) continue;
      const profile = resource.slice(MIG_RESOURCE_PREFIX.length);
      held[profile] = (held[profile] ?? 0) + count;
    }
  }
  return Object.fromEntries(Object.entries(held).map(([name, count]) => [name, Math.ceil(count / gpus)]));
}

/** GPU pods on a node that are not engines of this class. */
export function foreignPods(pods: readonly GpuPod[], node: string, classKey: string): GpuPod[] {
  return pods.filter((pod) => pod.node === node && classKeyOf(pod) !== classKey);
}

/** `namespace/name` of the class that a pod is an engine of. */
function classKeyOf({ namespace, classroom }: GpuPod): string | undefined {
  return classroom === undefined ? undefined : `${namespace}/${classroom}`;
}
