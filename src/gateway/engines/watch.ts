import { readText } from '../../http/read-text.ts';
import type { Clock } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { readLoadedAdapters } from '../../vllm/loaded-adapters.ts';
import type { EngineConnections } from './connection.ts';
import { readEngineLoad } from './engine-metrics.ts';
import type { EngineRegistry, EngineView } from './registry.ts';

export interface EngineWatchOptions {
  readonly engines: EngineRegistry;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether a class has adapters: only then its engines are asked which they have. */
  readonly hasAdapters: (classroomKey: string) => boolean;
  /** Between two questions to an engine, ms. */
  readonly intervalMs: number;
}

/** A question that an idle engine answers in milliseconds and a busy one within a few steps. */
const DEADLINE_MS = 2_000;
/** vLLM's metrics are about 50 KiB. */
const MAX_METRICS_BYTES = 4 * 1024 * 1024;

/**
 * Asks every engine that is added from now on, until it is gone: one in use for its metrics and its adapters, one that
 * is out for its health, when its time has come. A question that fails says nothing about the engine's use: students'
 * requests decide on that, and the pod's readiness.
 */
export function watchEngines(options: EngineWatchOptions): void {
  options.engines.onAdded((engine, gone) => void watch(options, engine, gone));
}

async function watch(options: EngineWatchOptions, engine: EngineView, gone: AbortSignal): Promise<void> {
  const { clock, intervalMs, log } = options;
  let isOut = false;
  while (!gone.aborted) {
    const { probeAtMs } = engine;
    if (probeAtMs !== undefined) {
      if (!isOut) log.warn({ engine: engine.id }, 'An engine that failed is out until it answers a probe');
      await probe(options, engine, probeAtMs, gone);
    } else if (engine.ready) {
      const { hasAdapters } = options;
      if (hasAdapters(engine.classroomKey)) await askAdapters(options, engine, gone);
      await scrape(options, engine, gone);
    }
    isOut = probeAtMs !== undefined && engine.probeAtMs !== undefined;
    // Each on its own: no two engines wait for each other.
    await clock.sleep(intervalMs, gone).catch(() => {});
  }
}

async function probe(
  { engines, clock, log }: EngineWatchOptions,
  engine: EngineView,
  atMs: number,
  gone: AbortSignal,
): Promise<void> {
  const leftMs = atMs - clock.monotonic();
  if (leftMs > 0) await clock.sleep(leftMs, gone).catch(() => {});
  if (gone.aborted) return;
  const answer = await ask(engine.dispatcher, '/health', clock, gone);
  const ok = answer.status === 200;
  engines.reportProbe(engine.id, ok);
  log.info({ engine: engine.id, ok }, ok ? 'An engine is used again' : 'An engine is still out');
}

async function scrape(
  { engines, clock, log }: EngineWatchOptions,
  engine: EngineView,
  gone: AbortSignal,
): Promise<void> {
  const answer = await ask(engine.dispatcher, '/metrics', clock, gone);
  const load = answer.status === 200 ? readEngineLoad(answer.text) : undefined;
  if (load !== undefined) engines.reportLoad(engine.id, load);
  else log.debug({ engine: engine.id, ...answer.error }, 'An engine did not tell its load');
}

async function askAdapters(
  { engines, clock, log }: EngineWatchOptions,
  engine: EngineView,
  gone: AbortSignal,
): Promise<void> {
  const answer = await ask(engine.dispatcher, '/v1/models', clock, gone);
  const adapters = answer.status === 200 ? readLoadedAdapters(answer.text) : undefined;
  if (adapters !== undefined) engines.reportAdapters(engine.id, adapters);
  else log.debug({ engine: engine.id, ...answer.error }, 'An engine did not tell its adapters');
}

interface Answer {
  /** Undefined when there was none. */
  readonly status: number | undefined;
  readonly text: string;
  readonly error?: object;
}

/** Never rejects. */
async function ask(
  dispatcher: EngineConnections,
  path: string,
  clock: Clock,
  gone: AbortSignal,
): Promise<Answer> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error(`no answer within ${DEADLINE_MS} ms`));
  const timer = clock.setTimeout(abort, DEADLINE_MS);
  gone.addEventListener('abort', abort);
  try {
    const { statusCode, body } = await dispatcher.request({
      method: 'GET',
      path,
      signal: controller.signal,
    });
    return { status: statusCode, text: await readText(body, MAX_METRICS_BYTES) };
  } catch (error) {
    return { status: undefined, text: '', error: describeError(error) };
  } finally {
    timer.cancel();
    gone.removeEventListener('abort', abort);
  }
}
