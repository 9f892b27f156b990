import { type KubeObject, keyOf } from './object.ts';

/** What happened to one object in a store. */
export type StoreChange<T extends KubeObject> =
  | { type: 'added'; object: T }
  | { type: 'updated'; object: T; previous: T }
  | { type: 'deleted'; object: T };

export type StoreHandler<T extends KubeObject> = (change: StoreChange<T>) => void;

/** The values under which an object is found in one index. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/**
 * A local copy of what the API server holds, kept by an informer. Reading costs no request and may be a little
 * stale. Objects are frozen: to change one, write a copy to the API server.
 */
export interface Store<T extends KubeObject> {
  /** @param key as `keyOf` makes it: `namespace/name`, or `name` when cluster-scoped */
  get(key: string): T | undefined;
  list(): T[];
  /** @throws RangeError when the store has no such index */
  byIndex(name: string, value: string): T[];
  readonly size: number;
  /**
   * Tells `handler` of what is there now (as `added`) and of every change from now on. What a handler throws is
   * caught and reported; the others are still told.
   *
   * @returns ends the subscription
   */
  subscribe(handler: StoreHandler<T>): () => void;
}

/** The side of a store that its reflector writes to. */
export interface MutableStore<T extends KubeObject> extends Store<T> {
  /** Makes the store hold exactly these; returns how many objects that changed, deletes included. */
  replace(objects: readonly T[]): number;
  upsert(object: T): void;
  remove(object: T): void;
}

export interface StoreOptions<T extends KubeObject> {
  indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Told of what a subscriber threw. */
  onHandlerError: (error: unknown) => void;
}

/** Index by namespace; cluster-scoped objects are under `''`. */
export function byNamespace(object: KubeObject): readonly string[] {
  return [object.metadata.namespace ?? ''];
}

/** Index by the uid of every owner. */
export function byOwnerUid(object: KubeObject): readonly string[] {
  return (object.metadata.ownerReferences ?? []).map((owner) => owner.uid);
}

/** Index by the value of one label; objects without it are not in the index. */
export function byLabel(label: string): IndexFunction<KubeObject> {
  return (object) => {
    const value = object.metadata.labels?.[label];
    return value === undefined ? [] : [value];
  };
}

/** An empty store. */
export function createStore<T extends KubeObject>(options: StoreOptions<T>): MutableStore<T> {
  const objects = new Map<string, T>();
  const indexes = createIndexes(options.indexes ?? {});
  const handlers = new Set<StoreHandler<T>>();

  const tell = (handler: StoreHandler<T>, change: StoreChange<T>): void => {
    try {
      handler(change);
    } catch (error) {
      options.onHandlerError(error);
    }
  };
  const publish = (change: StoreChange<T>): void => {
    for (const handler of [...handlers]) tell(handler, change);
  };

  const remove = (key: string): boolean => {
    const object = objects.get(key);
    if (object === undefined) return false;
    objects.delete(key);
    indexes.remove(key, object);
    publish({ type: 'deleted', object });
    return true;
  };

  /** True when something changed. An object that was deleted and made again between two looks is told as both. */
  const upsert = (given: T): boolean => {
    const key = keyOf(given.metadata);
    const known = objects.get(key);
    if (known !== undefined && sameVersion(known, given)) return false;
    const object = deepFreeze(given);
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) remove(key);
    const previous = objects.get(key);
    if (previous !== undefined) indexes.remove(key, previous);
    objects.set(key, object);
    indexes.add(key, object);
    publish(previous === undefined ? { type: 'added', object } : { type: 'updated', object, previous });
    return true;
  };

  const collect = (keys: Iterable<string>): T[] => {
    const found: T[] = [];
    for (const key of keys) {
      const object = objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  };

  return {
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    byIndex: (name, value) => collect(indexes.keys(name, value)),
    get size() {
      return objects.size;
    },
    subscribe(handler) {
      handlers.add(handler);
      for (const object of objects.values()) tell(handler, { type: 'added', object });
      return () => handlers.delete(handler);
    },
    replace(next) {
      const kept = new Set(next.map((object) => keyOf(object.metadata)));
      const gone = [...objects.keys()].filter((key) => !kept.has(key));
      return gone.filter(remove).length + next.filter(upsert).length;
    },
    upsert: (object) => void upsert(object),
    remove: (object) => void remove(keyOf(object.metadata)),
  };
}

function sameVersion(a: KubeObject, b: KubeObject): boolean {
  return (
    a.metadata.resourceVersion !== undefined &&
    a.metadata.resourceVersion === b.metadata.resourceVersion &&
    a.metadata.uid === b.metadata.uid
  );
}

interface Indexes<T extends KubeObject> {
  add(key: string, object: T): void;
  remove(key: string, object: T): void;
  keys(name: string, value: string): ReadonlySet<string>;
}

const noKeys: ReadonlySet<string> = new Set();

function createIndexes<T extends KubeObject>(
  functions: Readonly<Record<string, IndexFunction<T>>>,
): Indexes<T> {
  const maps = new Map(Object.keys(functions).map((name) => [name, new Map<string, Set<string>>()]));
  const valuesOf = (name: string, object: T): readonly string[] => functions[name]?.(object) ?? [];

  return {
    add(key, object) {
      for (const [name, map] of maps) {
        for (const value of valuesOf(name, object)) {
          const keys = map.get(value);
          if (keys === undefined) map.set(value, new Set([key]));
          else keys.add(key);
        }
      }
    },
    remove(key, object) {
      for (const [name, map] of maps) {
        for (const value of valuesOf(name, object)) {
          const keys = map.get(value);
          keys?.delete(key);
          if (keys?.size === 0) map.delete(value);
        }
      }
    },
    keys(name, value) {
      const map = maps.get(name);
      if (map === undefined) throw new RangeError(`The store has no index "${name}"`);
      return map.get(value) ?? noKeys;
    },
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
