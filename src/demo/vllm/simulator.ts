import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { type EngineOptions, readEngineOptions } from './command-line/options.ts';
import { parseCommandLine } from './command-line/parse.ts';
import { type CancelTimer, type Clock, systemClock } from './engine/clock.ts';
import { Engine } from './engine/engine.ts';
import { type GpuMemory, steadyNeighbours } from './engine/gpu-memory.ts';
import { GPU_PROFILES } from './engine/gpu-profiles.ts';
import type { EnginePlan } from './engine/memory.ts';
import { type ModelFacts, modelFacts } from './engine/models.ts';
import { PrefixCache } from './engine/prefix-cache.ts';
import { Scheduler } from './engine/scheduler.ts';
import { StartFailure } from './engine/start-failure.ts';
import { stepTimer } from './engine/step-time.ts';
import { type Failures, FaultPlan, failuresSchema } from './failures.ts';
import { ApiServer } from './http/server.ts';
import { engineErrorFiles, writeEngineError } from './lifecycle/engine-error-files.ts';
import type { EngineMemory } from './lifecycle/engine-memory.ts';
import { readEnvironment, type SimulatorEnvironment } from './lifecycle/environment.ts';
import { Loading } from './lifecycle/loading.ts';
import { Log, type LogSink } from './lifecycle/log.ts';
import { sharedGpu } from './lifecycle/shared-gpu.ts';
import { playedStartFailure } from './lifecycle/start-failures.ts';
import { AdapterLoader, type InspectAdapter } from './lora/adapters.ts';
import { inspectAdapterIn } from './lora/files.ts';
import { EngineMetrics } from './metrics/engine-metrics.ts';
import { Registry } from './metrics/exposition.ts';
import { HttpMetrics } from './metrics/http-metrics.ts';
import { registerProcessMetrics } from './metrics/process-metrics.ts';
import type { ServingContext } from './serving/context.ts';
import { ServedModels } from './serving/models.ts';
import { VLLM_VERSION } from './serving/operations.ts';
import { RequestLog, type RequestRecord } from './serving/request-log.ts';
import { routesFor } from './serving/routes.ts';
import { readSettings, type SimulatorSettings } from './settings.ts';
import { hashText } from './text/answers.ts';

/** How to start a simulator; only the command line is needed. */
export interface SimulatorStart {
  /** Arguments of `vllm serve`, with or without `serve`. `--port 0` takes any free port. */
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** Where log lines go; nowhere if absent. */
  readonly log?: LogSink;
  readonly pid?: number;
  readonly inspectAdapter?: InspectAdapter;
  readonly newId?: () => string;
}

/** How the process of a real vLLM would have ended. */
export interface SimulatorExit {
  readonly code: number;
  /** The process ends by this signal, not by its code. */
  readonly signal?: 'SIGTERM' | 'SIGINT';
}

/** The engine as tests see it. */
export interface EngineView {
  readonly running: number;
  readonly waiting: number;
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvUsage: number;
  /** The last ten thousand requests in the order of their arrival. */
  readonly requests: readonly RequestRecord[];
}

const NO_LOG: LogSink = { stdout: () => {}, stderr: () => {} };
/** After an engine's death the server follows within a second; recorded from vLLM 0.26 and 0.32. */
const EXIT_AFTER_DEATH_MS = 600;
/** From SIGTERM to the end with nothing to drain; recorded from vLLM 0.26 and 0.32. */
const EXIT_AFTER_ABORT_MS = 300;
/** SIGTERM kills a vLLM that is still importing, which is the first quarter of a start. */
const IMPORTS_SHARE = 0.25;
const STATS_INTERVAL_MS = 10_000;

interface Parts {
  readonly server: ApiServer;
  readonly engine: Engine;
  readonly metrics: EngineMetrics;
  readonly requests: RequestLog;
}

interface ContextParts {
  readonly facts: ModelFacts;
  readonly plan: EnginePlan;
  readonly engine: Engine;
  readonly models: ServedModels;
  readonly requests: RequestLog;
  readonly metrics: EngineMetrics;
}

/** One simulated `vllm serve`, from its start to its exit. */
export class VllmSimulator {
  /** Resolves when the port is open; rejects with {@link StartFailure} if vLLM would not start. */
  readonly ready: Promise<void>;
  /** Resolves when the process of a real vLLM would be gone. */
  readonly exited: Promise<SimulatorExit>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: EngineOptions;
  readonly #settings: SimulatorSettings;
  readonly #environment: SimulatorEnvironment;
  readonly #start: SimulatorStart;
  readonly #startedMs: number;
  readonly #resolveExit: (exit: SimulatorExit) => void;
  readonly #gpu: GpuMemory;
  readonly #engineErrorFiles: readonly string[];
  #faults: FaultPlan;
  #memory: EngineMemory | undefined;
  #memoryUsedUnderLoad = false;
  #parts: Parts | undefined;
  #port = 0;
  #phase: 'loading' | 'serving' | 'stopping' | 'gone' = 'loading';
  #terminations = 0;
  #cancelStats: CancelTimer | undefined;
  #inFlight = 0;
  #answered = 0;

  /**
   * Begins to load.
   *
   * @throws {CommandLineError} for a command line that vLLM refuses
   * @throws {StartFailure} for an environment that vLLM refuses
   */
  constructor(start: SimulatorStart) {
    this.#start = start;
    this.#clock = start.clock ?? systemClock;
    this.#startedMs = this.#clock.nowMs();
    this.#log = new Log(start.log ?? NO_LOG, this.#clock, start.pid ?? 1);
    const parsed = parseCommandLine(start.argv);
    this.#environment = readEnvironment(start.env ?? {});
    this.#options = readEngineOptions(parsed, this.#environment.VLLM_API_KEY);
    this.#settings = readSettings(this.#environment.VLLM_SIMULATOR);
    this.#faults = new FaultPlan(this.#readFailures());
    this.#gpu = gpuOf(this.#settings, this.#clock);
    this.#engineErrorFiles = engineErrorFiles(
      this.#environment.VLLM_LOGGING_CONFIG_PATH,
      this.#settings.mounts,
    );
    const exit = Promise.withResolvers<SimulatorExit>();
    this.exited = exit.promise;
    this.#resolveExit = exit.resolve;
    this.ready = this.#load();
  }

  get port(): number {
    return this.#port;
  }

  /** Where the server answers, without a path. */
  get url(): string {
    const { host } = this.#options;
    return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${this.#port}`;
  }

  get engine(): EngineView {
    const scheduler = this.#parts?.engine.scheduler;
    return {
      running: scheduler?.running.length ?? 0,
      waiting: scheduler?.waiting.length ?? 0,
      kvUsage: scheduler?.kvUsage ?? 0,
      requests: this.#parts?.requests.records ?? [],
    };
  }

  /** Changes what goes wrong from here on. */
  setFailures(failures: unknown): void {
    this.#faults = new FaultPlan(failuresSchema.parse(failures));
    this.#applyStall();
  }

  /** Reads the control file again, as SIGUSR2 does. */
  reloadFailures(): void {
    this.setFailures(this.#readFailures());
  }

  /** The engine process dies; the server follows with exit code 0, as vLLM's does. */
  killEngine(reason = 'CUDA error: an illegal memory access was encountered'): void {
    const { engine } = this.#parts ?? {};
    if (engine === undefined || engine.dead) return;
    this.#log.error('EngineCore', 'core.py:1330', 'EngineCore encountered a fatal error.');
    this.#log.plain('EngineCore', reason);
    const record = ['EngineCore encountered a fatal error.', 'Traceback (most recent call last):', reason];
    writeEngineError(this.#engineErrorFiles, this.#clock.wallMs(), record);
    this.#log.error(
      'APIServer',
      'async_llm.py:704',
      'vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for the root cause.',
    );
    engine.kill();
    this.#gpu.release();
    if (this.#environment.VLLM_KEEP_ALIVE_ON_ENGINE_DEATH) return;
    this.#clock.after(EXIT_AFTER_DEATH_MS, () => {
      this.#log.uvicorn('Shutting down');
      this.#leave({ code: 0 });
    });
  }

  /** What SIGTERM does. */
  terminate(): void {
    this.#terminations += 1;
    if (this.#faults.failures.hangOnShutdown) return;
    if (this.#phase === 'loading') this.#terminateWhileLoading();
    else if (this.#phase === 'serving') this.#shutDown();
  }

  /** Ends everything at once, as SIGKILL does. */
  async close(): Promise<void> {
    this.#leave({ code: 137 });
    await this.exited;
  }

  #readFailures(): Failures {
    const file = this.#settings.controlFile;
    if (file === undefined || !existsSync(file)) return this.#settings.failures;
    return failuresSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  }

  async #load(): Promise<void> {
    const { model } = this.#options;
    const facts = modelFacts(model);
    const loading = this.#loading(facts);
    const played = this.#faults.failures.start;
    if (played === 'Hang') await new Promise<never>(() => {});
    else if (played !== undefined) {
      const { failure, at } = playedStartFailure(played);
      await loading.until(at);
      throw this.#giveUp(failure);
    }
    try {
      const { plan, memory } = await loading.run();
      this.#memory = memory;
      await this.#serve(facts, plan);
    } catch (error) {
      throw error instanceof StartFailure ? this.#giveUp(error) : error;
    }
  }

  #loading(facts: ModelFacts): Loading {
    const { gpuProfile, gpus, memoryGiB, compileCache, kvCacheTokens, loadSeconds } = this.#settings;
    return new Loading({
      options: this.#options,
      facts,
      slot: { profile: GPU_PROFILES[gpuProfile], totalGiB: memoryGiB, gpus, compileCache },
      gpu: this.#gpu,
      kvCacheTokens,
      loadSeconds,
      log: this.#log,
      clock: this.#clock,
    });
  }

  #giveUp(failure: StartFailure): StartFailure {
    for (const { origin, text } of failure.lines) this.#log.plain(origin, text);
    if (failure.engineRecord !== undefined) {
      writeEngineError(this.#engineErrorFiles, this.#clock.wallMs(), failure.engineRecord);
    }
    this.#leave({ code: failure.exitCode });
    return failure;
  }

  async #serve(facts: ModelFacts, plan: EnginePlan): Promise<void> {
    if (this.#phase !== 'loading') return;
    const parts = this.#assemble(facts, plan);
    const { host, port } = this.#options;
    this.#port = await parts.server.listen(host, port);
    this.#parts = parts;
    this.#phase = 'serving';
    this.#applyStall();
    this.#log.info('APIServer', 'api_server.py:677', `Starting vLLM server on http://${host}:${this.#port}`);
    this.#log.uvicorn(`Started server process [${this.#start.pid ?? 1}]`);
    this.#log.uvicorn('Waiting for application startup.');
    this.#log.uvicorn('Application startup complete.');
    if (this.#options.logStats) this.#logStats(parts.metrics.totals);
  }

  #assemble(facts: ModelFacts, plan: EnginePlan): Parts {
    const models = new ServedModels(this.#options.model, this.#options.servedModelNames);
    const registry = new Registry(() => this.#clock.wallMs() / 1000);
    const refreshProcess = registerProcessMetrics(registry, {
      startedSeconds: this.#clock.wallMs() / 1000,
      residentBytes: () => process.memoryUsage.rss(),
      cpuSeconds: () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    });
    const scheduler = this.#scheduler(plan);
    const metrics = new EngineMetrics(registry, models.baseName, this.#options, plan, scheduler);
    const httpMetrics = new HttpMetrics(registry);
    const step = stepTimer(
      GPU_PROFILES[this.#settings.gpuProfile],
      { name: this.#options.model, facts, quantization: this.#options.quantization },
      {
        maxNumSeqs: plan.maxNumSeqs,
        gpus: this.#options.tensorParallelSize,
        slowdown: this.#settings.slowdown,
        speed: this.#settings.speed,
      },
    );
    const engine = new Engine(scheduler, this.#clock, step, metrics);
    const requests = new RequestLog();
    const context = this.#context({ facts, plan, engine, models, requests, metrics });
    const routes = routesFor({
      metricsText: () => {
        // An engine tells its figures with every step it ends: one that ends none says for ever what it said last.
        if (!engine.stalled) metrics.refresh();
        refreshProcess();
        return registry.render();
      },
      serverLoad: () => this.#parts?.server.load ?? 0,
      openApi: this.#options.fastapiDocs,
      task: this.#settings.task,
      runtimeAdapters: context.adapters !== undefined && this.#environment.VLLM_ALLOW_RUNTIME_LORA_UPDATING,
    });
    const server = new ApiServer(context, routes, httpMetrics, {
      apiKeys: this.#options.apiKeys,
      requestIdHeaders: this.#options.requestIdHeaders,
      keepAliveSeconds: this.#environment.VLLM_HTTP_TIMEOUT_KEEP_ALIVE,
      newId: context.newId,
      logAccess: this.#accessLog(),
      trackLoad: this.#options.serverLoadTracking,
    });
    return { server, engine, metrics, requests };
  }

  #scheduler({ kvBlocks, blockSize, maxNumSeqs, maxNumBatchedTokens }: EnginePlan): Scheduler {
    return new Scheduler(
      { kvBlocks, blockSize, maxNumSeqs, maxNumBatchedTokens, policy: this.#options.schedulingPolicy },
      this.#options.enablePrefixCaching ? new PrefixCache(kvBlocks) : undefined,
    );
  }

  #context(parts: ContextParts): ServingContext {
    const { facts, plan, engine, models, requests, metrics } = parts;
    return {
      options: this.#options,
      plan,
      clock: this.#clock,
      engine,
      models,
      adapters: this.#adapters(models),
      requests,
      maxSequencesPerRequest: this.#environment.VLLM_MAX_N_SEQUENCES,
      vocabularySize: facts.vocabulary,
      hiddenSize: facts.hidden,
      seed: this.#settings.seed,
      fingerprint: fingerprintOf(this.#options),
      newId: this.#start.newId ?? (() => randomBytes(8).toString('hex')),
      nowSeconds: () => Math.floor(this.#clock.wallMs() / 1000),
      faults: () => this.#faults,
      shuttingDown: () => this.#phase !== 'serving',
      onGenerationStart: () => {
        this.#inFlight += 1;
        this.#useMemoryUnderLoad();
      },
      onGenerationEnd: () => this.#generationEnded(),
      killEngine: (reason) => this.killEngine(reason),
      crash: (code) => this.#leave({ code }),
      onRejected: () => metrics.requestRejected(),
    };
  }

  #adapters(models: ServedModels): AdapterLoader | undefined {
    const { lora } = this.#options;
    if (lora === undefined) return undefined;
    const loader = new AdapterLoader(
      lora,
      models,
      this.#start.inspectAdapter ?? inspectAdapterIn(this.#settings.mounts),
      ({ path }) => this.killEngine(`FileNotFoundError: [Errno 2] No such file or directory: '${path}'`),
    );
    for (const { name, path } of lora.modules) {
      try {
        loader.load({ name, path }, false);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw new StartFailure([
          { origin: 'APIServer', text: '    raise ValueError(load_result.error.message)' },
          { origin: 'APIServer', text: `ValueError: ${text}` },
        ]);
      }
    }
    return loader;
  }

  #accessLog(): ((line: string, path: string) => void) | undefined {
    if (!this.#options.accessLog) return undefined;
    const excluded = new Set(this.#options.accessLogExcludedPaths);
    return (line, path) => {
      if (!excluded.has(path)) this.#log.access(line);
    };
  }

  #applyStall(): void {
    const { engine, metrics } = this.#parts ?? {};
    if (!this.#faults.failures.engineStalled) engine?.resume();
    else if (engine?.stalled === false) {
      metrics?.refresh();
      engine.stall();
    }
    if (this.#faults.failures.engineDead) this.killEngine();
  }

  #useMemoryUnderLoad(): void {
    if (this.#memoryUsedUnderLoad) return;
    this.#memoryUsedUnderLoad = true;
    const outOfMemory = this.#memory?.firstRequest();
    if (outOfMemory !== undefined) this.killEngine(outOfMemory);
  }

  #generationEnded(): void {
    this.#inFlight -= 1;
    this.#answered += 1;
    if (this.#answered === this.#faults.failures.engineDiesAfterRequests) this.killEngine();
    if (this.#phase === 'stopping' && this.#inFlight === 0) this.#drained();
  }

  #terminateWhileLoading(): void {
    const passed = (this.#clock.nowMs() - this.#startedMs) / 1000 / this.#settings.loadSeconds;
    if (passed < IMPORTS_SHARE) {
      this.#leave({ code: 143, signal: 'SIGTERM' });
      return;
    }
    if (this.#settings.sigtermWhileLoading === 'Swallow' && this.#terminations === 1) return;
    this.#log.plain('APIServer', 'KeyboardInterrupt: terminated');
    this.#leave({ code: 130, signal: 'SIGINT' });
  }

  #shutDown(): void {
    const { server, engine } = this.#parts ?? {};
    if (server === undefined || engine === undefined) return;
    this.#phase = 'stopping';
    const timeoutSeconds = this.#options.shutdownTimeoutSeconds;
    const mode = timeoutSeconds > 0 ? 'drain' : 'abort';
    this.#log.info('APIServer', 'launcher.py:100', '[shutdown] API server: shutdown triggered');
    this.#log.info(
      'APIServer',
      'launcher.py:116',
      `[shutdown] API server: stopping engine client mode=${mode} timeout=${timeoutSeconds}s`,
    );
    if (mode === 'drain') {
      this.#log.info(
        'EngineCore',
        'core.py:1452',
        `[shutdown] EngineCore: draining in-flight requests count=${this.#inFlight} timeout=${timeoutSeconds}s`,
      );
      this.#clock.after(timeoutSeconds * 1000, () => this.#abandon());
      if (this.#inFlight === 0) this.#drained();
    } else if (this.#settings.shutdownRace === 'Hang' && this.#inFlight > 0) {
      this.#abandon();
    } else {
      engine.abortRunning();
      this.#clock.after(EXIT_AFTER_ABORT_MS, () => this.#leave({ code: 0 }));
      server.stopListening(() => {});
    }
  }

  /** Everything has been answered: the process takes its time to end. */
  #drained(): void {
    if (this.#options.shutdownTimeoutSeconds === 0) return;
    this.#clock.after(this.#settings.drainExitSeconds * 1000, () => this.#leave({ code: 0 }));
  }

  /** The engine is gone with requests in flight: they hang, and the process stays until their clients leave. */
  #abandon(): void {
    const { server, engine } = this.#parts ?? {};
    if (this.#phase !== 'stopping' || this.#inFlight === 0) return;
    this.#log.warning(
      'APIServer',
      'utils.py:626',
      '[shutdown] Process manager: force killing remaining processes count=1',
    );
    engine?.halt();
    this.#gpu.release();
    this.#log.uvicorn('Waiting for connections to close. (CTRL+C to force quit)');
    server?.stopListening(() => this.#leave({ code: 0 }));
  }

  #leave(exit: SimulatorExit): void {
    if (this.#phase === 'gone') return;
    const wasServing = this.#phase !== 'loading';
    this.#phase = 'gone';
    this.#cancelStats?.();
    this.#gpu.release();
    this.#parts?.engine.halt();
    this.#parts?.server.stopListening(() => {});
    this.#parts?.server.destroyConnections();
    if (wasServing && exit.code === 0) this.#log.uvicorn('Application shutdown complete.');
    this.#resolveExit(exit);
  }

  #logStats(before: EngineMetrics['totals']): void {
    this.#cancelStats = this.#clock.after(STATS_INTERVAL_MS, () => {
      const { metrics, engine } = this.#parts ?? {};
      if (this.#phase === 'gone' || metrics === undefined || engine === undefined) return;
      const now = metrics.totals;
      const { running, waiting, kvUsage } = engine.scheduler;
      const rate = (key: 'promptTokens' | 'generationTokens'): string =>
        (((now[key] - before[key]) * 1000) / STATS_INTERVAL_MS).toFixed(1);
      if (now.generationTokens !== before.generationTokens || running.length > 0) {
        const hitRate = now.prefixQueries === 0 ? 0 : (100 * now.prefixHits) / now.prefixQueries;
        this.#log.info(
          'APIServer',
          'loggers.py:310',
          `Engine 000: Avg prompt throughput: ${rate('promptTokens')} tokens/s, Avg generation throughput: ${rate('generationTokens')} tokens/s, Running: ${running.length} reqs, Waiting: ${waiting.length} reqs, GPU KV cache usage: ${(kvUsage * 100).toFixed(1)}%, Prefix cache hit rate: ${hitRate.toFixed(1)}%`,
        );
      }
      this.#logStats(now);
    });
  }
}

function gpuOf({ gpu, memoryUsedByOthersGiB }: SimulatorSettings, clock: Clock): GpuMemory {
  if (gpu === undefined) return steadyNeighbours(memoryUsedByOthersGiB);
  return sharedGpu({ ...gpu, clock, pid: process.pid });
}

function fingerprintOf({ fingerprint, nonDefaultArguments }: EngineOptions): string | null {
  if (fingerprint.mode === 'none') return null;
  if (fingerprint.mode === 'custom') return fingerprint.value ?? null;
  return `vllm-${VLLM_VERSION}-${hashText(nonDefaultArguments).toString(16).padStart(8, '0')}`;
}

/**
 * Starts a simulator and waits until it serves.
 *
 * @throws {CommandLineError | StartFailure} if vLLM would not start like that
 */
export async function startVllmSimulator(start: SimulatorStart): Promise<VllmSimulator> {
  const simulator = new VllmSimulator(start);
  await simulator.ready;
  return simulator;
}
