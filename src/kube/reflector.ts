import { type Backoff, createBackoff } from './backoff.ts';
import { openCallScope } from './call-scope.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import type { Clock } from './clock.ts';
import { KubeApiError } from './errors.ts';
import { describeError, type Logger } from './log.ts';
import type { KubeMetrics, WatchEnd } from './metrics.ts';
import type { KubeObject, Resource } from './object.ts';

/** Where a reflector puts what it learns. */
export interface ReflectorSink<T extends KubeObject> {
  /** A complete list; returns how many objects it changed. */
  replace(objects: readonly T[]): number;
  upsert(object: T): void;
  remove(object: T): void;
}

/** What whoever follows objects needs of its process. */
export interface WatchContext {
  client: Pick<KubeClient, 'list' | 'watch'>;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  log: Logger;
  metrics: KubeMetrics;
}

export interface ReflectorOptions<T extends KubeObject> extends WatchContext {
  resource: Resource<T>;
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  sink: ReflectorSink<T>;
  /** What of an object goes to the sink; default: all of it. */
  transform?: ((object: T) => T) | undefined;
  /** Objects per page of a list; default 500, as client-go. */
  pageSize?: number;
  /** The shortest and the longest pause after a failure; default 0.8 s and 30 s, as client-go. */
  backoff?: { firstMs: number; maxMs: number };
}

export interface Reflector {
  /** Follows the resource until the signal aborts. Never rejects, never gives up. */
  run(signal: AbortSignal): Promise<void>;
  /** The newest that the sink knows of: what was written up to it, the sink shows. Undefined before the first list. */
  readonly resourceVersion: string | undefined;
  /** Ms since the API server last told us anything (list, watch opened, event); Infinity before the first list. */
  lastSyncAgeMs(): number;
}

/** client-go's own: https://github.com/kubernetes/client-go/blob/master/tools/cache/reflector.go */
const clientGoBackoff = { firstMs: 800, maxMs: 30_000 };
const minWatchSeconds = 300;
/** A watch that lived this long was fine: its end is no failure, and the next one opens at once. */
const healthyAfterMs = 10_000;
/** A watch silent for longer than it was asked to last is dead: the other half of the connection is gone. */
const silenceGraceMs = 15_000;
/**
 * Once a watch has shown that bookmarks come, silence for this long means the same, sooner. Kubernetes 1.36 sends the
 * first one after up to two minutes and then one a minute, also where nothing happens.
 */
const bookmarkSilenceMs = 150_000;
/** Watches that fail in a row from one resource version before that version is given up for a list. */
const failuresBeforeRelist = 5;

/** How one watch ended, and from where to go on: with undefined, from a new list. */
interface Ended {
  end: WatchEnd;
  resourceVersion: string | undefined;
  error?: unknown;
}

/**
 * Lists a resource, then watches it, for good: a clean close, a reset, a refusal, an error event, silence, a version
 * too old, an oversize event all lead back to a watch or a list, with jittered back-off.
 */
export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const { client, resource, clock, metrics } = options;
  const log = options.log.child({ resource: resource.plural });
  const kept = options.transform ?? ((object: T): T => object);
  const scope = {
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
  };
  let heardAtMs: number | undefined;
  let newestVersion: string | undefined;
  let synced = false;

  const heard = (): void => {
    heardAtMs = clock.monotonic();
  };

  async function relist(signal: AbortSignal): Promise<string> {
    const startedMs = clock.monotonic();
    const { objects, resourceVersion } = await listAll(signal);
    signal.throwIfAborted();
    const changes = options.sink.replace(objects);
    if (synced) metrics.relistCorrected({ resource: resource.plural, changes });
    synced = true;
    newestVersion = resourceVersion;
    heard();
    const seconds = (clock.monotonic() - startedMs) / 1000;
    metrics.listDone({ resource: resource.plural, objects: objects.length, seconds });
    return resourceVersion;
  }

  /**
   * Never from `resourceVersion=0`: the API server would send everything in one answer, whatever the limit
   * (https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list), which takes several
   * times the memory of what it holds, and might go back in time.
   */
  async function listAll(signal: AbortSignal): Promise<{ objects: T[]; resourceVersion: string }> {
    try {
      return await listPages({ limit: options.pageSize ?? 500 }, signal);
    } catch (error) {
      if (!(error instanceof KubeApiError && error.isExpired)) throw error;
      // The list outlived its snapshot. In one piece it cannot.
      return await listPages({}, signal);
    }
  }

  async function listPages(
    from: { limit?: number },
    signal: AbortSignal,
  ): Promise<{ objects: T[]; resourceVersion: string }> {
    const objects: T[] = [];
    let page = await client.list(resource, { ...scope, ...from, signal });
    // Page by page: a whole list as it comes may be twice what is kept of it.
    objects.push(...page.items.map(kept));
    while (page.metadata.continue) {
      const next = { limit: from.limit ?? 0, continue: page.metadata.continue };
      page = await client.list(resource, { ...scope, ...next, signal });
      objects.push(...page.items.map(kept));
    }
    return { objects, resourceVersion: page.metadata.resourceVersion ?? '' };
  }

  /** Follows one watch to its end, whatever that is. */
  async function follow(fromVersion: string, signal: AbortSignal): Promise<Ended> {
    const timeoutSeconds = Math.floor(minWatchSeconds * (1 + options.random()));
    let silenceMs = timeoutSeconds * 1000 + silenceGraceMs;
    const watching = openCallScope({ clock, signal, deadlineMs: silenceMs });
    let resourceVersion = fromVersion;
    try {
      const from = { resourceVersion, timeoutSeconds, signal: watching.signal, onOpen: heard };
      for await (const event of client.watch(resource, { ...scope, ...from })) {
        heard();
        if (event.type === 'ERROR') return endOfErrorEvent(event, resourceVersion);
        if (event.type === 'BOOKMARK') silenceMs = Math.min(silenceMs, bookmarkSilenceMs);
        deliver(event);
        resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
        newestVersion = resourceVersion;
        watching.arm(silenceMs);
      }
      return { end: 'closed', resourceVersion };
    } catch (error) {
      if (watching.endedBy === 'deadline') return { end: 'silent', resourceVersion, error };
      return endOfFailure(error, resourceVersion);
    } finally {
      watching.close();
    }
  }

  function deliver(event: Exclude<WatchEvent<T>, { type: 'ERROR' }>): void {
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        options.sink.upsert(kept(event.object));
        return;
      case 'DELETED':
        options.sink.remove(event.object);
        return;
      case 'BOOKMARK':
        return;
      default:
        log.warn({ type: (event satisfies never as { type: unknown }).type }, 'Watch event of unknown type');
    }
  }

  /** Tells of the end, and waits before the next attempt unless the watch had been fine. */
  async function pause(ended: Ended, livedMs: number, backoff: Backoff, signal: AbortSignal): Promise<void> {
    if (livedMs >= healthyAfterMs) {
      backoff.reset();
      if (ended.end !== 'error_event') return;
    }
    const waitMs = backoff.next();
    const fields = { end: ended.end, waitMs: Math.round(waitMs), ...describeError(ended.error ?? 'none') };
    log.info(fields, 'Watch ended early, will try again');
    await clock.sleep(waitMs, signal);
  }

  return {
    get resourceVersion() {
      return newestVersion;
    },
    lastSyncAgeMs: () =>
      synced && heardAtMs !== undefined ? clock.monotonic() - heardAtMs : Number.POSITIVE_INFINITY,
    async run(signal) {
      const backoff = createBackoff({ ...(options.backoff ?? clientGoBackoff), random: options.random });
      let resourceVersion: string | undefined;
      while (!signal.aborted) {
        let ended: Ended;
        let livedMs = 0;
        try {
          resourceVersion ??= await relist(signal);
          const openedMs = clock.monotonic();
          ended = await follow(resourceVersion, signal);
          livedMs = clock.monotonic() - openedMs;
          metrics.watchEnded({ resource: resource.plural, end: ended.end });
        } catch (error) {
          ended = { end: 'failed', resourceVersion: undefined, error };
        }
        resourceVersion = backoff.failures >= failuresBeforeRelist ? undefined : ended.resourceVersion;
        await pause(ended, livedMs, backoff, signal).catch(ignoreAbort(signal));
      }
    },
  };
}

function endOfErrorEvent(
  event: Extract<WatchEvent<KubeObject>, { type: 'ERROR' }>,
  resourceVersion: string,
): Ended {
  const { code, reason, message } = event.object;
  if (code === 410) return { end: 'expired', resourceVersion: undefined, error: message };
  return { end: 'error_event', resourceVersion, error: `${reason ?? code}: ${message ?? 'no message'}` };
}

/** A refusal that names our request (4xx) will be repeated for the same version; only a list tells what is so. */
function endOfFailure(error: unknown, resourceVersion: string): Ended {
  if (!(error instanceof KubeApiError)) return { end: 'failed', resourceVersion, error };
  if (error.isExpired) return { end: 'expired', resourceVersion: undefined, error };
  if (error.reason === 'LineTooLong') return { end: 'line_too_long', resourceVersion: undefined, error };
  const refused = error.status >= 400 && error.status < 500 && error.status !== 429;
  return { end: 'failed', resourceVersion: refused ? undefined : resourceVersion, error };
}

function ignoreAbort(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
