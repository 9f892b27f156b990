import type { GpuSpec } from '../api/gpu.ts';
import { findMigProfile } from './hardware/mig-profiles.ts';

/** Compute slices of a GPU that MIG can cut, as nearly all have: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/ */
const COMPUTE_SLICES = 7;

/**
 * How much of a GPU one unit is of what engines ask for: 1 for whole GPUs, the share that it keeps from others for a
 * slice. Of a MIG slice that is one over the slices of its kind that a GPU has room for; where the product is not named,
 * its sevenths.
 */
export function gpuShareOf({ sharing, slicesPerGPU = 1, migProfile = '', product }: GpuSpec): number {
  switch (sharing) {
    case 'None':
      return 1;
    case 'TimeSliced':
      return 1 / slicesPerGPU;
    case 'MIG': {
      const known = product === undefined ? undefined : findMigProfile(product, migProfile);
      const slices = Number.parseInt(migProfile, 10) || COMPUTE_SLICES;
      return known === undefined ? Math.min(1, slices / COMPUTE_SLICES) : 1 / known.maxInstances;
    }
  }
}
