import type { EngineOptions } from '../command-line/options.ts';
import type { Clock } from '../engine/clock.ts';
import { type EnginePlan, gib } from '../engine/memory.ts';
import type { ModelFacts } from '../engine/models.ts';
import type { Log } from './log.ts';

/** What the lines of a start say. */
export interface LoadingFacts {
  readonly options: EngineOptions;
  readonly facts: ModelFacts;
  readonly plan: EnginePlan;
  readonly loadSeconds: number;
}

const two = (value: number): string => value.toFixed(2);
const thousands = (value: number): string => value.toLocaleString('en-US');

interface Milestone {
  /** Share of the loading time that has passed. */
  readonly at: number;
  readonly write: (log: Log, facts: LoadingFacts) => void;
}

/**
 * The lines of a start in their order and at their time; texts and proportions as logged by vLLM 0.26 on an H100
 * (imports take nearly half, then weights, torch.compile, the KV cache, CUDA graphs).
 */
const BEFORE_MEMORY: readonly Milestone[] = [
  {
    at: 0.25,
    write: (log, { options }) =>
      log.info('APIServer', 'api_utils.py:273', `non-default args: ${options.nonDefaultArguments}`),
  },
  {
    at: 0.35,
    write: (log, { facts }) =>
      log.info('APIServer', 'model.py:623', `Resolved architecture: ${facts.architecture}`),
  },
];

const ENGINE_START: readonly Milestone[] = [
  {
    at: 0.5,
    write: (log, { options, plan }) =>
      log.info(
        'EngineCore',
        'core.py:116',
        `Initializing a V1 LLM engine (v0.32.0) with config: model='${options.model}', max_seq_len=${plan.maxModelLen}, tensor_parallel_size=1, quantization=${options.quantization ?? 'None'}, enforce_eager=${options.enforceEager ? 'True' : 'False'}`,
      ),
  },
  { at: 0.52, write: (log) => log.info('EngineCore', 'gpu_worker.py:378', 'Using V2 Model Runner') },
  {
    at: 0.65,
    write: (log, { plan, loadSeconds }) =>
      log.info(
        'EngineCore',
        'model_runner.py:305',
        `Model loading took ${two(plan.weightsGiB)} GiB and ${(loadSeconds * 0.13).toFixed(6)} seconds`,
      ),
  },
  {
    at: 0.85,
    write: (log, { loadSeconds }) =>
      log.info('EngineCore', 'monitor.py:53', `torch.compile took ${two(loadSeconds * 0.2)} s in total`),
  },
  {
    at: 0.87,
    write: (log, { plan }) => {
      log.info('EngineCore', 'gpu_worker.py:560', `Available KV cache memory: ${two(plan.kvCacheGiB)} GiB`);
      log.info(
        'EngineCore',
        'kv_cache_utils.py:2177',
        `GPU KV cache size: ${thousands(plan.kvCacheTokens)} tokens`,
      );
      log.info(
        'EngineCore',
        'kv_cache_utils.py:2178',
        `Maximum concurrency for ${thousands(plan.maxModelLen)} tokens per request: ${two(plan.kvCacheTokens / plan.maxModelLen)}x`,
      );
    },
  },
  {
    at: 0.95,
    write: (log, { plan, options }) => {
      log.info('EngineCore', 'model_runner.py:747', 'Graph capturing finished in 1 secs, took 0.15 GiB');
      log.info(
        'EngineCore',
        'gpu_worker.py:857',
        `Free memory on device (${two(plan.freeGiB)}/${two(plan.totalGiB)} GiB) on startup. Desired GPU memory utilization is (${options.gpuMemoryUtilization}, ${gib(plan.budgetGiB)} GiB). Actual usage is ${two(plan.weightsGiB)} GiB for weight, ${two(plan.activationGiB)} GiB for peak activation, 0.22 GiB for non-torch memory, and 0.15 GiB for CUDAGraph memory. Current kv cache memory in use is ${two(plan.kvCacheGiB)} GiB.`,
      );
    },
  },
  {
    at: 0.98,
    write: (log, { loadSeconds }) =>
      log.info(
        'EngineCore',
        'core.py:340',
        `init engine (profile, create kv cache, warmup model) took ${two(loadSeconds * 0.35)} s (compilation: ${two(loadSeconds * 0.2)} s)`,
      ),
  },
];

/** Where in the loading time vLLM notices what is wrong. */
export const FAILS_AT = { arguments: 0.35, freeMemory: 0.55, kvCache: 0.87 } as const;

/** Runs the start against the clock, line by line. */
export class Loading {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #loadMs: number;

  constructor(log: Log, clock: Clock, loadSeconds: number) {
    this.#log = log;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#loadMs = loadSeconds * 1000;
  }

  /** The API server's own part: arguments and model configuration. */
  readArguments(facts: LoadingFacts): Promise<void> {
    return this.#write(BEFORE_MEMORY, facts);
  }

  /** The engine's part: weights, compilation, KV cache, graphs. */
  startEngine(facts: LoadingFacts): Promise<void> {
    return this.#write(ENGINE_START, facts);
  }

  /** Waits until this share of the loading time has passed. */
  until(share: number): Promise<void> {
    const delayMs = this.#startMs + this.#loadMs * share - this.#clock.nowMs();
    if (delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#clock.after(delayMs, resolve);
    });
  }

  async #write(milestones: readonly Milestone[], facts: LoadingFacts): Promise<void> {
    for (const { at, write } of milestones) {
      await this.until(at);
      write(this.#log, facts);
    }
  }
}
