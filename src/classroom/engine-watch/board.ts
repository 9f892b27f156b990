import { type EngineRecord, type Health, healthOf, isIdle } from './record.ts';

/** What is known of an engine now. */
export interface WatchedEngine {
  readonly health: Health;
  /** What its KV cache holds, as it said itself; undefined until it has. */
  readonly kvCacheTokens: number | undefined;
  readonly use: /** `requests`: those that run on it or wait in it. */
    | { readonly kind: 'busy'; readonly requests: number }
    /** It has had nothing to do since then, as far as was seen (epoch ms). */
    | { readonly kind: 'quiet'; readonly sinceMs: number }
    | { readonly kind: 'unknown'; readonly why: string };
}

/** What the operator heard from the engines of all classes: written by who asks them, read by who decides. In memory. */
export interface EngineBoard {
  /** @param instance the pod and the start of its container; undefined: it has not been asked yet */
  of(classroom: string, instance: string): WatchedEngine | undefined;
  /** The engines of a class as they are now; tells of it where that means something new. */
  put(classroom: string, engines: ReadonlyMap<string, WatchedEngine>): void;
  /** Calls `handler` with the key of a class of which something new is known. @returns ends the subscription */
  onChange(handler: (classroom: string) => void): () => void;
}

export function createEngineBoard(): EngineBoard {
  const classes = new Map<string, ReadonlyMap<string, WatchedEngine>>();
  const handlers = new Set<(classroom: string) => void>();
  return {
    of: (classroom, instance) => classes.get(classroom)?.get(instance),
    put(classroom, engines) {
      const before = classes.get(classroom);
      if (engines.size === 0) classes.delete(classroom);
      else classes.set(classroom, engines);
      if (meaningOf(before) === meaningOf(engines)) return;
      for (const handler of handlers) handler(classroom);
    },
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
}

/** All but how long an engine has been quiet: that decides by itself when the time has come. A load decides at once. */
function meaningOf(engines: ReadonlyMap<string, WatchedEngine> = new Map()): string {
  return JSON.stringify(
    [...engines]
      .map(([instance, { health, kvCacheTokens = 0, use }]) => [
        instance,
        health,
        kvCacheTokens,
        use.kind,
        use.kind === 'busy' ? use.requests : 0,
      ])
      .toSorted(([a], [b]) => String(a).localeCompare(String(b))),
  );
}

/** What a record says at this moment. */
export function watchedEngine(record: EngineRecord, monotonicMs: number): WatchedEngine {
  return {
    health: healthOf(record, monotonicMs),
    kvCacheTokens: record.reading?.kvCacheTokens,
    use: useOf(record),
  };
}

function useOf({ reading, silence, quietSinceMs }: EngineRecord): WatchedEngine['use'] {
  if (silence !== undefined) return { kind: 'unknown', why: silence };
  if (reading !== undefined && !isIdle(reading)) {
    return { kind: 'busy', requests: reading.running + reading.waiting };
  }
  return quietSinceMs === undefined
    ? { kind: 'unknown', why: 'it has not been asked yet' }
    : { kind: 'quiet', sinceMs: quietSinceMs };
}
