import type { LoadedAdapter } from '../../vllm/loaded-adapters.ts';
import { type Attempt, isQuarantined, mayTry, type Suspicion, suspectKey, UNLOADING } from './attempts.ts';
import type { WantedAdapter } from './wanted.ts';

/** An engine that answers, and what is known of its adapters. */
export interface KnownEngine {
  /** The pod and the start of its container: a container that starts anew has nothing loaded. */
  readonly instance: string;
  /** Name of the pod. */
  readonly name: string;
  /** The highest rank it takes; undefined: it was started without adapters. */
  readonly startedForRank: number | undefined;
  /** It was started for another model than the spec says by now, or for another name of it. */
  readonly runsAnotherModel: boolean;
  /** What it said it has; undefined: it has not been asked, or did not answer the last question. */
  readonly loaded: readonly LoadedAdapter[] | undefined;
  /** By model name. */
  readonly attempts: ReadonlyMap<string, Attempt>;
}

/** One thing to tell one engine. */
export type Step =
  | { readonly kind: 'unload'; readonly engine: string; readonly adapter: LoadedAdapter }
  | { readonly kind: 'load'; readonly engine: string; readonly adapter: WantedAdapter };

/**
 * What to do next, one step at a time and engine after engine: an adapter that ends an engine is known before a second
 * engine has heard of it. What is not wanted goes first. An adapter in another folder than wanted is unloaded and loaded
 * anew, never replaced in place, which would change the weights under answers that are being written.
 *
 * Adapters are made for one model: an engine that runs another one until it may be started anew keeps those it has.
 *
 * @param nowMs of the monotonic clock
 */
export function nextStep(
  wanted: readonly WantedAdapter[],
  engines: readonly KnownEngine[],
  suspicions: ReadonlyMap<string, Suspicion>,
  nowMs: number,
): Step | undefined {
  for (const engine of engines) {
    const step = stepFor(engine, wanted, suspicions, nowMs);
    if (step !== undefined) return step;
  }
  return undefined;
}

function stepFor(
  { instance, loaded, attempts, startedForRank, runsAnotherModel }: KnownEngine,
  wanted: readonly WantedAdapter[],
  suspicions: ReadonlyMap<string, Suspicion>,
  nowMs: number,
): Step | undefined {
  if (loaded === undefined || startedForRank === undefined || runsAnotherModel) return undefined;
  const unwanted = loaded.find(
    (adapter) => !isWanted(adapter, wanted) && mayTry(attempts.get(adapter.model), UNLOADING, nowMs),
  );
  if (unwanted !== undefined) return { kind: 'unload', engine: instance, adapter: unwanted };
  const missing = wanted.find(
    (adapter) =>
      adapter.rank <= startedForRank &&
      !loaded.some(({ model }) => model === adapter.model) &&
      mayTry(attempts.get(adapter.model), adapter.folder, nowMs) &&
      isTrusted(suspicions.get(suspectKey(adapter)), nowMs),
  );
  return missing === undefined ? undefined : { kind: 'load', engine: instance, adapter: missing };
}

/** Whether an engine with these adapters has carried out the step. */
export function isDone({ kind, adapter }: Step, loaded: readonly LoadedAdapter[]): boolean {
  const { model, folder } = adapter;
  const has = loaded.some((one) => one.model === model && one.folder === folder);
  return has === (kind === 'load');
}

/** Also one in quarantine: where it is loaded and works, students go on with it. */
function isWanted({ model, folder }: LoadedAdapter, wanted: readonly WantedAdapter[]): boolean {
  return wanted.some((adapter) => adapter.model === model && adapter.folder === folder);
}

function isTrusted(suspicion: Suspicion | undefined, nowMs: number): boolean {
  return suspicion === undefined || (!isQuarantined(suspicion) && suspicion.retryAtMs <= nowMs);
}

/** When time alone allows another step: the earliest of what waits from now on, ms of the monotonic clock. */
export function nextTryMs(
  engines: readonly KnownEngine[],
  suspicions: ReadonlyMap<string, Suspicion>,
  nowMs: number,
): number | undefined {
  const attempts = engines.flatMap((engine) => [...engine.attempts.values()]);
  const suspects = [...suspicions.values()].filter((one) => !isQuarantined(one));
  const times = [...attempts, ...suspects]
    .map(({ retryAtMs }) => retryAtMs ?? 0)
    .filter((atMs) => atMs > nowMs);
  return times.length === 0 ? undefined : Math.min(...times);
}
