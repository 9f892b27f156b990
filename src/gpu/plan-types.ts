import { z } from 'zod';

const count = z.int().min(1);

/** Architecture facts a person states by hand; what is left out comes from the catalogue or is estimated by name. */
const statedFactsSchema = z.strictObject({
  parameters: count.optional(),
  layers: count.optional(),
  hiddenSize: count.optional(),
  intermediateSize: count.optional(),
  attentionHeads: count.optional(),
  keyValueHeads: count.optional(),
  headDimension: count.optional(),
  vocabularySize: count.optional(),
  /** Bytes of one weight in the checkpoint: 2 for bf16 and fp16, 1 for fp8. */
  bytesPerParameter: count.optional(),
});

export type StatedFacts = z.infer<typeof statedFactsSchema>;

/**
 * Which model. Facts are taken from `config` where it is given, else from the catalogue by `id`, else estimated from
 * the name; `facts` overrides single figures of whichever it was.
 */
const modelSourceSchema = z.strictObject({
  /** Hub id, alias or path. Optional where `config` says everything. */
  id: z.string().min(1).optional(),
  /** The parsed `config.json` of a Hugging Face checkpoint; may carry `num_parameters`. */
  config: z.record(z.string(), z.unknown()).optional(),
  facts: statedFactsSchema.optional(),
});

/** Where one engine runs. `gpu` or a memory figure must be given; with both, the memory figure wins over the table. */
export const slotRequestSchema = z.strictObject({
  /** A GPU of the table by name or by the value of the node label nvidia.com/gpu.product. */
  gpu: z.string().min(1).optional(),
  /** What CUDA sees of the GPU or MIG slice, in MiB, before time-slices share it. */
  memoryMiB: count.optional(),
  /**
   * Value of the node label nvidia.com/gpu.memory or nvidia.com/mig-<profile>.memory, in MiB: NVML's total, of which
   * CUDA sees somewhat less. Of the GPU or MIG slice, before time-slices share it. `memoryMiB` wins over it.
   */
  labelMemoryMiB: count.optional(),
  migProfile: z.string().min(4).optional(),
  /** Time-slices of one GPU, each with an engine of its own. */
  slicesPerGPU: z.int().min(2).max(48).optional(),
  /** Compute capability such as 8.6, where the table does not know the GPU. */
  computeCapability: z
    .string()
    .regex(/^\d{1,2}\.\d$/)
    .optional(),
});

export const QUANTIZATIONS = ['None', 'AWQ', 'GPTQ', 'FP8', 'BitsAndBytes'] as const;
/** As in the API of the Classroom; None: as the checkpoint says. */
const quantizationSchema = z.enum(QUANTIZATIONS);
export type Quantization = z.infer<typeof quantizationSchema>;

/** auto: as the model computes, 2 bytes; the fp8 kinds halve the cache. */
export const kvCacheDtypeSchema = z.enum(['auto', 'bfloat16', 'float16', 'fp8', 'fp8_e4m3', 'fp8_e5m2']);
export type KvCacheDtype = z.infer<typeof kvCacheDtypeSchema>;

/**
 * Everything a plan is made from. The same for the operator (from a Classroom and node labels) and for the command
 * line. What is optional and absent is planned.
 */
export const planRequestSchema = z.strictObject({
  model: modelSourceSchema.refine(({ id, config, facts }) => id ?? config ?? facts, {
    error: 'must have `id`, `config` or `facts`',
  }),
  slot: slotRequestSchema,
  tensorParallel: z.int().min(1).max(64).default(1),
  quantization: quantizationSchema.default('None'),
  kvCacheDtype: kvCacheDtypeSchema.default('auto'),
  /** Context length in tokens, prompt and completion together. */
  maxModelLen: z.int().min(1).default(4096),
  maxNumSeqs: count.optional(),
  maxNumBatchedTokens: count.optional(),
  /** Share of the memory CUDA sees on the whole GPU or MIG slice, 0 to 1. Absent: planned. */
  gpuMemoryUtilization: z.number().gt(0).max(1).optional(),
  enforceEager: z.boolean().default(false),
  /**
   * State of torch.compile's cache at the start. A plan that must hold for every start takes `cold`, the first one,
   * which takes more; `warm` tells what a restart would find.
   */
  compileCache: z.enum(['cold', 'warm']).default('cold'),
  /** Release of vLLM, such as `0.32.0`, with or without `v`. Absent: that of the pinned image. */
  vllmVersion: z.string().min(1).optional(),
  /** All students of the class. */
  students: z.int().min(0).optional(),
  /** Students one engine shall carry. Absent: planned from the KV cache. */
  studentsPerReplica: count.optional(),
  /** Requests that one student may have in flight. */
  requestsPerStudent: count.default(2),
  /** Tokens that a request holds on average while it runs. Absent: `maxModelLen`, at most 8192. */
  expectedTokensPerRequest: count.optional(),
  replicas: z
    .strictObject({ min: z.int().min(0).default(0), max: count.default(64) })
    .refine(({ min, max }) => min <= max, { error: '`min` must not be greater than `max`' })
    .prefault({}),
  lora: z.strictObject({ maxLoras: count.default(1), maxLoraRank: count.default(16) }).optional(),
});

/** What a caller writes: defaults may be left out. */
export type PlanInput = z.input<typeof planRequestSchema>;
/** A request with its defaults filled in. */
export type PlanRequest = z.infer<typeof planRequestSchema>;

/**
 * high: facts from the catalogue or a config.json of a kind that was measured. medium: extrapolated (other engine
 * release, tensor parallelism, mixture of experts, sliding window …). low: model or engine estimated.
 */
export type Confidence = 'high' | 'medium' | 'low';

/** Where the model's figures come from. */
export type FactsSource = 'catalogue' | 'config' | 'stated' | 'estimate';

/** MiB of one GPU (or MIG slice); budget = weights + activations + graphs + overhead + KV cache. */
export interface MemorySum {
  /** What CUDA sees in the container: with time-slices the whole GPU. */
  totalMiB: number;
  /** total × `--gpu-memory-utilization`: what vLLM lets itself have. */
  budgetMiB: number;
  weightsMiB: number;
  activationsMiB: number;
  /** CUDA graphs as charged to the budget; 0 for releases that take them on top of it. */
  graphsMiB: number;
  /** Libraries, communication buffers and LoRA slots as vLLM charges them, and what is held back. */
  overheadMiB: number;
  /** Of the overhead: kept from the KV cache because the engine takes more than its budget, or the model is estimated. */
  heldBackMiB: number;
  /** What is left for the KV cache, and what `--kv-cache-memory-bytes` pins. Negative where the rest is too much. */
  kvCacheMiB: number;
}

/** What the engine really takes of the GPU, which is more than its budget. */
export interface PhysicalMemory {
  afterStartMiB: number;
  underLoadMiB: number;
  /** Most that this engine may take: the GPU, or its share among time-slices. */
  availableMiB: number;
}

/** Why the plan does not fit; stable words for conditions and tests. */
export type MisfitCode =
  | 'UnknownGpu'
  | 'UnknownModel'
  | 'UnknownMigProfile'
  | 'InvalidModelFacts'
  | 'TensorParallelOnSlice'
  | 'TensorParallelUnsuited'
  | 'ContextTooLong'
  | 'UnsupportedOnGpu'
  | 'InvalidArguments'
  | 'WeightsTooLarge'
  | 'NoMemoryForCache'
  | 'CacheSmallerThanOneRequest'
  | 'EngineExceedsGpu'
  | 'UtilizationTooHigh';

/** A thing that works and is worth knowing; `code` is stable, `message` is for people. */
export interface PlanWarning {
  code: string;
  message: string;
}

/** The fields of a request that a suggestion may change. */
export type SuggestedChange = Partial<
  Pick<
    PlanInput,
    | 'maxModelLen'
    | 'quantization'
    | 'kvCacheDtype'
    | 'tensorParallel'
    | 'maxNumSeqs'
    | 'maxNumBatchedTokens'
    | 'gpuMemoryUtilization'
    | 'enforceEager'
    | 'slot'
    | 'studentsPerReplica'
    | 'replicas'
    | 'model'
  >
>;

/** A smallest change that makes it fit: planned again with it and found to fit. */
export interface Suggestion {
  message: string;
  change: SuggestedChange;
  /** What the plan then says. */
  kvCacheTokens: number;
  students: number;
}

/** Which term bounds `--max-num-seqs` or the students of an engine. */
export type SequenceTerm = 'spec' | 'students' | 'kvCache' | 'batchedTokens' | 'default';

/** The figures one engine is started with. */
export interface PlannedSettings {
  maxModelLen: number;
  maxNumSeqs: number;
  maxNumBatchedTokens: number;
  /** As stated, or planned with three decimals. */
  gpuMemoryUtilization: number;
  /** Per GPU. */
  kvCacheMemoryBytes: number;
  tensorParallel: number;
  enforceEager: boolean;
  kvCacheDtype: KvCacheDtype;
  /** Set where the GPU cannot compute in the model's own dtype. */
  dtype?: 'half';
}

/** The answer: what to start, or why not, with the sum that led there. */
export interface EnginePlan {
  fits: boolean;
  /** Stable word; absent when it fits. */
  code?: MisfitCode;
  /** One sentence: why it fits or why not, with the figures. */
  reason: string;
  /** Per GPU. All zero where the model or the GPU is unknown. */
  memory: MemorySum;
  physical: PhysicalMemory;
  /** The sum in words, one term a line, ready to print. */
  sum: string[];
  kvCacheBytesPerToken: number;
  /** As the engine will report in `vllm:cache_config_info{kv_cache_size_tokens}`. */
  kvCacheTokens: number;
  /** Requests of full length that the KV cache holds, as vLLM's "Maximum concurrency" line says it. */
  fullLengthSequences: number;
  /** Requests computed at the same time when all are of full length: at most `maxNumSeqs`. */
  maxConcurrentSequences: number;
  /** Students that one engine carries; 0 where it does not fit. */
  students: number;
  /** Which term decided `students`, in words. */
  studentsBasis: string;
  /** Engines for `request.students`, within `request.replicas`; 1 where no students are stated. */
  replicas: number;
  settings: PlannedSettings;
  sequenceTerm: SequenceTerm;
  /** Which term decided `maxNumSeqs`, in words. */
  sequenceBasis: string;
  /** Flags of `vllm serve` after the model, without names, LoRA and keys; empty where it does not fit. */
  engineArgs: string[];
  warnings: PlanWarning[];
  suggestions: Suggestion[];
  confidence: Confidence;
  /** What the confidence rests on. */
  confidenceBasis: string;
  /** `packedAs`: the quantisation as vLLM calls it; absent for 16-bit weights. */
  model: { name: string; source: FactsSource; parameters: number; packedAs?: string };
  gpu: { name: string; computeCapability?: string };
  vllmVersion: string;
}
