import { GPU_PROFILES, type GpuProfileName } from '../../vllm/engine/gpu-profiles.ts';
import type { NodeDescription } from '../nodes/description.ts';
import { GPU_PRODUCTS, MIG_COMPUTE_SLICES } from '../nodes/gpu-products.ts';
import type { Container } from '../pod/spec.ts';

/** What one slot of a node's GPU is to an engine, in the simulator's terms. */
export interface GpuSlot {
  readonly gpuProfile: GpuProfileName;
  /** Set where the profile is only the nearest one. */
  readonly memoryGiB?: number;
  /** How many times slower than the profile. */
  readonly slowdown: number;
}

/** The simulator's profile nearest to each product; H200 computes like an H100 and has more memory. */
const NEAREST: Readonly<Record<string, GpuProfileName>> = {
  'Tesla-T4': 'T4',
  'NVIDIA-A10': 'A10',
  'NVIDIA-A10G': 'A10',
  'NVIDIA-L4': 'L4',
  'NVIDIA-L40S': 'L40S',
  'NVIDIA-A100-SXM4-40GB': 'A100-40GB',
  'NVIDIA-A100-SXM4-80GB': 'A100',
  'NVIDIA-H100-80GB-HBM3': 'H100',
  'NVIDIA-H200': 'H100',
};

/** H200, as CUDA reports it. */
const MEMORY_GIB: Readonly<Record<string, number>> = { 'NVIDIA-H200': 139.8 };
const FALLBACK: GpuSlot = { gpuProfile: 'H100', slowdown: 1 };

/** Whole GPUs that a container gets; slices cannot work together, so there it is one. */
export function wholeGpus({ gpu }: NodeDescription, container: Pick<Container, 'resources'>): number {
  if (gpu?.sharing !== 'none') return 1;
  return Number(container.resources?.limits?.['nvidia.com/gpu'] ?? 1);
}

/**
 * The slot that a container gets. A time-slice sees the whole GPU's memory and is as slow as when all slices are
 * busy; a MIG slice has its own memory and its share of the compute.
 *
 * @param resources names of the extended resources that the container asks for
 */
export function gpuSlot(node: NodeDescription, resources: readonly string[]): GpuSlot {
  const { gpu } = node;
  if (gpu === undefined) return FALLBACK;
  const gpuProfile = NEAREST[gpu.product] ?? FALLBACK.gpuProfile;
  const memoryGiB = MEMORY_GIB[gpu.product];
  const whole = { gpuProfile, slowdown: 1, ...(memoryGiB !== undefined && { memoryGiB }) };
  if (gpu.sharing === 'none') return whole;
  if ('timeSlicing' in gpu.sharing) return { ...whole, slowdown: gpu.sharing.timeSlicing.replicas };
  const [onlyName] = Object.keys(gpu.sharing.mig.layout);
  const asked = resources.map((name) => /^nvidia\.com\/mig-(.+)$/.exec(name)?.[1]).find(Boolean) ?? onlyName;
  const profile = asked === undefined ? undefined : GPU_PRODUCTS[gpu.product]?.migProfiles[asked];
  if (profile === undefined) return whole;
  const ownProfile = Object.keys(GPU_PROFILES).find((name) => name === `${gpuProfile}-MIG-${asked}`);
  if (ownProfile !== undefined && isProfile(ownProfile)) return { gpuProfile: ownProfile, slowdown: 1 };
  return {
    gpuProfile,
    memoryGiB: profile.memoryMiB / 1024,
    slowdown: MIG_COMPUTE_SLICES / profile.computeSlices,
  };
}

function isProfile(name: string): name is GpuProfileName {
  return name in GPU_PROFILES;
}
