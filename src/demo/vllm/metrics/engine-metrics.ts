import type { EngineOptions } from '../command-line/options.ts';
import type { EngineObserver } from '../engine/engine.ts';
import type { EnginePlan } from '../engine/memory.ts';
import type { Scheduler, Sequence, Step } from '../engine/scheduler.ts';
import type { Cell, HistogramCell, Labels, Registry } from './exposition.ts';

const SECONDS_TO_FIRST = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
  2560,
];
const SECONDS_BETWEEN = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const SECONDS_OF_REQUEST = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
];
const STEP_TOKENS = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];

/** 1, 2, 5, 10, 20, 50 … up to the limit. */
function oneTwoFive(limit: number): number[] {
  const bounds: number[] = [];
  for (let power = 1; power <= limit; power *= 10) bounds.push(power, power * 2, power * 5);
  return bounds.filter((bound) => bound <= limit);
}

/** `vllm:cache_config_info`: how an operator sees how large the KV cache really is. */
function cacheConfig(options: EngineOptions, plan: EnginePlan): Labels {
  return {
    _block_size_resolved: 'True',
    block_size: String(plan.blockSize),
    cache_dtype: options.kvCacheDtype,
    cache_hit_alignment_tokens: 'None',
    effective_attention_block_size: String(plan.blockSize),
    enable_mamba_shared_prefix_checkpoint: 'False',
    enable_prefix_caching: options.enablePrefixCaching ? 'True' : 'False',
    engine: '0',
    gpu_memory_utilization: String(options.gpuMemoryUtilization),
    hash_block_size: 'None',
    is_attention_free: 'False',
    kv_cache_dtype_skip_layers: '[]',
    kv_cache_layout: 'None',
    kv_cache_max_concurrency: String(plan.kvCacheTokens / plan.maxModelLen),
    kv_cache_memory_bytes:
      options.kvCacheMemoryBytes === undefined ? 'None' : String(options.kvCacheMemoryBytes),
    kv_cache_size_tokens: String(plan.kvCacheTokens),
    kv_offloading_backend: 'native',
    kv_offloading_size: 'None',
    kv_sharing_fast_prefill: 'False',
    mamba_block_size: 'None',
    mamba_cache_dtype: 'auto',
    mamba_cache_mode: 'none',
    mamba_page_size_padded: 'None',
    mamba_ssm_cache_dtype: 'float32',
    num_cpu_blocks: 'None',
    num_gpu_blocks: String(plan.kvBlocks),
    num_gpu_blocks_override: 'None',
    prefix_cache_retention_interval: '0',
    prefix_caching_hash_algo: 'sha256',
    prefix_match_unit: 'None',
    replayssm_buffer_len: '16',
    skip_page_size_padded: 'None',
    sliding_window: 'None',
    swa_bounded_replay: 'True',
    use_kda_recoverssm: 'False',
    use_replayssm: 'False',
    user_specified_block_size: options.blockSize === undefined ? 'False' : 'True',
  };
}

/** Totals that the log line of every ten seconds is made of. */
export interface Totals {
  readonly promptTokens: number;
  readonly generationTokens: number;
  readonly prefixHits: number;
  readonly prefixQueries: number;
}

/** All `vllm:` metrics of 0.32.0. What cannot happen in a simulation is there and stays 0. */
export class EngineMetrics implements EngineObserver {
  readonly #labels: Labels;
  readonly #registry: Registry;
  readonly #gauges: (() => void)[] = [];
  readonly #prefixQueries: Cell;
  readonly #prefixHits: Cell;
  readonly #promptTokens: Cell;
  readonly #computed: Cell;
  readonly #cacheHits: Cell;
  readonly #cached: Cell;
  readonly #cachedOnDevice: Cell;
  readonly #generationTokens: Cell;
  readonly #success: (reason: string) => Cell;
  readonly #rejected: Cell;
  readonly #promptSize: HistogramCell;
  readonly #generationSize: HistogramCell;
  readonly #stepTokens: HistogramCell;
  readonly #maxGeneration: HistogramCell;
  readonly #n: HistogramCell;
  readonly #maxTokens: HistogramCell;
  readonly #firstToken: HistogramCell;
  readonly #interToken: HistogramCell;
  readonly #perToken: HistogramCell;
  readonly #endToEnd: HistogramCell;
  readonly #queueTime: HistogramCell;
  readonly #inferenceTime: HistogramCell;
  readonly #prefillTime: HistogramCell;
  readonly #decodeTime: HistogramCell;
  readonly #requestPreemptions: HistogramCell;
  readonly #prefillComputed: HistogramCell;
  readonly #lastTokenMs = new WeakMap<Sequence, number>();

  constructor(
    registry: Registry,
    modelName: string,
    options: EngineOptions,
    plan: EnginePlan,
    scheduler: Scheduler,
  ) {
    this.#registry = registry;
    this.#labels = { engine: '0', model_name: modelName };
    for (const what of ['flops', 'read_bytes', 'write_bytes'] as const) {
      this.#counter(`vllm:estimated_${what}_per_gpu_total`, ESTIMATES[what]);
    }
    this.#registerState(scheduler);
    this.#prefixQueries = this.#counter(
      'vllm:prefix_cache_queries_total',
      'Prefix cache queries, in terms of number of queried tokens.',
    );
    this.#prefixHits = this.#counter(
      'vllm:prefix_cache_hits_total',
      'Prefix cache hits, in terms of number of cached tokens.',
    );
    const external = 'from KV connector cross-instance cache sharing, in terms of number of';
    this.#counter(
      'vllm:external_prefix_cache_queries_total',
      `External prefix cache queries ${external} queried tokens.`,
    );
    this.#counter(
      'vllm:external_prefix_cache_hits_total',
      `External prefix cache hits ${external} cached tokens.`,
    );
    this.#counter(
      'vllm:mm_cache_queries_total',
      'Multi-modal cache queries, in terms of number of queried items.',
    );
    this.#counter('vllm:mm_cache_hits_total', 'Multi-modal cache hits, in terms of number of cached items.');
    const preemptions = this.#counter(
      'vllm:num_preemptions_total',
      'Cumulative number of preemption from the engine.',
    );
    this.#gauges.push(() => {
      preemptions.value = scheduler.preemptions;
    });
    this.#promptTokens = this.#counter('vllm:prompt_tokens_total', 'Number of prefill tokens processed.');
    const bySource = this.#byLabel(
      'vllm:prompt_tokens_by_source_total',
      'Number of prompt tokens by source.',
      'source',
      ['local_compute', 'local_cache_hit', 'external_kv_transfer'],
    );
    this.#computed = bySource('local_compute');
    this.#cacheHits = bySource('local_cache_hit');
    this.#cached = this.#counter(
      'vllm:prompt_tokens_cached_total',
      'Number of cached prompt tokens (local + external).',
    );
    this.#cachedOnDevice = this.#byLabel(
      'vllm:prompt_tokens_cached_by_source_total',
      'Prefix-cache hit tokens by the cache tier that supplied them: device (local HBM), host (offloaded to DRAM), disk, p2p (transferred from another vLLM instance) or external_unspecified. Counted at admission; sums to vllm:prefix_cache_hits + vllm:external_prefix_cache_hits.',
      'source',
      ['device', 'host', 'p2p', 'disk', 'external_unspecified'],
    )('device');
    this.#generationTokens = this.#counter(
      'vllm:generation_tokens_total',
      'Number of generation tokens processed.',
    );
    this.#success = this.#byLabel(
      'vllm:request_success_total',
      'Count of successfully processed requests.',
      'finished_reason',
      ['stop', 'length', 'abort', 'error', 'repetition'],
    );
    const rejections = registry.counter(
      'vllm:admission_rejections_total',
      'Number of admission attempts rejected by a queue limit, by reason.',
    );
    this.#rejected = rejections.with({ model_name: modelName, reason: 'max_num_queued_reqs' });
    rejections.with({ model_name: modelName, reason: 'max_num_queued_tokens' });

    const sizes = oneTwoFive(plan.maxModelLen);
    this.#promptSize = this.#histogram(
      'vllm:request_prompt_tokens',
      'Number of prefill tokens processed.',
      sizes,
    );
    this.#generationSize = this.#histogram(
      'vllm:request_generation_tokens',
      'Number of generation tokens processed.',
      sizes,
    );
    this.#stepTokens = this.#histogram(
      'vllm:iteration_tokens_total',
      'Histogram of number of tokens per engine_step.',
      STEP_TOKENS,
    );
    this.#maxGeneration = this.#histogram(
      'vllm:request_max_num_generation_tokens',
      'Histogram of maximum number of requested generation tokens.',
      sizes,
    );
    this.#n = this.#histogram(
      'vllm:request_params_n',
      'Histogram of the n request parameter.',
      [1, 2, 5, 10, 20],
    );
    this.#maxTokens = this.#histogram(
      'vllm:request_params_max_tokens',
      'Histogram of the max_tokens request parameter.',
      sizes,
    );
    this.#firstToken = this.#histogram(
      'vllm:time_to_first_token_seconds',
      'Histogram of time to first token in seconds.',
      SECONDS_TO_FIRST,
    );
    this.#interToken = this.#histogram(
      'vllm:inter_token_latency_seconds',
      'Histogram of inter-token latency in seconds.',
      SECONDS_BETWEEN,
    );
    this.#perToken = this.#histogram(
      'vllm:request_time_per_output_token_seconds',
      'Histogram of time_per_output_token_seconds per request.',
      SECONDS_BETWEEN,
    );
    const phase = (name: string, help: string): HistogramCell =>
      this.#histogram(`vllm:${name}_seconds`, help, SECONDS_OF_REQUEST);
    this.#endToEnd = phase('e2e_request_latency', 'Histogram of e2e request latency in seconds.');
    this.#queueTime = phase('request_queue_time', 'Histogram of time spent in WAITING phase for request.');
    this.#inferenceTime = phase(
      'request_inference_time',
      'Histogram of time spent in RUNNING phase for request.',
    );
    this.#prefillTime = phase(
      'request_prefill_time',
      'Histogram of time spent in PREFILL phase for request.',
    );
    this.#decodeTime = phase('request_decode_time', 'Histogram of time spent in DECODE phase for request.');
    this.#requestPreemptions = this.#histogram(
      'vllm:request_num_preemptions',
      'Histogram of the number of times a request was preempted.',
      [1, 2, 3, 4, 5, 10, 20],
    );
    this.#prefillComputed = this.#histogram(
      'vllm:request_prefill_kv_computed_tokens',
      'Histogram of new KV tokens computed during prefill (excluding cached tokens).',
      sizes,
    );
    registry
      .gauge('vllm:cache_config_info', 'Information of the LLMEngine CacheConfig')
      .with(cacheConfig(options, plan)).value = 1;
  }

  get totals(): Totals {
    return {
      promptTokens: this.#promptTokens.value,
      generationTokens: this.#generationTokens.value,
      prefixHits: this.#prefixHits.value,
      prefixQueries: this.#prefixQueries.value,
    };
  }

  /** Brings the gauges up to date; to be called before rendering. */
  refresh(): void {
    for (const update of this.#gauges) update();
  }

  stepCompleted(step: Step, advanced: readonly Sequence[], nowMs: number): void {
    this.#stepTokens.observe(step.totalTokens);
    this.#generationTokens.value += advanced.length;
    for (const sequence of advanced) {
      if (sequence.generatedTokens === 1) {
        this.#firstTokenMade(sequence, nowMs);
      } else {
        const last = this.#lastTokenMs.get(sequence) ?? nowMs;
        this.#interToken.observe((nowMs - last) / 1000);
      }
      this.#lastTokenMs.set(sequence, nowMs);
    }
  }

  sequenceFinished(sequence: Sequence, nowMs: number): void {
    const {
      arrivalMs,
      scheduledMs = arrivalMs,
      firstTokenMs = nowMs,
      generatedTokens,
      cachedTokens,
    } = sequence;
    const prompt = sequence.spec.promptTokens.length;
    this.#success(sequence.spec.endsBy).value += 1;
    this.#promptSize.observe(prompt);
    this.#generationSize.observe(generatedTokens);
    this.#maxGeneration.observe(generatedTokens);
    this.#maxTokens.observe(sequence.spec.maxTokens);
    this.#n.observe(1);
    this.#requestPreemptions.observe(sequence.preemptions);
    this.#prefillComputed.observe(prompt - cachedTokens);
    this.#endToEnd.observe((nowMs - arrivalMs) / 1000);
    this.#queueTime.observe((scheduledMs - arrivalMs) / 1000);
    this.#inferenceTime.observe((nowMs - scheduledMs) / 1000);
    this.#prefillTime.observe((firstTokenMs - scheduledMs) / 1000);
    this.#decodeTime.observe((nowMs - firstTokenMs) / 1000);
    this.#perToken.observe(generatedTokens > 1 ? (nowMs - firstTokenMs) / 1000 / (generatedTokens - 1) : 0);
  }

  requestRejected(): void {
    this.#rejected.value += 1;
  }

  #firstTokenMade(sequence: Sequence, nowMs: number): void {
    const prompt = sequence.spec.promptTokens.length;
    this.#firstToken.observe((nowMs - sequence.arrivalMs) / 1000);
    this.#promptTokens.value += prompt;
    this.#prefixQueries.value += prompt;
    this.#prefixHits.value += sequence.cachedTokens;
    this.#cached.value += sequence.cachedTokens;
    this.#cachedOnDevice.value += sequence.cachedTokens;
    this.#cacheHits.value += sequence.cachedTokens;
    this.#computed.value += prompt - sequence.cachedTokens;
  }

  #registerState(scheduler: Scheduler): void {
    const gauge = (name: string, help: string, read: () => number, extra: Labels = {}): void => {
      const cell = this.#registry.gauge(name, help).with({ ...this.#labels, ...extra });
      this.#gauges.push(() => {
        cell.value = read();
      });
    };
    gauge(
      'vllm:num_requests_running',
      'Number of requests in model execution batches.',
      () => scheduler.running.length,
    );
    gauge(
      'vllm:num_requests_waiting',
      'Number of requests waiting to be processed.',
      () => scheduler.waiting.length,
    );
    const byReason = this.#registry.gauge(
      'vllm:num_requests_waiting_by_reason',
      "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; 'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). Sum of all reasons equals vllm:num_requests_waiting.",
    );
    const capacity = byReason.with({ ...this.#labels, reason: 'capacity' });
    byReason.with({ ...this.#labels, reason: 'deferred' });
    this.#gauges.push(() => {
      capacity.value = scheduler.waiting.length;
    });
    const sleep = this.#registry.gauge(
      'vllm:engine_sleep_state',
      'Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake; weights_offloaded = 1 means sleep level 1; discard_all = 1 means sleep level 2.',
    );
    for (const state of ['awake', 'weights_offloaded', 'discard_all']) {
      sleep.with({ ...this.#labels, sleep_state: state }).value = state === 'awake' ? 1 : 0;
    }
    gauge('vllm:kv_cache_usage_perc', 'KV-cache usage. 1 means 100 percent usage.', () => scheduler.kvUsage);
  }

  #counter(name: string, help: string): Cell {
    return this.#registry.counter(name, help).with(this.#labels);
  }

  #histogram(name: string, help: string, bounds: readonly number[]): HistogramCell {
    return this.#registry.histogram(name, help, bounds).with(this.#labels);
  }

  #byLabel(name: string, help: string, label: string, values: readonly string[]): (value: string) => Cell {
    const series = this.#registry.counter(name, help);
    const cells = new Map(values.map((value) => [value, series.with({ ...this.#labels, [label]: value })]));
    return (value) => cells.get(value) ?? series.with({ ...this.#labels, [label]: value });
  }
}

const ESTIMATES = {
  flops: 'Estimated number of floating point operations per GPU (for Model Flops Utilization calculations).',
  read_bytes:
    'Estimated number of bytes read from memory per GPU (for Model Flops Utilization calculations).',
  write_bytes:
    'Estimated number of bytes written to memory per GPU (for Model Flops Utilization calculations).',
} as const;
