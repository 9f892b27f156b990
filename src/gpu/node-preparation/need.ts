import type { ClassroomSpec } from '../../api/classroom.ts';
import type { ClassDemand } from '../nodes/class-demand.ts';
import { GPU_LABELS, parseProduct } from '../nodes/gpu-labels.ts';
import type { GpuNode } from '../nodes/gpu-node.ts';
import type { GpuPlacement } from '../nodes/placement.ts';
import { MIG_RESOURCE_PREFIX } from './nvidia.ts';

/** How the GPUs of a node must be shared for a class. */
export type NeededShape =
  | { kind: 'Whole' }
  /** `renamed`: slices are `nvidia.com/gpu.shared`, so that nobody takes them for whole GPUs. */
  | { kind: 'TimeSliced'; slicesPerGPU: number; renamed: boolean }
  /**
   * `profile` as labels write it. `mixed`: a resource for each profile; `single`: every slice passes as a GPU;
   * undefined: the engines ask for whichever there is.
   */
  | { kind: 'MIG'; profile: string; strategy: 'mixed' | 'single' | undefined };

/** What a class needs of its nodes. */
export interface NodeNeed {
  shape: NeededShape;
  /** What an engine asks for now, and how much of it on one node. */
  resource: string;
  perEngine: number;
  /** For all engines that the class may have. */
  slots: number;
  /** The GPU itself, without how it is shared; undefined: any. */
  product: string | undefined;
  nodeSelector: Readonly<Record<string, string>>;
  /** Of the engines. */
  tolerations: ClassDemand['tolerations'];
}

/** What a class needs, by its spec and by what its engines ask for. */
export function nodeNeed({ engine }: Pick<ClassroomSpec, 'engine'>, placement: GpuPlacement): NodeNeed {
  const { demand, resourceName } = placement;
  return {
    shape: shapeOf(placement),
    resource: resourceName,
    perEngine: demand.slotsPerEngine,
    slots: engine.replicas.max * demand.slotsPerEngine,
    product: demand.product,
    nodeSelector: demand.nodeSelector,
    tolerations: demand.tolerations,
  };
}

function shapeOf({ demand, resourceName }: GpuPlacement): NeededShape {
  switch (demand.sharing) {
    case 'None':
      return { kind: 'Whole' };
    case 'TimeSliced':
      return {
        kind: 'TimeSliced',
        slicesPerGPU: demand.slicesPerGPU ?? 2,
        renamed: resourceName.endsWith('.shared'),
      };
    case 'MIG': {
      const named = resourceName.startsWith(MIG_RESOURCE_PREFIX) ? 'mixed' : 'single';
      const strategy = demand.isResourceStated ? named : undefined;
      return { kind: 'MIG', profile: demand.migProfile ?? '', strategy };
    }
  }
}

/** Whether the class means this node, however its GPUs are shared now. */
export function isMeant(need: NodeNeed, node: GpuNode): boolean {
  if (need.product !== undefined && node.product !== need.product) return false;
  return Object.entries(need.nodeSelector).every(([label, value]) => meets(node, label, value));
}

/** A selector may name the product too, in the spelling of one way to share it. */
function meets(node: GpuNode, label: string, value: string): boolean {
  return label === GPU_LABELS.product
    ? node.product === parseProduct(value).gpu
    : node.labels[label] === value;
}

/** Whether the class says which nodes it means: without that the operator changes none. */
export function namesItsNodes(need: NodeNeed): boolean {
  return need.product !== undefined || Object.keys(need.nodeSelector).length > 0;
}
