import type { EngineOptions } from '../command-line/options.ts';
import type { GpuProfile } from './gpu-profiles.ts';
import { bytesPerWeight, kvBytesPerToken, type ModelFacts } from './models.ts';
import { StartFailure } from './start-failure.ts';

const GIB = 2 ** 30;
/** The CUDA context, taken from what NVML calls free. Measured on an H100 with vLLM 0.26. */
const CUDA_CONTEXT_GIB = 0.52;
/** NCCL, cuBLAS and the like. Measured on an H100 with vLLM 0.26. */
const NON_TORCH_GIB = 0.22;

/** What the engine settles on before it serves. */
export interface EnginePlan {
  readonly maxModelLen: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly blockSize: number;
  readonly kvBlocks: number;
  readonly kvCacheTokens: number;
  readonly weightsGiB: number;
  readonly activationGiB: number;
  readonly kvCacheGiB: number;
  readonly totalGiB: number;
  readonly freeGiB: number;
  readonly budgetGiB: number;
}

/** The GPU as this engine finds it. */
export interface GpuMemory {
  readonly profile: GpuProfile;
  /** Overrides the profile's size: the memory of a time-slice is that of the whole GPU. */
  readonly totalGiB?: number | undefined;
  /** Held by other processes when this engine starts. */
  readonly usedByOthersGiB: number;
  /** Sets the KV cache directly and skips all sums. */
  readonly kvCacheTokens?: number | undefined;
}

/** Like Python prints a float of at most two decimals: 16.0, 8.15. */
export const gib = (value: number): string => {
  const rounded = Math.round(value * 100) / 100;
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded);
};

function checkArguments(
  options: EngineOptions,
  facts: ModelFacts,
  plan: { seqs: number; batched: number },
): void {
  if (options.gpuMemoryUtilization > 1 || options.gpuMemoryUtilization <= 0) {
    const bound = options.gpuMemoryUtilization > 1 ? 'less than or equal to 1' : 'greater than 0';
    throw StartFailure.validation(
      'CacheConfig',
      `gpu_memory_utilization\n  Input should be ${bound} [type=${options.gpuMemoryUtilization > 1 ? 'less_than_equal' : 'greater_than'}, input_value=${options.gpuMemoryUtilization}, input_type=float]`,
    );
  }
  if ((options.maxModelLen ?? 0) > facts.maxPositions) {
    throw StartFailure.validation(
      'ModelConfig',
      `  Value error, User-specified max_model_len (${options.maxModelLen}) is greater than the derived max_model_len (max_position_embeddings=${facts.maxPositions}.0 or model_max_length=None in model's config.json). To allow overriding this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1. [type=value_error]`,
    );
  }
  if (options.tensorParallelSize > 1) {
    throw StartFailure.validation(
      'ParallelConfig',
      `  Value error, World size (${options.tensorParallelSize}) is larger than the number of available GPUs (1) in this node. If this is intentional and you are using:\n- ray, set '--distributed-executor-backend ray'.\n- multiprocessing, set '--nnodes' appropriately. [type=value_error]`,
    );
  }
  if (plan.batched < plan.seqs) {
    throw StartFailure.validation(
      'SchedulerConfig',
      `  Value error, max_num_batched_tokens (${plan.batched}) must be greater than or equal to max_num_seqs (${plan.seqs}). [type=value_error]`,
    );
  }
}

/** First start with a cold compile cache, the larger of the two cases; measured on an H100 with vLLM 0.26. */
function activationGiB(facts: ModelFacts, batchedTokens: number, eager: boolean): number {
  const warm = (batchedTokens * (3 * facts.intermediate + 3 * facts.hidden) * 2) / GIB + 0.04;
  const compiling = (facts.vocabulary * facts.hidden * 2) / GIB + 0.03;
  return eager ? warm : Math.max(warm, compiling);
}

function kvMemoryGiB(options: EngineOptions, gpu: GpuMemory, sizes: { total: number; rest: number }): number {
  const free = sizes.total - CUDA_CONTEXT_GIB - gpu.usedByOthersGiB;
  const budget = sizes.total * options.gpuMemoryUtilization;
  if (free < budget) {
    throw StartFailure.engineCore(
      `ValueError: Free memory on device cuda:0 (${gib(free)}/${gib(sizes.total)} GiB) on startup is less than desired GPU memory utilization (${options.gpuMemoryUtilization}, ${gib(budget)} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`,
    );
  }
  const pinned = options.kvCacheMemoryBytes;
  const kv = pinned === undefined ? budget - sizes.rest : pinned / GIB;
  if (pinned !== undefined && sizes.rest + kv > free) {
    throw StartFailure.engineCore(
      `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${gib(kv)} GiB. GPU 0 has a total capacity of ${gib(sizes.total)} GiB of which ${gib(Math.max(0, free - sizes.rest))} GiB is free.`,
    );
  }
  if (kv <= 0) {
    throw StartFailure.engineCore(
      'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine. See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.',
    );
  }
  return kv;
}

/**
 * Does what vLLM does before it serves: checks the arguments against model and GPU and sizes the KV cache.
 * Every time the result is that of a first start; vLLM has a little more KV on later ones (warm compile cache).
 *
 * @throws {StartFailure} with vLLM's own text where vLLM 0.32 would not start
 */
export function planEngine(options: EngineOptions, facts: ModelFacts, gpu: GpuMemory): EnginePlan {
  const total = gpu.totalGiB ?? gpu.profile.memoryGiB;
  const large = total >= 70 && !gpu.profile.deviceName.includes('A100');
  const maxNumSeqs = options.maxNumSeqs ?? (large ? 1024 : 256);
  const maxNumBatchedTokens = options.maxNumBatchedTokens ?? Math.max(large ? 8192 : 2048, maxNumSeqs);
  checkArguments(options, facts, { seqs: maxNumSeqs, batched: maxNumBatchedTokens });
  const blockSize = options.blockSize ?? 16;
  const weights = (facts.parametersBillion * 1e9 * bytesPerWeight(options.model, options.quantization)) / GIB;
  const activation = activationGiB(facts, maxNumBatchedTokens, options.enforceEager);
  const perToken = kvBytesPerToken(facts, options.kvCacheDtype);
  const kv =
    gpu.kvCacheTokens === undefined
      ? kvMemoryGiB(options, gpu, { total, rest: weights + activation + NON_TORCH_GIB })
      : (gpu.kvCacheTokens * perToken) / GIB;
  const kvBlocks = Math.floor((kv * GIB) / perToken / blockSize + 1e-6);
  const fitting = kvBlocks * blockSize;
  const wanted = options.maxModelLen ?? facts.maxPositions;
  if (wanted > fitting && options.maxModelLen !== undefined) {
    throw StartFailure.engineCore(
      `ValueError: To serve at least one request with the model's max seq len (${wanted}), (${gib((wanted * perToken) / GIB)} GiB KV cache is needed, which is larger than the available KV cache memory (${gib(kv)} GiB). Based on the available memory, the estimated maximum model length is ${fitting}. Try increasing \`gpu_memory_utilization\` (which also controls CPU memory on the CPU backend) or decreasing \`max_model_len\` when initializing the engine. See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.`,
    );
  }
  return {
    maxModelLen: Math.min(wanted, fitting),
    maxNumSeqs,
    maxNumBatchedTokens,
    blockSize,
    kvBlocks,
    kvCacheTokens: fitting,
    weightsGiB: weights,
    activationGiB: activation,
    kvCacheGiB: kv,
    totalGiB: total,
    freeGiB: total - CUDA_CONTEXT_GIB - gpu.usedByOthersGiB,
    budgetGiB: total * options.gpuMemoryUtilization,
  };
}
