import type { MisfitCode, PlanRequest } from '../plan-types.ts';
import {
  capabilityNumber,
  findGpu,
  GPUS,
  type Gpu,
  type Link,
  UNKNOWN_GPU_RESERVE_MIB,
} from './gpu-table.ts';
import { findMigProfile, migGpu, usableMiB } from './mig-profiles.ts';

/** How the engines of a GPU share it. */
type Sharing = { kind: 'whole' } | { kind: 'mig'; profile: string } | { kind: 'timeSliced'; slices: number };

/** What one engine runs on: a GPU, a MIG slice, or a share of the time of a GPU. */
export interface Slot {
  /** For people: `A10`, `H100-80 (MIG 1g.10gb)`, `A10 (1 of 4 time-slices)`. */
  name: string;
  sharing: Sharing;
  /** What CUDA sees in the container: of a time-slice it is the whole GPU. */
  totalMiB: number;
  /** Undefined where nobody said which GPU it is. */
  computeCapability: string | undefined;
  /** Undefined where nobody said which GPU it is. */
  link: Link | undefined;
}

/** Why there is no such slot. */
interface SlotMisfit {
  code: Extract<MisfitCode, 'UnknownGpu' | 'UnknownMigProfile' | 'InvalidArguments'>;
  reason: string;
}

/** Finds the memory of a slot: stated, from a node label, or from the tables, in this order. */
export function resolveSlot(request: PlanRequest['slot']): Slot | SlotMisfit {
  const { gpu: name, migProfile, slicesPerGPU } = request;
  if (migProfile !== undefined && slicesPerGPU !== undefined) {
    return misfit(
      'InvalidArguments',
      'A slot is either a MIG slice or a time-slice: a node shares in one way.',
    );
  }
  const gpu = name === undefined ? undefined : findGpu(name);
  const stated = request.memoryMiB ?? fromLabel(request, gpu);
  if (gpu === undefined && stated === undefined) return unknownGpu(name);
  if (migProfile !== undefined && gpu !== undefined) {
    const problem = migProblem(gpu, migProfile);
    if (problem !== undefined) return misfit('UnknownMigProfile', problem);
  }
  const totalMiB = stated ?? fromTable(gpu, migProfile);
  if (totalMiB === undefined) return unknownGpu(name);
  return {
    name: slotName(gpu?.name ?? name ?? `GPU of ${totalMiB} MiB`, sharingOf(request)),
    sharing: sharingOf(request),
    totalMiB,
    computeCapability: request.computeCapability ?? gpu?.computeCapability,
    link: gpu?.link,
  };
}

/** True from a compute capability on; undefined counts as a recent GPU. */
export function hasCapability({ computeCapability }: Slot, least: string): boolean {
  return computeCapability === undefined || capabilityNumber(computeCapability) >= capabilityNumber(least);
}

/** CUDA sees less of a GPU than NVML, and the same of a MIG slice. */
function fromLabel(
  { labelMemoryMiB, migProfile }: PlanRequest['slot'],
  gpu: Gpu | undefined,
): number | undefined {
  if (labelMemoryMiB === undefined) return undefined;
  if (migProfile !== undefined) return labelMemoryMiB;
  const reserve = gpu === undefined ? UNKNOWN_GPU_RESERVE_MIB : gpu.labelMemoryMiB - gpu.memoryMiB;
  return Math.max(1, labelMemoryMiB - reserve);
}

function fromTable(gpu: Gpu | undefined, migProfile: string | undefined): number | undefined {
  if (gpu === undefined || migProfile === undefined) return gpu?.memoryMiB;
  const profile = findMigProfile(gpu.product, migProfile);
  return profile === undefined ? undefined : usableMiB(profile);
}

function migProblem(gpu: Gpu, profile: string): string | undefined {
  const cuttable = gpu.isMigCapable ? migGpu(gpu.product) : undefined;
  if (cuttable === undefined) {
    return `${gpu.name} cannot be cut by MIG. Use the whole GPU, which the students share through one engine.`;
  }
  if (findMigProfile(gpu.product, profile) !== undefined) return undefined;
  const names = cuttable.profiles.map((known) => known.profile).join(', ');
  return `${gpu.name} has no MIG profile ${profile}. It has ${names}.`;
}

function sharingOf({ migProfile, slicesPerGPU }: PlanRequest['slot']): Sharing {
  if (migProfile !== undefined) return { kind: 'mig', profile: migProfile };
  return slicesPerGPU === undefined ? { kind: 'whole' } : { kind: 'timeSliced', slices: slicesPerGPU };
}

function slotName(gpu: string, sharing: Sharing): string {
  switch (sharing.kind) {
    case 'whole':
      return gpu;
    case 'mig':
      return `${gpu} (MIG ${sharing.profile})`;
    case 'timeSliced':
      return `${gpu} (1 of ${sharing.slices} time-slices)`;
  }
}

function unknownGpu(name: string | undefined): SlotMisfit {
  const known = GPUS.map((gpu) => gpu.name).join(', ');
  const what =
    name === undefined ? 'No GPU is stated.' : `There is no GPU ${JSON.stringify(name)} in the table.`;
  return misfit('UnknownGpu', `${what} State its memory in MiB, or one of ${known}.`);
}

function misfit(code: SlotMisfit['code'], reason: string): SlotMisfit {
  return { code, reason };
}
