import { createBackoff } from './backoff.ts';
import { KubeApiError } from './errors.ts';
import { createInformer, type Informer, type InformerOptions } from './informer.ts';
import { describeError, silentLogger } from './log.ts';
import type { KubeObject } from './object.ts';
import type { Store } from './store.ts';

/** `refused`: there is no right to list it, or no such resource; it is asked for again now and then. */
export type OptionalState = 'unread' | 'refused' | 'following';

/** An informer of what may be forbidden or absent: its owner gets along without. */
export interface OptionalInformer<T extends KubeObject>
  extends Pick<Informer<T>, 'resource' | 'resourceVersion'> {
  /** Empty unless `following`. */
  readonly store: Store<T>;
  readonly state: OptionalState;
  /** Calls `handler` when `state` has changed. */
  onState(handler: () => void): void;
  /** Call it once. */
  start(signal: AbortSignal): void;
  /** Resolves when the API server has refused, or the store holds a first complete list; rejects when stopped before. */
  settled(): Promise<void>;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/**
 * After a refusal. A right that was given together with the process that needs it may take a moment to have effect, so
 * the first one is soon asked about again; one that a person gives later is waited for by that person.
 */
const REFUSED_BACKOFF = { firstMs: 1_000, maxMs: 5 * 60_000 };
const FAILED_BACKOFF = { firstMs: 800, maxMs: 30_000 };

/** Asks whether the resource may be listed before it follows it, so that a refusal costs one small request now and then. */
export function createOptionalInformer<T extends KubeObject>(
  options: InformerOptions<T>,
): OptionalInformer<T> {
  const { client, resource, namespace, clock, random, log = silentLogger } = options;
  const informer = createInformer(options);
  const settled = Promise.withResolvers<void>();
  // A caller may never ask; the rejection on stop is then nobody's business.
  settled.promise.catch(() => {});
  const stopping = new AbortController();
  const handlers = new Set<() => void>();
  let state: OptionalState = 'unread';
  let running: Promise<void> | undefined;

  const enter = (next: OptionalState): void => {
    if (next === state) return;
    state = next;
    for (const handler of handlers) handler();
  };

  async function mayList(signal: AbortSignal): Promise<boolean> {
    try {
      await client.list(resource, { limit: 1, signal, ...(namespace === undefined ? {} : { namespace }) });
      return true;
    } catch (error) {
      const refused = error instanceof KubeApiError && (error.status === 403 || error.isNotFound);
      if (!refused) throw error;
      if (state !== 'refused') log.info({ resource: resource.plural, status: error.status }, 'Goes without');
      return false;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const afterRefusal = createBackoff({ ...REFUSED_BACKOFF, random });
    const afterFailure = createBackoff({ ...FAILED_BACKOFF, random });
    for (;;) {
      try {
        if (await mayList(signal)) break;
        enter('refused');
        settled.resolve();
        await clock.sleep(afterRefusal.next(), signal);
      } catch (error) {
        signal.throwIfAborted();
        log.info({ resource: resource.plural, ...describeError(error) }, 'Could not ask, will try again');
        await clock.sleep(afterFailure.next(), signal);
      }
    }
    informer.start(signal);
    await informer.synced();
    enter('following');
    settled.resolve();
  }

  return {
    resource: informer.resource,
    store: informer.store,
    get resourceVersion() {
      return informer.resourceVersion;
    },
    get state() {
      return state;
    },
    onState: (handler) => void handlers.add(handler),
    start(signal) {
      const either = AbortSignal.any([signal, stopping.signal]);
      running = run(either).catch((error: unknown) => {
        settled.reject(error);
        if (!either.aborted) throw error;
      });
    },
    settled: () => settled.promise,
    async stop() {
      stopping.abort();
      await running;
      await informer.stop();
    },
  };
}
