import type { GpuSpec } from '../../api/gpu.ts';
import { normalProfile } from '../hardware/mig-profiles.ts';
import { parseProduct } from './gpu-labels.ts';

/** What the spec of a class asks of a node, in the terms of node labels and resources. */
export interface ClassDemand {
  sharing: GpuSpec['sharing'];
  /** The GPU itself; undefined: any. */
  product: string | undefined;
  /** Values of the product label that the engines accept; undefined: any, or none. */
  productLabels: readonly string[] | undefined;
  nodeSelector: Readonly<Record<string, string>>;
  tolerations: GpuSpec['tolerations'];
  /** Extended resources that the engines may ask for, the usual one first. */
  resourceNames: readonly [string, ...string[]];
  /** `gpu.resourceName` is set: no other name will do. */
  isResourceStated: boolean;
  migProfile: string | undefined;
  slicesPerGPU: number | undefined;
  /** Units of the resource that one engine takes, all on one node. */
  slotsPerEngine: number;
  /** Memory of one slot where labels do not tell. */
  statedMemoryMiB: number | undefined;
}

/** What the engines of a class ask of nodes, read from the spec alone. */
export function classDemand(gpu: GpuSpec): ClassDemand {
  const migProfile = gpu.migProfile === undefined ? undefined : normalProfile(gpu.migProfile);
  return {
    sharing: gpu.sharing,
    product: gpu.product === undefined ? undefined : parseProduct(gpu.product).gpu,
    productLabels: gpu.product === undefined ? undefined : productLabels(gpu, gpu.product),
    nodeSelector: gpu.nodeSelector ?? {},
    tolerations: [GPU_TOLERATION, ...gpu.tolerations],
    resourceNames: gpu.resourceName === undefined ? resourceNames(gpu) : [gpu.resourceName],
    isResourceStated: gpu.resourceName !== undefined,
    migProfile,
    slicesPerGPU: gpu.slicesPerGPU,
    slotsPerEngine: gpu.gpusPerEngine,
    statedMemoryMiB: gpu.memoryMiB,
  };
}

/** Every engine tolerates the taint that GPU nodes usually carry to keep other pods away. */
export const GPU_TOLERATION: GpuSpec['tolerations'][number] = {
  key: 'nvidia.com/gpu',
  operator: 'Exists',
  effect: 'NoSchedule',
};

/**
 * Feature discovery adds to the product how it is shared, depending on the plugin's settings.
 *
 * @param label the product as any of these labels has it
 * @see https://github.com/NVIDIA/k8s-device-plugin/blob/main/docs/gpu-feature-discovery/README.md
 */
export function productLabels(gpu: Pick<GpuSpec, 'sharing' | 'migProfile'>, label: string): string[] {
  const product = parseProduct(label).gpu;
  switch (gpu.sharing) {
    case 'None':
      return [product];
    case 'TimeSliced':
      return [product, `${product}-SHARED`];
    case 'MIG':
      return [product, `${product}-MIG-${normalProfile(gpu.migProfile ?? '')}`];
  }
}

/**
 * The names that NVIDIA's device plugin may give: time-slices with and without `renameByDefault`, MIG slices under the
 * strategies `mixed` and `single`.
 *
 * @see https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus
 */
function resourceNames(gpu: GpuSpec): readonly [string, ...string[]] {
  switch (gpu.sharing) {
    case 'None':
      return ['nvidia.com/gpu'];
    case 'TimeSliced':
      return ['nvidia.com/gpu.shared', 'nvidia.com/gpu'];
    case 'MIG':
      return [`nvidia.com/mig-${normalProfile(gpu.migProfile ?? '')}`, 'nvidia.com/gpu'];
  }
}
