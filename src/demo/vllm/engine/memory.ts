import { type CacheLayout, cacheCapacity, requestBytes } from '../../../gpu/memory/kv-cache.ts';
import type { EngineOptions } from '../command-line/options.ts';
import { checkArguments } from './argument-checks.ts';
import type { GpuProfile } from './gpu-profiles.ts';
import { kvCacheLayout, type ModelFacts, weightsBytes } from './models.ts';
import { StartFailure } from './start-failure.ts';

const GIB = 2 ** 30;

/*
 * Measured on an H100 with vLLM 0.26, GiB. The KV cache of 17 starts comes out within 0.11 GiB of these figures, what
 * an engine takes of its GPU within 0.1 GiB.
 */
/** The CUDA context: what an engine holds before anything else. */
export const CUDA_CONTEXT_GIB = 0.52;
/** NCCL, cuBLAS and the like, as vLLM charges them to its budget. */
export const NON_TORCH_GIB = 0.22;
/** What an engine that is ready holds beside weights, KV cache and graphs; context and non-torch are part of it. */
export const READY_OVERHEAD_GIB = 0.9;
/** What it holds more once it has computed requests. */
export const UNDER_LOAD_GIB = 0.33;

/** What is known of an engine before it has seen its GPU. */
export interface EngineSizes {
  /** As `--max-model-len` or the model says; undefined flag: shortened to what fits. */
  readonly wantedModelLen: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly blockSize: number;
  readonly cache: CacheLayout;
  readonly weightsGiB: number;
  /** The most that a step takes while the engine profiles itself. */
  readonly activationGiB: number;
  /** CUDA graphs, which are taken on top of the budget. */
  readonly graphsGiB: number;
  readonly totalGiB: number;
  readonly budgetGiB: number;
}

/** What the engine settles on before it serves. */
export interface EnginePlan extends EngineSizes {
  readonly maxModelLen: number;
  readonly kvBlocks: number;
  readonly kvCacheTokens: number;
  readonly kvCacheGiB: number;
  /** What was free when the engine first looked. */
  readonly freeGiB: number;
  /** As vLLM logs it: own overhead, and whatever others took while it measured. */
  readonly nonTorchGiB: number;
}

/** The GPU or slice that an engine is started on. */
export interface GpuSlotMemory {
  readonly profile: GpuProfile;
  /** Overrides the profile's size: the memory of a time-slice is that of the whole GPU. */
  readonly totalGiB?: number | undefined;
  /** How many such GPUs there are. Default: 1. Memory is counted on each of those that the engine spans. */
  readonly gpus?: number | undefined;
  /** torch.compile's cache: an empty one costs a copy of the embedding while compiling. Default: Cold. */
  readonly compileCache?: 'Cold' | 'Warm' | undefined;
}

/** What other processes hold of the GPU, GiB, at the two moments at which vLLM looks. */
export interface OthersMemory {
  readonly atStartGiB: number;
  readonly whenMeasuredGiB: number;
}

/** Like Python prints a float of at most two decimals: 16.0, 8.15. */
export const gib = (value: number): string => {
  const rounded = Math.round(value * 100) / 100;
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded);
};

/** Measured with 10, 32, 64 and 1024 sequences: vLLM captures batches up to twice the sequences, at most 512. */
const GRAPHS_GIB: readonly (readonly [capturedBatch: number, gib: number])[] = [
  [20, 0.13],
  [64, 0.15],
  [128, 0.21],
  [512, 0.98],
];

function graphsGiB(maxNumSeqs: number, eager: boolean): number {
  if (eager) return 0;
  const batch = Math.min(2 * maxNumSeqs, 512);
  let [below = 0, belowGiB = 0] = GRAPHS_GIB[0] ?? [];
  for (const [above, aboveGiB] of GRAPHS_GIB) {
    if (batch <= above) {
      const share = above === below ? 1 : Math.max(0, (batch - below) / (above - below));
      return belowGiB + share * (aboveGiB - belowGiB);
    }
    [below, belowGiB] = [above, aboveGiB];
  }
  return belowGiB;
}

function activationGiB(facts: ModelFacts, batchedTokens: number, compiling: boolean): number {
  const computing = (batchedTokens * (3 * facts.intermediate + 3 * facts.hidden) * 2) / GIB + 0.04;
  const embedding = (facts.vocabulary * facts.hidden * 2) / GIB + 0.03;
  return compiling ? Math.max(computing, embedding) : computing;
}

/**
 * What vLLM knows from arguments and model alone.
 *
 * @throws {StartFailure} with vLLM's own text for arguments with which vLLM 0.32 does not start
 */
export function engineSizes(options: EngineOptions, facts: ModelFacts, slot: GpuSlotMemory): EngineSizes {
  const totalGiB = slot.totalGiB ?? slot.profile.memoryGiB;
  const large = totalGiB >= 70 && !slot.profile.deviceName.includes('A100');
  const maxNumSeqs = options.maxNumSeqs ?? (large ? 1024 : 256);
  const maxNumBatchedTokens = options.maxNumBatchedTokens ?? Math.max(large ? 8192 : 2048, maxNumSeqs);
  checkArguments(options, facts, { seqs: maxNumSeqs, batched: maxNumBatchedTokens, gpus: slot.gpus ?? 1 });
  const compiling = !options.enforceEager && slot.compileCache !== 'Warm';
  return {
    wantedModelLen: options.maxModelLen ?? facts.maxPositions,
    maxNumSeqs,
    maxNumBatchedTokens,
    blockSize: options.blockSize ?? 16,
    cache: kvCacheLayout(facts, options.kvCacheDtype, options.tensorParallelSize, maxNumBatchedTokens),
    weightsGiB: weightsBytes(facts, options.quantization, options.tensorParallelSize) / GIB,
    activationGiB: activationGiB(facts, maxNumBatchedTokens, compiling),
    graphsGiB: graphsGiB(maxNumSeqs, options.enforceEager),
    totalGiB,
    budgetGiB: totalGiB * options.gpuMemoryUtilization,
  };
}

/**
 * The engine's first look at its GPU. A pinned KV cache does not spare it.
 *
 * @returns what is free, GiB
 * @throws {StartFailure} when less is free than the utilisation asks for
 */
export function checkFreeMemory(options: EngineOptions, sizes: EngineSizes, othersGiB: number): number {
  const { totalGiB, budgetGiB } = sizes;
  const free = totalGiB - CUDA_CONTEXT_GIB - othersGiB;
  if (free >= budgetGiB) return free;
  throw StartFailure.engineCore(
    `ValueError: Free memory on device cuda:0 (${gib(free)}/${gib(totalGiB)} GiB) on startup is less than desired GPU memory utilization (${options.gpuMemoryUtilization}, ${gib(budgetGiB)} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`,
  );
}

/**
 * Sizes the KV cache as vLLM does after its profiling run: the budget, less what it holds, less what the whole GPU
 * lost meanwhile, whoever took it. So of two engines that start at once each is charged for the other, and neither
 * says so. A pinned cache is not measured.
 *
 * @throws {StartFailure} when no cache is left, or none that holds one request
 */
export function measureCache(options: EngineOptions, sizes: EngineSizes, others: OthersMemory): EnginePlan {
  const { totalGiB, budgetGiB, weightsGiB, activationGiB: activation } = sizes;
  const { kvCacheMemoryBytes: pinned } = options;
  const freeGiB = totalGiB - CUDA_CONTEXT_GIB - others.atStartGiB;
  const nonTorchGiB = NON_TORCH_GIB + (others.whenMeasuredGiB - others.atStartGiB);
  if (pinned === undefined) checkNoneWasFreed(freeGiB, sizes, others);
  const kvCacheGiB = pinned === undefined ? budgetGiB - weightsGiB - activation - nonTorchGiB : pinned / GIB;
  if (kvCacheGiB <= 0) {
    throw StartFailure.engineCore(
      'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine. See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.',
    );
  }
  return { ...layOut(options, sizes, kvCacheGiB), freeGiB, nonTorchGiB };
}

/** vLLM asserts that nobody gave memory back while it measured; noticed only when that is more than it took itself. */
function checkNoneWasFreed(freeGiB: number, { weightsGiB }: EngineSizes, others: OthersMemory): void {
  const now = freeGiB - weightsGiB - NON_TORCH_GIB + (others.atStartGiB - others.whenMeasuredGiB);
  if (now <= freeGiB) return;
  throw StartFailure.engineCore(
    `AssertionError: Error in memory profiling. Initial free memory ${gib(freeGiB)} GiB, current free memory ${gib(now)} GiB. This happens when other processes sharing the same container release GPU memory while vLLM is profiling during initialization. To fix this, ensure consistent GPU memory allocation or isolate vLLM in its own container.`,
  );
}

type Layout = Omit<EnginePlan, 'freeGiB' | 'nonTorchGiB'>;

function layOut(options: EngineOptions, sizes: EngineSizes, kvCacheGiB: number): Layout {
  const { cache, blockSize, wantedModelLen: wanted } = sizes;
  const bytes = kvCacheGiB * GIB;
  const needed = requestBytes(cache, wanted);
  const longest = needed <= bytes ? wanted : longestRequest(cache, bytes);
  if (longest < wanted && options.maxModelLen !== undefined) {
    throw StartFailure.engineCore(
      `ValueError: To serve at least one request with the model's max seq len (${wanted}), (${gib(needed / GIB)} GiB KV cache is needed, which is larger than the available KV cache memory (${gib(kvCacheGiB)} GiB). Based on the available memory, the estimated maximum model length is ${longest}. Try increasing \`gpu_memory_utilization\` (which also controls CPU memory on the CPU backend) or decreasing \`max_model_len\` when initializing the engine. See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.`,
    );
  }
  const { tokens } = cacheCapacity(cache, bytes + ROUNDING_BYTES, longest);
  const kvBlocks = Math.floor(tokens / blockSize);
  return { ...sizes, maxModelLen: longest, kvBlocks, kvCacheTokens: kvBlocks * blockSize, kvCacheGiB };
}

/** A cache that is given in tokens must hold these tokens, also after its bytes went through a division. */
const ROUNDING_BYTES = 1e-3;

/** The longest request that so many bytes hold, in whole blocks: a request of twice the length takes more. */
function longestRequest(cache: CacheLayout, bytes: number): number {
  let [fits, fitsNot] = [0, 1];
  while (requestBytes(cache, fitsNot) <= bytes) fitsNot *= 2;
  while (fitsNot - fits > 1) {
    const middle = Math.floor((fits + fitsNot) / 2);
    if (requestBytes(cache, middle) <= bytes) fits = middle;
    else fitsNot = middle;
  }
  return fits;
}

/** An engine whose KV cache is given in tokens: nothing is measured, and nothing can run out. */
export function givenCache(options: EngineOptions, sizes: EngineSizes, tokens: number): EnginePlan {
  const layout = layOut(options, sizes, (tokens * sizes.cache.bytesPerToken) / GIB);
  return { ...layout, freeGiB: sizes.totalGiB - CUDA_CONTEXT_GIB, nonTorchGiB: NON_TORCH_GIB };
}

/**
 * PyTorch's words when `wantedGiB` cannot be had.
 *
 * @param heldGiB what this process holds already
 */
export function outOfMemory(wantedGiB: number, heldGiB: number, totalGiB: number, othersGiB: number): string {
  const free = Math.max(0, totalGiB - othersGiB - heldGiB);
  return `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${gib(wantedGiB)} GiB. GPU 0 has a total capacity of ${gib(totalGiB)} GiB of which ${gib(free)} GiB is free. Including non-PyTorch memory, this process has ${gib(heldGiB)} GiB memory in use.`;
}
