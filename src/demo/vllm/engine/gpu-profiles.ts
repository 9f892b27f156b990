/**
 * What a GPU (or a slice of one) does per engine step. Two figures describe a step well enough: the weights are
 * read once, and every token of the batch, prompt or output, costs the same arithmetic.
 */
export interface GpuProfile {
  /** As NVML names it, for log lines. */
  readonly deviceName: string;
  /** What CUDA reports as total memory. */
  readonly memoryGiB: number;
  /** Bytes per second at which weights are read in practice. */
  readonly effectiveBytesPerSecond: number;
  /** Arithmetic per second reached in practice, prompt and output tokens mixed. */
  readonly effectiveFlopsPerSecond: number;
  /** No step is shorter, however small the model: the CPU side of a step. */
  readonly stepFloorMs: number;
}

const H100 = {
  deviceName: 'NVIDIA H100 80GB HBM3',
  memoryGiB: 79.18,
  effectiveBytesPerSecond: 2.46e12,
  effectiveFlopsPerSecond: 520e12,
  stepFloorMs: 2.9,
} satisfies GpuProfile;

const A10 = {
  deviceName: 'NVIDIA A10',
  memoryGiB: 22.06,
  effectiveBytesPerSecond: 0.42e12,
  effectiveFlopsPerSecond: 35e12,
  stepFloorMs: 4,
} satisfies GpuProfile;

/** A MIG slice has its share of the memory bandwidth and of the multiprocessors. */
const h100Slice = (profile: string, memoryGiB: number, eighths: number, sevenths: number): GpuProfile => ({
  deviceName: `NVIDIA H100 80GB HBM3 MIG ${profile}`,
  memoryGiB,
  effectiveBytesPerSecond: (H100.effectiveBytesPerSecond * eighths) / 8,
  effectiveFlopsPerSecond: (H100.effectiveFlopsPerSecond * sevenths) / 7,
  stepFloorMs: H100.stepFloorMs,
});

/**
 * - `H100`: measured on an H100 with vLLM 0.26 and Qwen2.5-7B: 6.2 ms per step alone, 7.2 ms at 40 streams,
 *   a burst of 40 prompts of 210 tokens prefilled in 0.25 s; 2.9 ms per step with a 1.5B model.
 * - `A10`: fitted to KAITO's public results for phi-4-mini (200 tokens in, 200 out): 20, 56 and 130 ms per token at
 *   4, 85 and 256 streams, https://github.com/kaito-project/kaito/tree/main/website/docs/benchmarks/a10
 * - all others are estimates: the data sheet's bandwidth and arithmetic times what A10 (Ampere, Turing, Ada) or
 *   H100 reach of theirs. MIG slices: their share of the whole, https://docs.nvidia.com/datacenter/tesla/mig-user-guide/
 */
export const GPU_PROFILES = {
  A10,
  L4: { ...A10, deviceName: 'NVIDIA L4', effectiveBytesPerSecond: 0.21e12, effectiveFlopsPerSecond: 34e12 },
  T4: {
    ...A10,
    deviceName: 'Tesla T4',
    memoryGiB: 14.58,
    effectiveBytesPerSecond: 0.22e12,
    effectiveFlopsPerSecond: 18e12,
  },
  L40S: {
    ...A10,
    deviceName: 'NVIDIA L40S',
    memoryGiB: 44.4,
    effectiveBytesPerSecond: 0.6e12,
    effectiveFlopsPerSecond: 101e12,
  },
  A100: {
    deviceName: 'NVIDIA A100-SXM4-80GB',
    memoryGiB: 79.25,
    effectiveBytesPerSecond: 1.49e12,
    effectiveFlopsPerSecond: 164e12,
    stepFloorMs: 3.5,
  },
  'A100-40GB': {
    deviceName: 'NVIDIA A100-SXM4-40GB',
    memoryGiB: 39.39,
    effectiveBytesPerSecond: 1.14e12,
    effectiveFlopsPerSecond: 164e12,
    stepFloorMs: 3.5,
  },
  H100,
  'H100-MIG-1g.10gb': h100Slice('1g.10gb', 9.5, 1, 1),
  'H100-MIG-1g.20gb': h100Slice('1g.20gb', 19.5, 2, 1),
  'H100-MIG-2g.20gb': h100Slice('2g.20gb', 19.5, 2, 2),
  'H100-MIG-3g.40gb': h100Slice('3g.40gb', 39.25, 4, 3),
  'H100-MIG-4g.40gb': h100Slice('4g.40gb', 39.25, 4, 4),
} as const satisfies Readonly<Record<string, GpuProfile>>;

export type GpuProfileName = keyof typeof GPU_PROFILES;
