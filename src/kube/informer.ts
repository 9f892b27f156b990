import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { describeError, type Logger, silentLogger } from './log.ts';
import { type KubeMetrics, noMetrics } from './metrics.ts';
import type { KubeObject, Resource } from './object.ts';
import { createReflector } from './reflector.ts';
import { createStore, type IndexFunction, type Store } from './store.ts';

export interface InformerOptions<T extends KubeObject> {
  client: Pick<KubeClient, 'list' | 'watch'>;
  resource: Resource<T>;
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Drops what nobody reads before it is kept, to save memory. Must not change the object it is given. */
  transform?: (object: T) => T;
  log?: Logger;
  metrics?: KubeMetrics;
  /** Objects per page of a list; default 500. */
  pageSize?: number;
  /**
   * The shortest and the longest pause after a failure; default 0.8 s and 30 s, as client-go. Shorter where being late
   * costs more than a few requests.
   */
  backoff?: { firstMs: number; maxMs: number };
}

/** A {@link Store} that follows the API server. Share one per resource and selector. */
export interface Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly store: Store<T>;
  /** Starts to follow, until the signal aborts or `stop` is called. Call it once. */
  start(signal?: AbortSignal): void;
  /** Resolves when the store holds a first complete list; rejects when the informer is stopped before. */
  synced(): Promise<void>;
  readonly hasSynced: boolean;
  /** Up to which the store shows what was written; undefined before the first list. */
  readonly resourceVersion: string | undefined;
  /**
   * Ms since the API server last told us anything; Infinity before the first list. On a healthy connection at most
   * about two minutes: so long may the first bookmark of a watch take, the next ones come each minute.
   */
  lastSyncAgeMs(): number;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/** An informer that is not started yet. It never gives up: it is as fresh as the API server lets it be. */
export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { resource } = options;
  const log = options.log ?? silentLogger;
  const metrics = options.metrics ?? noMetrics;
  const store = createStore<T>({
    ...(options.indexes === undefined ? {} : { indexes: options.indexes }),
    onHandlerError: (error) => {
      metrics.handlerFailed({ resource: resource.plural });
      log.error({ resource: resource.plural, ...describeError(error) }, 'A subscriber of a store threw');
    },
  });
  const first = Promise.withResolvers<void>();
  // A caller may never ask; the rejection on stop is then nobody's business.
  first.promise.catch(() => {});
  let hasSynced = false;

  const reflector = createReflector<T>({
    ...options,
    log,
    metrics,
    sink: {
      replace: (objects) => {
        const changes = store.replace(objects);
        hasSynced = true;
        first.resolve();
        return changes;
      },
      upsert: store.upsert,
      remove: store.remove,
    },
  });
  const controller = new AbortController();
  let running: Promise<void> | undefined;

  return {
    resource,
    store,
    start(signal) {
      if (running !== undefined) throw new Error(`The informer of ${resource.plural} was started before`);
      const onAbort = (): void => controller.abort(signal?.reason);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
      running = reflector.run(controller.signal).finally(() => {
        signal?.removeEventListener('abort', onAbort);
        first.reject(new Error(`The informer of ${resource.plural} was stopped before its first list`));
      });
    },
    synced: () => first.promise,
    get hasSynced() {
      return hasSynced;
    },
    get resourceVersion() {
      return reflector.resourceVersion;
    },
    lastSyncAgeMs: () => reflector.lastSyncAgeMs(),
    async stop() {
      controller.abort();
      await running;
    },
  };
}

/**
 * A `transform` that halves most objects. For kinds whose managed fields nobody reads: the applier reads them anew
 * where it needs them, but knows an object without owner for its own by them alone when our annotation is gone.
 */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
