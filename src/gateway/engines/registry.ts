import {
  adjustWindow,
  type EngineLoad,
  type EngineUsage,
  type EngineWindow,
  fits,
  openWindow,
  windowOf,
} from './capacity.ts';
import { chooseEngine, hashOf } from './choice.ts';
import { answered, type Circuit, CLOSED, type EngineFault, failed, probed, probeFailed } from './circuit.ts';
import type { EngineConnections } from './connection.ts';

/** One engine as whoever found it describes it. */
export interface EngineAddress {
  /** Unique and stable: the pod's uid, or the URL of a static engine. */
  readonly id: string;
  readonly classroomKey: string;
  /** Such as `http://10.0.0.7:8000`. */
  readonly origin: string;
}

/** What a request needs of an engine. */
export interface Demand {
  /** Whose it is: the same student gets the same engine, where that is possible. */
  readonly student: string;
  /** The most tokens it can occupy in the KV cache. */
  readonly kvTokens: number;
  /** Share of each engine that may be used, over 0 to 1: the rest is for other replicas. */
  readonly share: number;
  /** Engines that were tried already; then one that is full is better than none. */
  readonly except?: ReadonlySet<string>;
  /** What it must have loaded; undefined: only the base model. */
  readonly adapter?: AdapterNeed | undefined;
}

/** An adapter, and the folder that an engine has it from: another version of it is another adapter. */
export interface AdapterNeed {
  readonly model: string;
  readonly folder: string;
}

/** A place at an engine, for one request. Give it back exactly once, with `release`. */
export interface EngineUse {
  readonly id: string;
  readonly dispatcher: EngineConnections;
  /** The engine said that it does not have this adapter. */
  lacks(model: string): void;
  /** @param outcome `answered` to the end, a fault of the engine, or undefined where neither is known */
  release(outcome?: 'answered' | EngineFault): void;
}

/** An engine as those see it who look after it. */
export interface EngineView extends EngineAddress {
  readonly dispatcher: EngineConnections;
  /** Its pod takes requests. */
  readonly ready: boolean;
  /** When to probe it, ms of the monotonic clock; undefined while it is not out. */
  readonly probeAtMs: number | undefined;
}

/** Called with the key of a class whose engines can do more or less than before. */
export type EnginesChanged = (classroomKey: string) => void;

/** Engines and their places, for the metrics. */
export interface EngineCount {
  /** May be asked now. */
  readonly ready: number;
  /** Taken out after failures. */
  readonly out: number;
  readonly inFlight: number;
  /** Requests that the ready ones are given at a time. */
  readonly capacity: number;
}

/**
 * The engines that may be asked now, and what each of them carries.
 *
 * Writers call `put` for an engine that is ready, `drain` for one that takes no new requests (not ready, or being
 * deleted) and `remove` for one that is gone: what still runs there fails at once instead of at a time-out.
 */
export interface EngineRegistry {
  put(engine: EngineAddress): void;
  drain(id: string): void;
  remove(id: string): void;
  /** @param maxNumSeqs requests that each engine of the class computes together */
  plan(classroomKey: string, maxNumSeqs: number): void;
  /** A place at the engine that suits the request best; undefined when there is none now. */
  take(classroomKey: string, demand: Demand): EngineUse | undefined;
  /** Requests at a time that the usable engines of a class can be given. */
  capacityOf(classroomKey: string): number;
  /** Engines of a class that can be asked: ready, and not taken out. */
  readyCount(classroomKey: string): number;
  /** Whether an engine of the class can be asked for the adapter: one that has no other version of it. */
  mayServe(classroomKey: string, adapter: AdapterNeed): boolean;
  /** The adapters that an engine says it has. */
  reportAdapters(id: string, adapters: readonly AdapterNeed[]): void;
  /** What an engine said of itself. */
  reportLoad(id: string, load: EngineLoad): void;
  /** How a probe of an engine that is out ended. */
  reportProbe(id: string, ok: boolean): void;
  /** @returns ends the subscription */
  subscribe(listener: EnginesChanged): () => void;
  /** Called for each engine that is added from now on, with a signal that aborts when it is forgotten. */
  onAdded(listener: (engine: EngineView, gone: AbortSignal) => void): void;
  readonly size: EngineCount;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface EngineRegistryOptions {
  /** Connections to one engine. */
  readonly connect: (origin: string) => EngineConnections;
  /** Ms of the monotonic clock. */
  readonly monotonic: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** What is assumed of engines about which nothing was planned; what they say of themselves lowers it where needed. */
export const DEFAULT_MAX_NUM_SEQS = 64;

interface Engine {
  readonly address: EngineAddress;
  readonly dispatcher: EngineConnections;
  readonly hash: number;
  readonly gone: AbortController;
  ready: boolean;
  circuit: Circuit;
  window: EngineWindow;
  kvCapacity: number | undefined;
  /** Undefined: it has not said since it became ready. */
  adapters: readonly AdapterNeed[] | undefined;
  inFlight: number;
  kvTokens: number;
  /** Position in the order of picks. */
  lastPick: number;
}

interface Group {
  readonly engines: Set<Engine>;
  maxNumSeqs: number;
}

/** An empty registry. */
export function createEngineRegistry(options: EngineRegistryOptions): EngineRegistry {
  return new Registry(options);
}

class Registry implements EngineRegistry {
  readonly #options: EngineRegistryOptions;
  readonly #engines = new Map<string, Engine>();
  readonly #groups = new Map<string, Group>();
  readonly #listeners = new Set<EnginesChanged>();
  readonly #added: ((engine: EngineView, gone: AbortSignal) => void)[] = [];
  #picks = 0;

  constructor(options: EngineRegistryOptions) {
    this.#options = options;
  }

  put(address: EngineAddress): void {
    const known = this.#engines.get(address.id);
    if (known !== undefined && sameAddress(known.address, address)) makeReady(known);
    else {
      if (known !== undefined) this.#forget(known);
      this.#add(address);
    }
    this.#publish(address.classroomKey);
  }

  drain(id: string): void {
    const known = this.#engines.get(id);
    if (known === undefined) return;
    known.ready = false;
    this.#publish(known.address.classroomKey);
  }

  remove(id: string): void {
    const known = this.#engines.get(id);
    if (known === undefined) return;
    this.#forget(known);
    this.#publish(known.address.classroomKey);
  }

  plan(classroomKey: string, maxNumSeqs: number): void {
    const group = this.#groups.get(classroomKey);
    if (group === undefined || group.maxNumSeqs === maxNumSeqs) return;
    group.maxNumSeqs = maxNumSeqs;
    for (const engine of group.engines) engine.window = openWindow(maxNumSeqs);
  }

  take(classroomKey: string, demand: Demand): EngineUse | undefined {
    const { student, kvTokens, share, except, adapter } = demand;
    const group = this.#groups.get(classroomKey);
    if (group === undefined) return undefined;
    const usable = this.#candidates(group, except, adapter);
    const engine = chooseEngine(usable, student, (candidate) => {
      if (except !== undefined) return true;
      const allowed = windowOf(candidate.window, group.maxNumSeqs);
      return fits(usageOf(candidate), kvTokens, allowed, candidate.kvCapacity, share);
    });
    return engine === undefined ? undefined : this.#occupy(engine, kvTokens, student);
  }

  capacityOf(classroomKey: string): number {
    const group = this.#groups.get(classroomKey);
    let capacity = 0;
    for (const engine of group?.engines ?? []) {
      if (isUsable(engine)) capacity += windowOf(engine.window, group?.maxNumSeqs ?? 0);
    }
    return capacity;
  }

  readyCount(classroomKey: string): number {
    let ready = 0;
    for (const engine of this.#groups.get(classroomKey)?.engines ?? []) if (isUsable(engine)) ready += 1;
    return ready;
  }

  mayServe(classroomKey: string, adapter: AdapterNeed): boolean {
    for (const engine of this.#groups.get(classroomKey)?.engines ?? []) {
      if (isUsable(engine) && fitnessFor(engine, adapter) > NO_FITNESS) return true;
    }
    return false;
  }

  reportAdapters(id: string, adapters: readonly AdapterNeed[]): void {
    const engine = this.#engines.get(id);
    if (engine === undefined) return;
    engine.adapters = adapters;
    this.#publish(engine.address.classroomKey);
  }

  reportLoad(id: string, load: EngineLoad): void {
    const engine = this.#engines.get(id);
    if (engine === undefined) return;
    const { classroomKey } = engine.address;
    const planned = this.#groups.get(classroomKey)?.maxNumSeqs ?? DEFAULT_MAX_NUM_SEQS;
    engine.window = adjustWindow(engine.window, load, planned, engine.inFlight);
    engine.kvCapacity = load.kvTokens ?? engine.kvCapacity;
    this.#publish(classroomKey);
  }

  reportProbe(id: string, ok: boolean): void {
    const engine = this.#engines.get(id);
    if (engine === undefined || engine.circuit.probeAtMs === undefined) return;
    engine.circuit = ok
      ? probed(engine.circuit)
      : probeFailed(engine.circuit, this.#options.monotonic(), this.#options.random());
    if (ok) this.#publish(engine.address.classroomKey);
  }

  subscribe(listener: EnginesChanged): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onAdded(listener: (engine: EngineView, gone: AbortSignal) => void): void {
    this.#added.push(listener);
  }

  get size(): EngineCount {
    const count = { ready: 0, out: 0, inFlight: 0, capacity: 0 };
    for (const engine of this.#engines.values()) {
      if (isUsable(engine)) count.ready += 1;
      else if (engine.ready) count.out += 1;
      count.inFlight += engine.inFlight;
    }
    for (const key of this.#groups.keys()) count.capacity += this.capacityOf(key);
    return count;
  }

  async close(): Promise<void> {
    const all = [...this.#engines.values()];
    this.#engines.clear();
    this.#groups.clear();
    for (const engine of all) engine.gone.abort();
    await Promise.all(all.map((engine) => engine.dispatcher.destroy()));
  }

  /** Those that can be asked; for an adapter only those of them that most probably have it. */
  #candidates(
    { engines }: Group,
    except: ReadonlySet<string> | undefined,
    adapter: AdapterNeed | undefined,
  ): Engine[] {
    const usable: Engine[] = [];
    for (const engine of engines) {
      if (isUsable(engine) && !except?.has(engine.address.id)) usable.push(engine);
    }
    if (adapter === undefined) return usable;
    const best = Math.max(...usable.map((engine) => fitnessFor(engine, adapter)));
    return best === NO_FITNESS ? [] : usable.filter((engine) => fitnessFor(engine, adapter) === best);
  }

  #add(address: EngineAddress): void {
    const group = this.#groups.get(address.classroomKey) ?? {
      engines: new Set(),
      maxNumSeqs: DEFAULT_MAX_NUM_SEQS,
    };
    this.#groups.set(address.classroomKey, group);
    const engine: Engine = {
      address,
      dispatcher: this.#options.connect(address.origin),
      hash: hashOf(address.id),
      gone: new AbortController(),
      ready: true,
      circuit: CLOSED,
      window: openWindow(group.maxNumSeqs),
      kvCapacity: undefined,
      adapters: undefined,
      inFlight: 0,
      kvTokens: 0,
      lastPick: 0,
    };
    this.#engines.set(address.id, engine);
    group.engines.add(engine);
    for (const listener of this.#added) listener(viewOf(engine), engine.gone.signal);
  }

  #forget(engine: Engine): void {
    const { id, classroomKey } = engine.address;
    this.#engines.delete(id);
    const group = this.#groups.get(classroomKey);
    group?.engines.delete(engine);
    if (group?.engines.size === 0) this.#groups.delete(classroomKey);
    engine.ready = false;
    engine.gone.abort();
    // Nobody waits for the sockets to be gone, and a socket that fails to close cannot be helped.
    void engine.dispatcher.destroy().catch(() => {});
  }

  #occupy(engine: Engine, kvTokens: number, student: string): EngineUse {
    engine.inFlight += 1;
    engine.kvTokens += kvTokens;
    engine.lastPick = ++this.#picks;
    let released = false;
    return {
      id: engine.address.id,
      dispatcher: engine.dispatcher,
      lacks: (model) => {
        engine.adapters = (engine.adapters ?? []).filter((adapter) => adapter.model !== model);
      },
      release: (outcome) => {
        if (released) throw new Error(`engine ${engine.address.id} was released twice for one request`);
        released = true;
        engine.inFlight -= 1;
        engine.kvTokens -= kvTokens;
        this.#judge(engine, outcome, student);
      },
    };
  }

  #judge(engine: Engine, outcome: 'answered' | EngineFault | undefined, student: string): void {
    if (outcome === undefined) return;
    if (outcome === 'answered') {
      engine.circuit = answered(engine.circuit);
      return;
    }
    const before = engine.circuit;
    const failure = { fault: outcome, student };
    engine.circuit = failed(before, failure, this.#options.monotonic(), this.#options.random());
    const wentOut = before.probeAtMs === undefined && engine.circuit.probeAtMs !== undefined;
    if (wentOut) this.#publish(engine.address.classroomKey);
  }

  #publish(classroomKey: string): void {
    for (const listener of this.#listeners) listener(classroomKey);
  }
}

/** A pod that becomes ready has just answered the probe of its node: there is no need to wait for ours. */
function makeReady(engine: Engine): void {
  if (engine.ready) return;
  engine.ready = true;
  engine.circuit = probed(engine.circuit);
  // It may have started anew, and then has none.
  engine.adapters = undefined;
}

const NO_FITNESS = 0;

/**
 * How probably an engine has an adapter. One that did not have it a second ago may have it now, and answers at once when
 * it does not; one that has another version would answer with that.
 */
function fitnessFor({ adapters }: Engine, { model, folder }: AdapterNeed): number {
  if (adapters === undefined) return 2;
  const known = adapters.find((one) => one.model === model);
  if (known === undefined) return 1;
  return known.folder === folder ? 3 : NO_FITNESS;
}

function isUsable({ ready, circuit }: Engine): boolean {
  return ready && circuit.probeAtMs === undefined;
}

function usageOf(engine: Engine): EngineUsage {
  return { requests: engine.inFlight, kvTokens: engine.kvTokens };
}

function viewOf(engine: Engine): EngineView {
  return {
    ...engine.address,
    dispatcher: engine.dispatcher,
    get ready() {
      return engine.ready;
    },
    get probeAtMs() {
      return engine.circuit.probeAtMs;
    },
  };
}

function sameAddress(a: EngineAddress, b: EngineAddress): boolean {
  return a.origin === b.origin && a.classroomKey === b.classroomKey;
}
