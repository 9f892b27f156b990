import type { Dispatcher } from 'undici';

/** One engine as whoever found it describes it. */
export interface EngineAddress {
  /** Unique and stable: the pod's uid, or the URL of a static engine. */
  readonly id: string;
  readonly classroomKey: string;
  /** Such as `http://10.0.0.7:8000`. */
  readonly origin: string;
}

/** An engine that was picked for one request. Give it back exactly once, with `release`. */
export interface EngineUse {
  readonly id: string;
  readonly dispatcher: Dispatcher;
  release(): void;
}

/**
 * The engines that may be asked now.
 *
 * Writers call `put` for an engine that is ready, `drain` for one that takes no new requests (not ready, or being
 * deleted) and `remove` for one that is gone: what still runs there fails at once instead of at a time-out.
 */
export interface EngineRegistry {
  put(engine: EngineAddress): void;
  drain(id: string): void;
  remove(id: string): void;
  /** The engine with the fewest requests of ours; of several the one that waited longest. */
  pick(classroomKey: string, except?: ReadonlySet<string>): EngineUse | undefined;
  /** Ready engines of a class. */
  readyCount(classroomKey: string): number;
  readonly size: { readonly ready: number; readonly inFlight: number };
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface EngineRegistryOptions {
  /** Connections to one engine. */
  connect: (origin: string) => Dispatcher;
}

interface Engine {
  readonly address: EngineAddress;
  readonly dispatcher: Dispatcher;
  ready: boolean;
  inFlight: number;
  /** Position in the order of picks. */
  lastPick: number;
}

/** An empty registry. */
export function createEngineRegistry({ connect }: EngineRegistryOptions): EngineRegistry {
  const engines = new Map<string, Engine>();
  const byClass = new Map<string, Set<Engine>>();
  let picks = 0;

  const forget = (engine: Engine): void => {
    engines.delete(engine.address.id);
    const peers = byClass.get(engine.address.classroomKey);
    peers?.delete(engine);
    if (peers?.size === 0) byClass.delete(engine.address.classroomKey);
    engine.ready = false;
    // Nobody waits for the sockets to be gone, and a socket that fails to close cannot be helped.
    void engine.dispatcher.destroy().catch(() => {});
  };

  const add = (address: EngineAddress): void => {
    const engine = { address, dispatcher: connect(address.origin), ready: true, inFlight: 0, lastPick: 0 };
    engines.set(address.id, engine);
    const peers = byClass.get(address.classroomKey);
    if (peers === undefined) byClass.set(address.classroomKey, new Set([engine]));
    else peers.add(engine);
  };

  return {
    put(address) {
      const known = engines.get(address.id);
      if (known !== undefined && sameAddress(known.address, address)) {
        known.ready = true;
        return;
      }
      if (known !== undefined) forget(known);
      add(address);
    },
    drain(id) {
      const known = engines.get(id);
      if (known !== undefined) known.ready = false;
    },
    remove(id) {
      const known = engines.get(id);
      if (known !== undefined) forget(known);
    },
    pick(classroomKey, except) {
      const engine = leastUsed(byClass.get(classroomKey) ?? [], except);
      if (engine === undefined) return undefined;
      engine.inFlight += 1;
      engine.lastPick = ++picks;
      return useOf(engine);
    },
    readyCount(classroomKey) {
      return [...(byClass.get(classroomKey) ?? [])].filter((engine) => engine.ready).length;
    },
    get size() {
      let ready = 0;
      let inFlight = 0;
      for (const engine of engines.values()) {
        if (engine.ready) ready += 1;
        inFlight += engine.inFlight;
      }
      return { ready, inFlight };
    },
    async close() {
      const all = [...engines.values()];
      engines.clear();
      byClass.clear();
      await Promise.all(all.map((engine) => engine.dispatcher.destroy()));
    },
  };
}

function leastUsed(peers: Iterable<Engine>, except: ReadonlySet<string> | undefined): Engine | undefined {
  let best: Engine | undefined;
  for (const engine of peers) {
    if (!engine.ready || except?.has(engine.address.id)) continue;
    if (best === undefined || precedes(engine, best)) best = engine;
  }
  return best;
}

function precedes(a: Engine, b: Engine): boolean {
  return a.inFlight < b.inFlight || (a.inFlight === b.inFlight && a.lastPick < b.lastPick);
}

function useOf(engine: Engine): EngineUse {
  let released = false;
  return {
    id: engine.address.id,
    dispatcher: engine.dispatcher,
    release() {
      if (released) throw new Error(`engine ${engine.address.id} was released twice for one request`);
      released = true;
      engine.inFlight -= 1;
    },
  };
}

function sameAddress(a: EngineAddress, b: EngineAddress): boolean {
  return a.origin === b.origin && a.classroomKey === b.classroomKey;
}
