import type { EngineOptions } from '../command-line/options.ts';
import type { Clock } from '../engine/clock.ts';
import type { GpuMemory } from '../engine/gpu-memory.ts';
import {
  type EnginePlan,
  type EngineSizes,
  engineSizes,
  type GpuSlotMemory,
  gib,
  givenCache,
} from '../engine/memory.ts';
import type { ModelFacts } from '../engine/models.ts';
import { type EngineMemory, engineMemory } from './engine-memory.ts';
import type { Log } from './log.ts';

/**
 * The steps of a start, as shares of the loading time; proportions as logged by vLLM 0.26 on an H100 (imports take
 * nearly half, then weights, torch.compile, the KV cache, CUDA graphs).
 */
export const STEPS = {
  argumentsRead: 0.25,
  modelInspected: 0.35,
  engineBegins: 0.5,
  memoryFirstSeen: 0.52,
  weightsLoaded: 0.65,
  compiled: 0.85,
  cacheTaken: 0.87,
  graphsCaptured: 0.95,
  engineInitialised: 0.98,
} as const;

export interface LoadingOptions {
  readonly options: EngineOptions;
  readonly facts: ModelFacts;
  readonly slot: GpuSlotMemory;
  readonly gpu: GpuMemory;
  /** Sizes the KV cache directly: the GPU's memory then plays no part. */
  readonly kvCacheTokens: number | undefined;
  readonly loadSeconds: number;
  readonly log: Log;
  readonly clock: Clock;
}

/** An engine that is about to serve. */
export interface LoadedEngine {
  readonly plan: EnginePlan;
  /** Undefined where the KV cache was given in tokens. */
  readonly memory: EngineMemory | undefined;
}

const two = (value: number): string => value.toFixed(2);
const thousands = (value: number): string => value.toLocaleString('en-US');

/** Runs a start against the clock: takes memory and writes log lines in vLLM's order and words. */
export class Loading {
  readonly #options: LoadingOptions;
  readonly #startMs: number;

  constructor(options: LoadingOptions) {
    this.#options = options;
    this.#startMs = options.clock.nowMs();
  }

  /** @throws {StartFailure} at the step at which vLLM would notice */
  async run(): Promise<LoadedEngine> {
    const sizes = await this.#readArguments();
    const { options, gpu, kvCacheTokens } = this.#options;
    const memory = kvCacheTokens === undefined ? engineMemory(options, sizes, gpu) : undefined;
    await this.#loadWeights(sizes, memory);
    const plan = await this.#takeCache(sizes, memory);
    await this.until(1);
    return { plan, memory };
  }

  /** Waits until this share of the loading time has passed. */
  until(share: number): Promise<void> {
    const { clock, loadSeconds } = this.#options;
    const delayMs = this.#startMs + loadSeconds * 1000 * share - clock.nowMs();
    if (delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      clock.after(delayMs, resolve);
    });
  }

  async #readArguments(): Promise<EngineSizes> {
    const { log, options, facts, slot } = this.#options;
    await this.until(STEPS.argumentsRead);
    log.info('APIServer', 'api_utils.py:273', `non-default args: ${options.nonDefaultArguments}`);
    await this.until(STEPS.modelInspected);
    const sizes = engineSizes(options, facts, slot);
    log.info('APIServer', 'model.py:623', `Resolved architecture: ${facts.architecture}`);
    return sizes;
  }

  async #loadWeights(sizes: EngineSizes, memory: EngineMemory | undefined): Promise<void> {
    const { log, options, loadSeconds } = this.#options;
    await this.until(STEPS.engineBegins);
    log.info(
      'EngineCore',
      'core.py:116',
      `Initializing a V1 LLM engine (v0.32.0) with config: model='${options.model}', max_seq_len=${sizes.wantedModelLen}, tensor_parallel_size=${options.tensorParallelSize}, quantization=${options.quantization ?? 'None'}, enforce_eager=${options.enforceEager ? 'True' : 'False'}`,
    );
    await this.until(STEPS.memoryFirstSeen);
    memory?.begin();
    log.info('EngineCore', 'gpu_worker.py:378', 'Using V2 Model Runner');
    const loadingSeconds = (STEPS.weightsLoaded - STEPS.memoryFirstSeen) * loadSeconds;
    memory?.loadWeights(loadingSeconds * 1000);
    await this.until(STEPS.weightsLoaded);
    memory?.weightsLoaded();
    log.info(
      'EngineCore',
      'model_runner.py:305',
      `Model loading took ${two(sizes.weightsGiB)} GiB and ${loadingSeconds.toFixed(6)} seconds`,
    );
  }

  async #takeCache(sizes: EngineSizes, memory: EngineMemory | undefined): Promise<EnginePlan> {
    const { log, options, loadSeconds } = this.#options;
    const compileSeconds = loadSeconds * (STEPS.compiled - STEPS.weightsLoaded);
    await this.until(STEPS.compiled);
    log.info('EngineCore', 'monitor.py:53', `torch.compile took ${two(compileSeconds)} s in total`);
    await this.until(STEPS.cacheTaken);
    const plan = memory?.takeCache() ?? givenCache(options, sizes, this.#options.kvCacheTokens ?? 0);
    this.#logCache(plan);
    await this.until(STEPS.graphsCaptured);
    memory?.captureGraphs();
    this.#logGraphs(plan);
    await this.until(STEPS.engineInitialised);
    log.info(
      'EngineCore',
      'core.py:340',
      `init engine (profile, create kv cache, warmup model) took ${two(loadSeconds * 0.35)} s (compilation: ${two(compileSeconds)} s)`,
    );
    return plan;
  }

  #logCache(plan: EnginePlan): void {
    const { log, options } = this.#options;
    if (options.kvCacheMemoryBytes === undefined) {
      log.info('EngineCore', 'gpu_worker.py:560', `Available KV cache memory: ${two(plan.kvCacheGiB)} GiB`);
    } else {
      log.info(
        'EngineCore',
        'gpu_worker.py:479',
        `Initial free memory ${gib(plan.freeGiB)} GiB, reserved ${gib(plan.kvCacheGiB)} GiB memory for KV Cache as specified by kv_cache_memory_bytes config and skipped memory profiling. This does not respect the gpu_memory_utilization config. Only use kv_cache_memory_bytes config when you want manual control of KV cache memory size. If OOM'ed, check the difference of initial free memory between the current run and the previous run where kv_cache_memory_bytes is suggested and update it correspondingly.`,
      );
    }
    const concurrency = two(plan.kvCacheTokens / plan.maxModelLen);
    log.info(
      'EngineCore',
      'kv_cache_utils.py:2177',
      `GPU KV cache size: ${thousands(plan.kvCacheTokens)} tokens`,
    );
    log.info(
      'EngineCore',
      'kv_cache_utils.py:2178',
      `Maximum concurrency for ${thousands(plan.maxModelLen)} tokens per request: ${concurrency}x`,
    );
  }

  #logGraphs(plan: EnginePlan): void {
    const { log, options } = this.#options;
    const graphs = two(plan.graphsGiB);
    if (!options.enforceEager) {
      log.info('EngineCore', 'model_runner.py:747', `Graph capturing finished in 1 secs, took ${graphs} GiB`);
    }
    log.info(
      'EngineCore',
      'gpu_worker.py:857',
      `Free memory on device (${two(plan.freeGiB)}/${two(plan.totalGiB)} GiB) on startup. Desired GPU memory utilization is (${options.gpuMemoryUtilization}, ${gib(plan.budgetGiB)} GiB). Actual usage is ${two(plan.weightsGiB)} GiB for weight, ${two(plan.activationGiB)} GiB for peak activation, ${two(plan.nonTorchGiB)} GiB for non-torch memory, and ${graphs} GiB for CUDAGraph memory. Current kv cache memory in use is ${two(plan.kvCacheGiB)} GiB.`,
    );
  }
}
