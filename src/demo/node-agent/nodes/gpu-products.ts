/** One MIG profile as a GPU offers it. */
export interface MigProfile {
  /** What a slice holds: the figure of the label `nvidia.com/mig-<profile>.memory`. */
  readonly memoryMiB: number;
  readonly multiprocessors: number;
  /** Sevenths of the GPU's compute that a slice takes. */
  readonly computeSlices: number;
  /** Eighths of the GPU's memory that a slice takes. */
  readonly memorySlots: number;
  readonly maxInstances: number;
}

/** What the labels say about a GPU. */
export interface GpuProduct {
  /** `nvidia.com/gpu.memory` of the whole GPU. */
  readonly memoryMiB: number;
  readonly family: 'turing' | 'ampere' | 'ada-lovelace' | 'hopper';
  readonly computeMajor: number;
  readonly computeMinor: number;
  /** Empty: the GPU cannot be partitioned. */
  readonly migProfiles: Readonly<Record<string, MigProfile>>;
}

const eightyGigabytes = (multiprocessors: {
  one: number;
  oneDouble: number;
  two: number;
  three: number;
  four: number;
  seven: number;
}): Readonly<Record<string, MigProfile>> => ({
  '1g.10gb': slice(9728, multiprocessors.one, 1, 1, 7),
  '1g.20gb': slice(19_968, multiprocessors.oneDouble, 1, 2, 4),
  '2g.20gb': slice(19_968, multiprocessors.two, 2, 2, 3),
  '3g.40gb': slice(40_192, multiprocessors.three, 3, 4, 2),
  '4g.40gb': slice(40_192, multiprocessors.four, 4, 4, 1),
  '7g.80gb': slice(80_384, multiprocessors.seven, 7, 8, 1),
});

/**
 * The GPUs that a node may have, by the product name that GPU feature discovery writes.
 *
 * Whole GPUs: memory as `nvidia-smi` and published node dumps show it, families and compute capabilities as in
 * https://github.com/NVIDIA/k8s-device-plugin/blob/main/internal/lm/resource.go.
 * MIG profiles: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/#supported-mig-profiles; their memory is the
 * lowest figure seen in `nvidia-smi mig -lgip` (it moves with the driver), for an H100 assumed equal to an A100's.
 */
export const GPU_PRODUCTS: Readonly<Record<string, GpuProduct>> = {
  'Tesla-T4': gpu(15_360, 'turing', 7, 5),
  'NVIDIA-A10': gpu(23_028, 'ampere', 8, 6),
  'NVIDIA-A10G': gpu(23_028, 'ampere', 8, 6),
  'NVIDIA-L4': gpu(23_034, 'ada-lovelace', 8, 9),
  'NVIDIA-L40S': gpu(46_068, 'ada-lovelace', 8, 9),
  'NVIDIA-A100-SXM4-40GB': gpu(40_960, 'ampere', 8, 0, {
    '1g.5gb': slice(4864, 14, 1, 1, 7),
    '2g.10gb': slice(9856, 28, 2, 2, 3),
    '3g.20gb': slice(19_968, 42, 3, 4, 2),
    '4g.20gb': slice(19_968, 56, 4, 4, 1),
    '7g.40gb': slice(40_192, 98, 7, 8, 1),
  }),
  'NVIDIA-A100-SXM4-80GB': gpu(
    81_920,
    'ampere',
    8,
    0,
    eightyGigabytes({ one: 14, oneDouble: 14, two: 28, three: 42, four: 56, seven: 98 }),
  ),
  'NVIDIA-H100-80GB-HBM3': gpu(
    81_559,
    'hopper',
    9,
    0,
    eightyGigabytes({ one: 16, oneDouble: 26, two: 32, three: 60, four: 64, seven: 132 }),
  ),
  'NVIDIA-H200': gpu(143_771, 'hopper', 9, 0, {
    '1g.18gb': slice(16_384, 16, 1, 1, 7),
    '1g.35gb': slice(33_280, 26, 1, 2, 4),
    '2g.35gb': slice(33_280, 32, 2, 2, 3),
    '7g.141gb': slice(143_360, 132, 7, 8, 1),
  }),
};

/** Compute and memory slices of every GPU in the table that can be partitioned. */
export const MIG_COMPUTE_SLICES = 7;
export const MIG_MEMORY_SLOTS = 8;

function gpu(
  memoryMiB: number,
  family: GpuProduct['family'],
  computeMajor: number,
  computeMinor: number,
  migProfiles: Readonly<Record<string, MigProfile>> = {},
): GpuProduct {
  return { memoryMiB, family, computeMajor, computeMinor, migProfiles };
}

function slice(
  memoryMiB: number,
  multiprocessors: number,
  computeSlices: number,
  memorySlots: number,
  maxInstances: number,
): MigProfile {
  return { memoryMiB, multiprocessors, computeSlices, memorySlots, maxInstances };
}
