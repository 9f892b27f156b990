/**
 * MIG profiles by GPU type.
 *
 * Sizes and counts: NVIDIA's MIG user guide and mig-parted's default configuration. `usableGiB` is the lowest figure
 * seen in public `nvidia-smi mig -lgip` dumps and node labels, and moves with the driver: the node label
 * nvidia.com/mig-<profile>.memory comes first where there is one.
 *
 * @see https://docs.nvidia.com/datacenter/tesla/mig-user-guide/
 * @see https://github.com/NVIDIA/mig-parted/blob/main/deployments/systemd/config-default.yaml
 */
export interface MigProfile {
  /** As NVIDIA writes it: `1g.10gb`, `1g.10gb+me`. */
  profile: string;
  computeSlices: number;
  memorySlots: number;
  maxInstances: number;
  /** What CUDA sees in the slice; null where no dump is known. */
  usableGiB: number | null;
  /** Memory slots at which an instance may begin; null where not known. */
  placementStarts: readonly number[] | null;
}

/** A GPU type that can be cut, and what it can be cut into. */
export interface MigGpu {
  gpu: string;
  /** Memory slots of the whole GPU: 8 on the parts with seven compute slices. */
  slots: number;
  /** Matches the node label nvidia.com/gpu.product. */
  product: RegExp;
  /** Where the usable sizes come from. */
  source: string;
  profiles: readonly MigProfile[];
}

/** Short for a table that is easier to check by eye with one profile a line. */
function row(
  profile: string,
  computeSlices: number,
  memorySlots: number,
  maxInstances: number,
  usableGiB: number | null,
  placementStarts: readonly number[] | null,
): MigProfile {
  return { profile, computeSlices, memorySlots, maxInstances, usableGiB, placementStarts };
}

/** First match wins: the narrower pattern stands first. */
export const MIG_GPUS: readonly MigGpu[] = [
  {
    gpu: 'A30',
    slots: 4,
    product: /^NVIDIA-A30/,
    source: 'NVML/lgip: 5836/11672/23344 MiB',
    profiles: [
      row('1g.6gb', 1, 1, 4, 5.7, [0, 1, 2, 3]),
      row('1g.6gb+me', 1, 1, 1, 5.7, null),
      row('2g.12gb', 2, 2, 2, 11.4, [0, 2]),
      row('2g.12gb+me', 2, 2, 1, 11.4, null),
      row('4g.24gb', 4, 4, 1, 22.8, [0]),
    ],
  },
  {
    gpu: 'A100-40GB',
    slots: 8,
    product: /^NVIDIA-A[18]00-.*40GB/,
    source: '4864/9856/19968/40192 MiB (go-nvml, GFD labels)',
    profiles: [
      row('1g.5gb', 1, 1, 7, 4.75, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.5gb+me', 1, 1, 1, 4.75, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.10gb', 1, 2, 4, 9.62, [0, 2, 4, 6]),
      row('2g.10gb', 2, 2, 3, 9.62, [0, 2, 4]),
      row('3g.20gb', 3, 4, 2, 19.5, [0, 4]),
      row('4g.20gb', 4, 4, 1, 19.5, [0]),
      row('7g.40gb', 7, 8, 1, 39.25, [0]),
    ],
  },
  {
    gpu: 'A100-80GB',
    slots: 8,
    product: /^NVIDIA-A[18]00-.*80GB/,
    source: 'lowest of the public dumps: 9.50-9.75 / 19.50 / 39.25-39.5 / 78.5-79.1 GiB',
    profiles: [
      row('1g.10gb', 1, 1, 7, 9.5, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.10gb+me', 1, 1, 1, 9.5, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.20gb', 1, 2, 4, 19.5, [0, 2, 4, 6]),
      row('2g.20gb', 2, 2, 3, 19.5, [0, 2, 4]),
      row('3g.40gb', 3, 4, 2, 39.25, [0, 4]),
      row('4g.40gb', 4, 4, 1, 39.25, [0]),
      row('7g.80gb', 7, 8, 1, 78.5, [0]),
    ],
  },
  {
    gpu: 'H100-80GB',
    slots: 8,
    product: /^NVIDIA-(H100-(80GB-HBM3|PCIe)|H800(?!-NVL))/,
    source: 'assumed = A100-80GB; prefer the GFD label',
    profiles: [
      row('1g.10gb', 1, 1, 7, 9.5, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.10gb+me', 1, 1, 1, 9.5, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.20gb', 1, 2, 4, 19.5, [0, 2, 4, 6]),
      row('2g.20gb', 2, 2, 3, 19.5, [0, 2, 4]),
      row('3g.40gb', 3, 4, 2, 39.25, [0, 4]),
      row('4g.40gb', 4, 4, 1, 39.25, [0]),
      row('7g.80gb', 7, 8, 1, 78.5, [0]),
    ],
  },
  {
    gpu: 'H100-94GB (NVL)',
    slots: 8,
    product: /^NVIDIA-H100-NVL/,
    source: 'lgip dumps in gpu-operator #900 / mig-parted #101 (10.62-10.75 / 21.5-21.62 / 46.38 / 93.12)',
    profiles: [
      row('1g.12gb', 1, 1, 7, 10.62, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.12gb+me', 1, 1, 1, 10.62, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.24gb', 1, 2, 4, 21.5, [0, 2, 4, 6]),
      row('2g.24gb', 2, 2, 3, 21.5, [0, 2, 4]),
      row('3g.47gb', 3, 4, 2, 46.38, [0, 4]),
      row('4g.47gb', 4, 4, 1, 46.38, [0]),
      row('7g.94gb', 7, 8, 1, 93.12, [0]),
    ],
  },
  {
    gpu: 'GH200-144GB',
    slots: 8,
    product: /^NVIDIA-GH200-144/,
    source: 'lgip dump',
    profiles: [
      row('1g.18gb', 1, 1, 7, 17.5, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.18gb+me', 1, 1, 1, 17.5, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.36gb', 1, 2, 4, 35.25, [0, 2, 4, 6]),
      row('2g.36gb', 2, 2, 3, 35.25, [0, 2, 4]),
      row('3g.72gb', 3, 4, 2, null, [0, 4]),
      row('4g.72gb', 4, 4, 1, null, [0]),
      row('7g.144gb', 7, 8, 1, null, [0]),
    ],
  },
  {
    gpu: 'H100-96GB / GH200-96GB / H20-96GB',
    slots: 8,
    product: /^NVIDIA-(GH200-.*|H20(?!0)|H100-96)/,
    source: 'GH200 lgip dump',
    profiles: [
      row('1g.12gb', 1, 1, 7, 11.0, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.12gb+me', 1, 1, 1, 11.0, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.24gb', 1, 2, 4, 23.0, [0, 2, 4, 6]),
      row('2g.24gb', 2, 2, 3, 23.0, [0, 2, 4]),
      row('3g.48gb', 3, 4, 2, 46.5, [0, 4]),
      row('4g.48gb', 4, 4, 1, 46.5, [0]),
      row('7g.96gb', 7, 8, 1, 93.0, [0]),
    ],
  },
  {
    gpu: 'H200-141GB',
    slots: 8,
    product: /^NVIDIA-H200/,
    source: 'mig-parted #120 lgip dump: 1g 16.00, 2g 32.50, 7g 140.0',
    profiles: [
      row('1g.18gb', 1, 1, 7, 16.0, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.18gb+me', 1, 1, 1, 16.0, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.35gb', 1, 2, 4, 32.5, [0, 2, 4, 6]),
      row('2g.35gb', 2, 2, 3, 32.5, [0, 2, 4]),
      row('3g.71gb', 3, 4, 2, null, [0, 4]),
      row('4g.71gb', 4, 4, 1, null, [0]),
      row('7g.141gb', 7, 8, 1, 140.0, [0]),
    ],
  },
  {
    gpu: 'B200-180GB',
    slots: 8,
    product: /^NVIDIA-B200/,
    source: 'dumps: 1g 20.5-22.0 by driver, 2g 44.25',
    profiles: [
      row('1g.23gb', 1, 1, 7, 20.5, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.23gb+me', 1, 1, 1, 20.5, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.45gb', 1, 2, 4, 44.25, [0, 2, 4, 6]),
      row('2g.45gb', 2, 2, 3, 44.25, [0, 2, 4]),
      row('3g.90gb', 3, 4, 2, null, [0, 4]),
      row('4g.90gb', 4, 4, 1, null, [0]),
      row('7g.180gb', 7, 8, 1, null, [0]),
    ],
  },
  {
    gpu: 'GB200-186GB',
    slots: 8,
    product: /^NVIDIA-GB200/,
    source: 'dumps: 20-22 / 45.5; some drivers name 24gb / 189gb',
    profiles: [
      row('1g.23gb', 1, 1, 7, 20.0, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.23gb+me', 1, 1, 1, 20.0, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.47gb', 1, 2, 4, 45.5, [0, 2, 4, 6]),
      row('2g.47gb', 2, 2, 3, 45.5, [0, 2, 4]),
      row('3g.93gb', 3, 4, 2, null, [0, 4]),
      row('4g.93gb', 4, 4, 1, null, [0]),
      row('7g.186gb', 7, 8, 1, null, [0]),
    ],
  },
  {
    gpu: 'B300-269GB',
    slots: 8,
    product: /^NVIDIA-B300/,
    source: 'none',
    profiles: [
      row('1g.34gb', 1, 1, 7, null, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.34gb+me', 1, 1, 1, null, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.67gb', 1, 2, 4, null, [0, 2, 4, 6]),
      row('2g.67gb', 2, 2, 3, null, [0, 2, 4]),
      row('3g.135gb', 3, 4, 2, null, [0, 4]),
      row('4g.135gb', 4, 4, 1, null, [0]),
      row('7g.269gb', 7, 8, 1, null, [0]),
    ],
  },
  {
    gpu: 'GB300-278GB',
    slots: 8,
    product: /^NVIDIA-GB300/,
    source: 'none',
    profiles: [
      row('1g.35gb', 1, 1, 7, null, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.35gb+me', 1, 1, 1, null, [0, 1, 2, 3, 4, 5, 6]),
      row('1g.70gb', 1, 2, 4, null, [0, 2, 4, 6]),
      row('2g.70gb', 2, 2, 3, null, [0, 2, 4]),
      row('3g.139gb', 3, 4, 2, null, [0, 4]),
      row('4g.139gb', 4, 4, 1, null, [0]),
      row('7g.278gb', 7, 8, 1, null, [0]),
    ],
  },
  {
    gpu: 'RTX PRO 6000 Blackwell (96GB)',
    slots: 4,
    product: /^NVIDIA-RTX-PRO-6000-Blackwell/,
    source: 'dumps: 23.12-23.62 / 46.5-47.38 / 93.4-95.0',
    profiles: [
      row('1g.24gb', 1, 1, 4, 23.12, [0, 1, 2, 3]),
      row('1g.24gb+me', 1, 1, 1, 23.12, null),
      row('1g.24gb+gfx', 1, 1, 4, 23.12, null),
      row('1g.24gb+me.all', 1, 1, 1, 23.12, null),
      row('1g.24gb-me', 1, 1, 4, 23.12, null),
      row('2g.48gb', 2, 2, 2, 46.5, [0, 2]),
      row('2g.48gb+gfx', 2, 2, 2, 46.5, null),
      row('2g.48gb+me.all', 2, 2, 1, 46.5, null),
      row('2g.48gb-me', 2, 2, 2, 46.5, null),
      row('4g.96gb', 4, 4, 1, 93.4, [0]),
      row('4g.96gb+gfx', 4, 4, 1, 93.4, [0]),
    ],
  },
  {
    gpu: 'RTX PRO 5000 Blackwell (48GB)',
    slots: 2,
    product: /^NVIDIA-RTX-PRO-5000-Blackwell/,
    source: 'none',
    profiles: [row('1g.24gb', 1, 1, 2, null, null), row('2g.48gb', 2, 2, 1, null, null)],
  },
  {
    gpu: 'RTX PRO 4500 Blackwell (32GB)',
    slots: 2,
    product: /^NVIDIA-RTX-PRO-4500-Blackwell/,
    source: 'none',
    profiles: [row('1g.16gb', 1, 1, 2, null, null), row('2g.32gb', 2, 2, 1, null, null)],
  },
];

/** Least share of the named GB seen usable (H200 16.0 of 18, H100 NVL 10.62 of 12): for slices without a dump. */
const USABLE_GIB_PER_NAMED_GB = 0.88;

/** What CUDA sees in a slice, in MiB, rounded down. */
export function usableMiB(profile: MigProfile): number {
  return Math.floor((profile.usableGiB ?? USABLE_GIB_PER_NAMED_GB * namedGB(profile.profile)) * 1024);
}

/** 10 of `1g.10gb+me`. */
function namedGB(profile: string): number {
  return Number(/\.(\d+)gb/.exec(profile)?.[1] ?? 0);
}

/**
 * The profile of a GPU by its name, also as resource names write it (`1g.10gb.me` for `1g.10gb+me`).
 *
 * @param product a value of the node label nvidia.com/gpu.product
 */
export function findMigProfile(product: string, name: string): MigProfile | undefined {
  const gpu = migGpu(product);
  return gpu === undefined ? undefined : findProfile(gpu, name);
}

/** The same of a GPU that is known. */
export function findProfile({ profiles }: MigGpu, name: string): MigProfile | undefined {
  return profiles.find(({ profile }) => normalProfile(profile) === normalProfile(name));
}

/** What a GPU can be cut into; undefined for one that cannot. */
export function migGpu(product: string): MigGpu | undefined {
  return MIG_GPUS.find((gpu) => gpu.product.test(product));
}

/** A MIG profile as resources and labels write it: `1g.10gb.me` for `1g.10gb+me`. */
export function normalProfile(profile: string): string {
  return profile.replaceAll('+', '.');
}
