import type { ClassDemand } from './class-demand.ts';
import type { GpuNode } from './gpu-node.ts';
import type { GpuSlots } from './gpu-slots.ts';
import type { Obstacle } from './obstacle.ts';

/** Why slots of one way to share GPUs do not suit a class that wants another; undefined: they suit. */
export function sharingObstacle(slots: GpuSlots, node: GpuNode, demand: ClassDemand): Obstacle | undefined {
  const named = demand.resourceNames.includes(slots.resourceName);
  switch (demand.sharing) {
    case 'None':
      if (named && (slots.kind === 'WholeGPU' || slots.kind === 'Unlabelled')) return undefined;
      return differs(slots, node, wholeGpuAdvice(slots));
    case 'TimeSliced':
      if (named && slots.kind === 'Unlabelled') return undefined;
      if (named && slots.kind === 'TimeSlice' && slots.migProfile === undefined)
        return tooManySlices(slots, demand);
      return differs(slots, node, timeSliceAdvice(node, demand));
    case 'MIG':
      return migObstacle(slots, node, demand, named);
  }
}

/** Engines are sized for the slices of the spec: with more of them on a GPU its memory would run out. */
function tooManySlices({ sharedBy }: GpuSlots, { slicesPerGPU = 1 }: ClassDemand): Obstacle | undefined {
  if (sharedBy === undefined || sharedBy <= slicesPerGPU) return undefined;
  return {
    code: 'SharingDiffers',
    detail: `has ${sharedBy} time-slices to a GPU, not ${slicesPerGPU}`,
    next: `Set \`gpu.slicesPerGPU\` to ${sharedBy}, or give its device plugin a config with ${slicesPerGPU} replicas.`,
  };
}

function migObstacle(
  slots: GpuSlots,
  node: GpuNode,
  { migProfile = '', isResourceStated }: ClassDemand,
  named: boolean,
): Obstacle | undefined {
  // Some clouds cut GPUs and do not label them: whoever names the resource knows what it is.
  if (named && isResourceStated && slots.kind === 'Unlabelled') return undefined;
  if (slots.migProfile === migProfile) {
    if (named && slots.kind === 'MIGSlice') return undefined;
    const next = 'Give its device plugin a config that does not share MIG slices.';
    return { code: 'SharingDiffers', detail: 'shares each MIG slice among several pods', next };
  }
  return {
    code: 'MIGSlicesMissing',
    detail: describeSharing(slots, node),
    next: node.migCapable
      ? 'Cut its GPUs as the condition NodesPrepared says, or set `gpu.migProfile` to what it has.'
      : 'Use a GPU that can be cut with MIG, or set `gpu.sharing` to None.',
  };
}

function differs(slots: GpuSlots, node: GpuNode, next: string): Obstacle {
  return { code: 'SharingDiffers', detail: describeSharing(slots, node), next };
}

function wholeGpuAdvice({ kind, migProfile, sharedBy = 2 }: GpuSlots): string {
  if (kind === 'TimeSlice' && migProfile === undefined) {
    return `Turn time-slicing off there, or set \`gpu.sharing\` to TimeSliced with \`gpu.slicesPerGPU: ${sharedBy}\`.`;
  }
  if (migProfile !== undefined) {
    return `Turn MIG off there, or set \`gpu.sharing\` to MIG with \`gpu.migProfile: ${migProfile}\`.`;
  }
  return 'Set `gpu.resourceName` to what the nodes advertise, if those are whole GPUs.';
}

function timeSliceAdvice({ name }: GpuNode, { slicesPerGPU = 2 }: ClassDemand): string {
  return `Give the device plugin of ${name} a time-slicing config with ${slicesPerGPU} replicas, as the condition NodesPrepared says, or set \`gpu.sharing\` to None: one engine for all students is the fastest.`;
}

function describeSharing(slots: GpuSlots, node: GpuNode): string {
  switch (slots.kind) {
    case 'WholeGPU':
      return node.migCapable ? 'has whole GPUs' : 'has whole GPUs, of a kind that MIG cannot cut';
    case 'TimeSlice': {
      const device = slots.migProfile === undefined ? 'GPU' : 'MIG slice';
      return `shares each ${device} among ${slots.sharedBy ?? 'several'} by time-slicing`;
    }
    case 'MIGSlice':
    case 'MPSShare':
    case 'Unlabelled':
    case 'Unclear':
      return `advertises ${node.slots.map((each) => `${each.capacity} ${each.resourceName}`).join(', ')}`;
  }
}
