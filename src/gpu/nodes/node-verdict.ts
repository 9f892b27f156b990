import { PREPARATION_ANNOTATION } from '../../api/node-preparation.ts';
import type { ClassDemand } from './class-demand.ts';
import { GPU_LABELS } from './gpu-labels.ts';
import type { GpuNode } from './gpu-node.ts';
import type { GpuSlots } from './gpu-slots.ts';
import { OBSTACLES, type Obstacle, type ObstacleCode } from './obstacle.ts';
import { sharingObstacle } from './sharing-obstacle.ts';
import { describeTaint, repellingTaint } from './tolerations.ts';

/** What a class finds on one node. */
export interface NodeVerdict {
  node: GpuNode;
  /** Slots that suit the class, in use or not, whatever keeps engines off the node for the moment. */
  slots: readonly GpuSlots[];
  /** Undefined: the node can carry an engine as soon as slots are free. */
  obstacle: Obstacle | undefined;
}

/** Obstacles that pass: the slots are right, and the node will be back. */
const PASSING: ReadonlySet<ObstacleCode> = new Set(['GPUsUnhealthy', 'NodesNotReady', 'NodesCordoned']);

/** Taints that Kubernetes itself sets and takes away: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
const LIFECYCLE_TAINTS = 'node.kubernetes.io/';

/**
 * Judges a node for a class.
 *
 * @param usesDra whether the node offers its GPUs by dynamic resource allocation
 */
export function judgeNode(node: GpuNode, demand: ClassDemand, usesDra: boolean): NodeVerdict {
  const suited = node.slots.filter((slots) => slotsObstacle(slots, node, demand) === undefined);
  const obstacle =
    placementObstacle(node, demand) ??
    (suited.length === 0 ? nodeObstacle(node, demand, usesDra) : undefined) ??
    sizeObstacle(suited, demand) ??
    taintObstacle(node, demand) ??
    passingObstacle(node, suited, demand);
  const suits = obstacle === undefined || PASSING.has(obstacle.code);
  return { node, slots: suits ? suited : [], obstacle };
}

function placementObstacle(node: GpuNode, demand: ClassDemand): Obstacle | undefined {
  if (demand.product !== undefined && node.product !== demand.product) return productObstacle(node);
  const missing = Object.entries(demand.nodeSelector).find(([label, value]) => node.labels[label] !== value);
  if (missing === undefined) return undefined;
  const [label, value] = missing;
  const actual = node.labels[label];
  return {
    code: 'NodeSelectorUnmatched',
    detail: actual === undefined ? `has no label ${label}` : `has ${label}=${actual}, not ${value}`,
    next: `Correct \`gpu.nodeSelector\`, or label the node: \`kubectl label node ${node.name} ${label}=${value}\`.`,
  };
}

function productObstacle({ product, name }: GpuNode): Obstacle {
  const code = 'ProductNotFound';
  if (product !== undefined) {
    return {
      code,
      detail: `has ${product}`,
      next: 'Set `gpu.product` to what the nodes have, or leave it out.',
    };
  }
  return {
    code,
    detail: `has no label ${GPU_LABELS.product}`,
    next: `Install GPU feature discovery, or leave \`gpu.product\` out, choose nodes by \`gpu.nodeSelector\` (\`kubectl get node ${name} --show-labels\`) and set \`gpu.memoryMiB\`.`,
  };
}

/** Why none of the node's resources is what the class asks for. */
function nodeObstacle(node: GpuNode, demand: ClassDemand, usesDra: boolean): Obstacle {
  const underWork = beingCut(node, demand);
  if (underWork !== undefined) return underWork;
  if (node.migInvalid) return migInvalid();
  const nearest = node.slots
    .flatMap((slots) => slotsObstacle(slots, node, demand) ?? [])
    .toSorted((a, b) => OBSTACLES.indexOf(b.code) - OBSTACLES.indexOf(a.code))[0];
  if (nearest !== undefined) return nearest;
  if (usesDra) {
    return {
      code: 'DRAOnly',
      detail: 'offers its GPUs by dynamic resource allocation (DRA) only',
      next: "Engines ask for GPUs by NVIDIA's device plugin: run it there in place of the DRA driver.",
    };
  }
  return {
    code: 'GPUsNotAdvertised',
    detail: 'has a GPU that no device plugin advertises',
    next: `See whether NVIDIA's device plugin runs there: \`kubectl get pods --all-namespaces --field-selector spec.nodeName=${node.name}\`.`,
  };
}

/**
 * What the MIG manager says of its work.
 *
 * @see https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-mig.html
 */
function beingCut(node: GpuNode, { sharing }: ClassDemand): Obstacle | undefined {
  const { migConfig = 'the layout of its label', migConfigState } = node;
  const code = sharing === 'MIG' ? 'MIGSlicesMissing' : 'SharingDiffers';
  switch (migConfigState) {
    case 'pending':
    case 'rebooting': {
      const detail = `is being cut to ${migConfig} (${migConfigState})`;
      return { code, detail, next: 'Wait until the MIG manager is done.' };
    }
    case 'failed': {
      const next = `See why in the log of the MIG manager on ${node.name}: most often a pod still used the GPU.`;
      return { code, detail: `could not be cut to ${migConfig}`, next };
    }
    default:
      return undefined;
  }
}

function migInvalid(): Obstacle {
  return {
    code: 'MIGInvalid',
    detail:
      'has MIG slices of different sizes, or GPUs with and without them, which MIG strategy single forbids',
    next: 'Cut all its GPUs alike, as the condition NodesPrepared says, or use MIG strategy mixed.',
  };
}

/** Why these slots are not what the class asks for; undefined: they are. */
function slotsObstacle(slots: GpuSlots, node: GpuNode, demand: ClassDemand): Obstacle | undefined {
  if (demand.isResourceStated && !demand.resourceNames.includes(slots.resourceName)) {
    return {
      code: 'ResourceNotAdvertised',
      detail: `advertises ${slots.resourceName}`,
      next: 'Correct `gpu.resourceName`, or leave it out.',
    };
  }
  if (slots.kind === 'Unclear') {
    // Whoever names the resource and its memory knows the node better than its labels do.
    const isStated = demand.isResourceStated && demand.statedMemoryMiB !== undefined;
    return isStated ? undefined : labelsContradict(slots, node);
  }
  if (slots.kind === 'MPSShare') {
    return {
      code: 'SharedByMPS',
      detail: 'shares its GPUs by MPS',
      next: 'Engines are planned for whole GPUs, MIG slices and time-slices: give its device plugin a config without MPS.',
    };
  }
  return sharingObstacle(slots, node, demand);
}

function labelsContradict({ resourceName, capacity }: GpuSlots, { labels, product }: GpuNode): Obstacle {
  const count = labels[GPU_LABELS.count] ?? 'no number of';
  return {
    code: 'LabelsContradict',
    detail: `advertises ${capacity} ${resourceName} while its labels say ${count} ${product ?? 'GPUs'}`,
    next: "It has GPUs of several products, or sharing that GPU feature discovery was not told of: give feature discovery the device plugin's config, or set `gpu.resourceName` and `gpu.memoryMiB` to what the smallest slot has.",
  };
}

function sizeObstacle(suited: readonly GpuSlots[], { slotsPerEngine }: ClassDemand): Obstacle | undefined {
  const most = Math.max(0, ...suited.map(({ capacity }) => capacity));
  if (most >= slotsPerEngine) return undefined;
  return {
    code: 'TooFewGPUsPerNode',
    detail: `has ${most}`,
    next: `An engine cannot span nodes: lower \`gpu.gpusPerEngine\` to ${most}, or use nodes with more GPUs.`,
  };
}

function taintObstacle(node: GpuNode, demand: ClassDemand): Obstacle | undefined {
  const lasting = node.taints.filter(({ key }) => !key.startsWith(LIFECYCLE_TAINTS));
  const taint = repellingTaint(lasting, demand.tolerations);
  if (taint === undefined) return undefined;
  const text = describeTaint(taint);
  return {
    code: 'TaintNotTolerated',
    detail: `has the taint ${text}`,
    next: `Add it to \`gpu.tolerations\` if the class may run there, or take it off: \`kubectl taint node ${node.name} ${text}-\`.`,
  };
}

/** What keeps engines off a node whose slots are right, until it has passed. */
function passingObstacle(
  node: GpuNode,
  suited: readonly GpuSlots[],
  { tolerations, slotsPerEngine }: ClassDemand,
): Obstacle | undefined {
  const { name } = node;
  if (node.cordoned) {
    const next =
      node.annotations[PREPARATION_ANNOTATION] === undefined
        ? `When its maintenance is over: \`kubectl uncordon ${name}\`.`
        : 'The operator prepares it: the condition NodesPrepared says how far it is.';
    return { code: 'NodesCordoned', detail: 'is cordoned', next };
  }
  const look = `See \`kubectl describe node ${name}\`.`;
  const taint = repellingTaint(node.taints, tolerations);
  if (!node.ready || taint !== undefined) {
    const detail = taint === undefined ? 'is not ready' : `has the taint ${describeTaint(taint)}`;
    return { code: 'NodesNotReady', detail, next: look };
  }
  const healthy = Math.max(0, ...suited.map(({ allocatable }) => allocatable));
  if (healthy >= slotsPerEngine) return undefined;
  const capacity = Math.max(0, ...suited.map((slots) => slots.capacity));
  const next = `${look} NVIDIA's device plugin there logs which GPU fails and why.`;
  return { code: 'GPUsUnhealthy', detail: `has ${healthy} healthy of ${capacity}`, next };
}
