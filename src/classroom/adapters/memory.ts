import type { ClassroomStatus } from '../../api/classroom.ts';
import type { LoadedAdapter } from '../../vllm/loaded-adapters.ts';
import type { AdapterAnswer } from './answers.ts';
import {
  type Attempt,
  attemptAfter,
  quarantined,
  type Suspicion,
  suspectKey,
  suspicionAfter,
  UNLOADING,
} from './attempts.ts';
import type { ReadyEngine } from './engines.ts';
import type { KnownEngine, Step } from './next-step.ts';
import type { WantedAdapter } from './wanted.ts';

/** What is remembered of one engine. */
interface Remembered {
  /** What it last said it has. */
  loaded: readonly LoadedAdapter[] | undefined;
  /** Why it did not answer the last question; undefined: it did. */
  silence: string | undefined;
  /** Questions in a row that it did not answer. */
  silences: number;
  /** Not to be asked before; ms of the monotonic clock. */
  askAtMs: number;
  attempts: Map<string, Attempt>;
}

/** An engine and what is remembered of it. */
export interface RememberedEngine extends ReadyEngine, KnownEngine {
  /** What it last said it has, also when it does not answer now. */
  readonly lastLoaded: readonly LoadedAdapter[];
  /** Why it did not answer the last question; undefined: it did, or was not asked. */
  readonly silence: string | undefined;
}

const SILENCE_RETRY = { firstMs: 2_000, maxMs: 60_000 };

/** What the operator remembers of the adapters of one class between two passes. All times are ms of the monotonic clock. */
export class ClassMemory {
  readonly suspicions = new Map<string, Suspicion>();
  #engines = new Map<string, Remembered>();

  /** Those that were quarantined before the operator started anew stay so. */
  constructor(wanted: readonly WantedAdapter[], status: ClassroomStatus | undefined) {
    for (const { name, path, state, message: why = '' } of status?.adapters ?? []) {
      const adapter = wanted.find((one) => one.name === name && one.path === path);
      if (adapter === undefined || state !== 'Quarantined') continue;
      this.suspicions.set(suspectKey(adapter), quarantined(why));
    }
  }

  /** Forgets engines that are gone and adapters that are not wanted; knows the others. */
  look(ready: readonly ReadyEngine[], wanted: readonly WantedAdapter[]): RememberedEngine[] {
    this.#engines = new Map(
      ready.map(({ instance }) => [instance, this.#engines.get(instance) ?? unknown()]),
    );
    const suspects = new Set(wanted.map(suspectKey));
    for (const key of this.suspicions.keys()) if (!suspects.has(key)) this.suspicions.delete(key);
    const models = new Set(wanted.map(({ model }) => model));
    return ready.map((engine) => {
      const { attempts, loaded, silence } = this.#of(engine.instance);
      for (const model of attempts.keys()) {
        if (!models.has(model) && !loaded?.some((one) => one.model === model)) attempts.delete(model);
      }
      const known = { attempts, silence, lastLoaded: loaded ?? [] };
      return { ...engine, ...known, loaded: silence === undefined ? loaded : undefined };
    });
  }

  /** Whether it is time to ask this engine what it has loaded. */
  isDue(instance: string, nowMs: number): boolean {
    return this.#of(instance).askAtMs <= nowMs;
  }

  /** @param loaded what the engine says it has; undefined: it did not say, because of `silence` */
  heard(
    instance: string,
    loaded: readonly LoadedAdapter[] | undefined,
    silence: string,
    nowMs: number,
  ): void {
    const engine = this.#of(instance);
    if (loaded !== undefined) {
      engine.loaded = loaded;
      engine.silence = undefined;
      engine.silences = 0;
      engine.askAtMs = nowMs;
      return;
    }
    const { firstMs, maxMs } = SILENCE_RETRY;
    engine.silence = silence;
    engine.askAtMs = nowMs + Math.min(firstMs * 2 ** engine.silences, maxMs);
    engine.silences += 1;
  }

  /** The engine carried out a step, and does not say so when it is asked: it is left alone for a while. */
  contradicted(instance: string, nowMs: number): void {
    const engine = this.#of(instance);
    engine.silence = 'it did what it was told, and /v1/models says otherwise';
    engine.askAtMs = nowMs + SILENCE_RETRY.maxMs;
  }

  /** The engine's answer to a step. */
  answered({ kind, engine: instance, adapter }: Step, answer: AdapterAnswer, nowMs: number): void {
    const engine = this.#of(instance);
    const { model, folder } = adapter;
    const tried = kind === 'load' ? folder : UNLOADING;
    const attempt = attemptAfter(engine.attempts.get(model), tried, answer, nowMs);
    if (attempt === undefined) engine.attempts.delete(model);
    else engine.attempts.set(model, attempt);
    if (kind === 'unload') return;
    const key = suspectKey(adapter);
    if (answer.kind === 'done') this.suspicions.delete(key);
    if (answer.kind === 'engine-dead' || answer.kind === 'cut') {
      this.suspicions.set(key, suspicionAfter(this.suspicions.get(key), answer, nowMs));
      // Whatever it had is gone with it, or will be heard of.
      engine.loaded = undefined;
      this.heard(instance, undefined, answer.said, nowMs);
    }
  }

  /** When the next silent engine is to be asked again. */
  nextAskMs(nowMs: number): number | undefined {
    const times = [...this.#engines.values()].map(({ askAtMs }) => askAtMs).filter((atMs) => atMs > nowMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #of(instance: string): Remembered {
    const engine = this.#engines.get(instance);
    if (engine === undefined) throw new Error(`engine ${instance} was not looked at`);
    return engine;
  }
}

function unknown(): Remembered {
  return { loaded: undefined, silence: undefined, silences: 0, askAtMs: 0, attempts: new Map() };
}
