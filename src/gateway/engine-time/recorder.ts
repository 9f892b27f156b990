import { LABELS } from '../../api/labels.ts';
import type { Clock, Timer } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { keyOf } from '../../kube/object.ts';
import type { Pod } from '../../kube/resources.ts';
import type { StoreHandler } from '../../kube/store.ts';
import { type EngineHour, engineHourKey, joined } from '../../report/engine-hour.ts';
import { minutesBetween } from '../../report/hour-minutes.ts';
import { engineIdOf } from '../engines/pods.ts';
import type { EngineTimeBook } from '../ledger/engine-time.ts';
import { gpuUnitsOf, heldSpanOf } from './held-gpus.ts';

/** Keeps account of when engines hold GPUs and when they work. Traffic never waits for it. */
export interface EngineTime {
  /** Tells of every engine pod and of every change of one, of those that are not ready too. */
  readonly onPod: StoreHandler<Pod>;
  /** An engine had a request. @param fromMs epoch ms, as `toMs` */
  used(engineId: string, fromMs: number, toMs: number): void;
  /** Writes what was not written yet. Nothing may be called any more. */
  stop(): Promise<void>;
}

export interface EngineTimeOptions {
  readonly book: EngineTimeBook;
  /** How much of a GPU a unit is that engines of a class ask for; undefined while the class is not known. */
  readonly gpuShareOf: (classroomKey: string) => number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A gateway that dies loses no more of an engine that ends meanwhile. */
const INTERVAL_MS = 30_000;
/** What an engine did longer ago, while no gateway ran, is not made up for. */
const LONGEST_SPAN_MS = 31 * 24 * 3_600_000;
/** So long an engine that is gone is known: its last requests end after it. */
const REMEMBERED_MS = 600_000;

const NO_MINUTES = { early: 0, late: 0 };

interface Engine {
  readonly classroomKey: string;
  readonly name: string;
  readonly units: number;
  /** Undefined until its class was known. */
  gpus: number | undefined;
  /** Epoch ms up to which its time is in the account; undefined: it holds no GPU. */
  markedToMs: number | undefined;
  /** Epoch ms. */
  goneMs: number | undefined;
}

/**
 * Several gateways write the same, and one that starts writes what others wrote before: minutes are joined, so nothing
 * counts twice.
 */
export function createEngineTime(options: EngineTimeOptions): EngineTime {
  const recorder = new Recorder(options);
  return {
    onPod: ({ type, object }) => (type === 'deleted' ? recorder.deleted(object) : recorder.seen(object)),
    used: (engineId, fromMs, toMs) => recorder.used(engineId, fromMs, toMs),
    stop: () => recorder.stop(),
  };
}

class Recorder {
  readonly #options: EngineTimeOptions;
  readonly #engines = new Map<string, Engine>();
  /** What is not written yet. */
  readonly #hours = new Map<string, EngineHour>();
  #timer: Timer | undefined;
  #failing = false;

  constructor(options: EngineTimeOptions) {
    this.#options = options;
  }

  seen(pod: Pod): void {
    const nowMs = this.#options.clock.now();
    const held = heldSpanOf(pod, nowMs);
    if (held === undefined) return;
    const engine = this.#engineOf(pod);
    if (engine === undefined || engine.goneMs !== undefined) return;
    engine.markedToMs ??= Math.max(held.fromMs, nowMs - LONGEST_SPAN_MS);
    if (held.toMs !== undefined) this.#end(engine, held.toMs);
    this.#wait();
  }

  deleted(pod: Pod): void {
    const engine = this.#engines.get(engineIdOf(pod));
    if (engine !== undefined && engine.goneMs === undefined) this.#end(engine, this.#options.clock.now());
  }

  used(engineId: string, fromMs: number, toMs: number): void {
    const engine = this.#engines.get(engineId);
    if (engine !== undefined) this.#add(engine, fromMs, toMs, 'used');
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#markAll();
    await this.#write();
  }

  #engineOf(pod: Pod): Engine | undefined {
    const id = engineIdOf(pod);
    const known = this.#engines.get(id);
    const { namespace = 'default', name, labels } = pod.metadata;
    const classroom = labels?.[LABELS.classroom];
    if (known !== undefined || classroom === undefined) return known;
    const engine: Engine = {
      classroomKey: keyOf({ namespace, name: classroom }),
      name,
      units: gpuUnitsOf(pod),
      gpus: undefined,
      markedToMs: undefined,
      goneMs: undefined,
    };
    this.#engines.set(id, engine);
    return engine;
  }

  #end(engine: Engine, atMs: number): void {
    this.#markTo(engine, atMs);
    engine.markedToMs = undefined;
    engine.goneMs = this.#options.clock.now();
  }

  #markAll(): void {
    const nowMs = this.#options.clock.now();
    for (const [id, engine] of this.#engines) {
      this.#markTo(engine, nowMs);
      if (engine.goneMs !== undefined && nowMs - engine.goneMs > REMEMBERED_MS) this.#engines.delete(id);
    }
  }

  /** Of an engine whose class is not known yet the time is made up for when it is. */
  #markTo(engine: Engine, toMs: number): void {
    if (engine.markedToMs === undefined) return;
    if (this.#add(engine, engine.markedToMs, toMs, 'running')) engine.markedToMs = toMs;
  }

  /** @returns whether it could be added */
  #add(engine: Engine, fromMs: number, toMs: number, kind: 'running' | 'used'): boolean {
    const { classroomKey, name, units } = engine;
    const share = this.#options.gpuShareOf(classroomKey);
    if (share !== undefined) engine.gpus = units * share;
    const { gpus } = engine;
    // Without GPUs, as an engine on a CPU, there is nothing to account for.
    if (gpus === undefined || gpus === 0) return false;
    for (const { hour, early, late } of minutesBetween(fromMs, toMs)) {
      const nothing = { classroomKey, engine: name, hour, gpus, running: NO_MINUTES, used: NO_MINUTES };
      const more: EngineHour = { ...nothing, [kind]: { early, late } };
      const key = engineHourKey(more);
      this.#hours.set(key, joined(this.#hours.get(key), more));
    }
    return true;
  }

  /** Without engines there is no timer. */
  #wait(): void {
    this.#timer ??= this.#options.clock.setTimeout(() => void this.#tick(), INTERVAL_MS);
  }

  async #tick(): Promise<void> {
    this.#markAll();
    await this.#write();
    this.#timer = undefined;
    if (this.#engines.size > 0) this.#wait();
  }

  async #write(): Promise<void> {
    const hours = [...this.#hours.values()];
    this.#hours.clear();
    if (hours.length === 0) return;
    const { book, log } = this.#options;
    try {
      await book.engineHours(hours);
      if (this.#failing) log.info({}, 'The time of engines can be written again');
      this.#failing = false;
    } catch (error) {
      for (const hour of hours) {
        const key = engineHourKey(hour);
        this.#hours.set(key, joined(this.#hours.get(key), hour));
      }
      if (!this.#failing) log.warn(describeError(error), 'The time of engines cannot be written now');
      this.#failing = true;
    }
  }
}
