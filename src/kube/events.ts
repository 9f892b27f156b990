import { createHash } from 'node:crypto';
import type { KubeClient } from './client.ts';
import type { Clock, Timer } from './clock.ts';
import { describeError, type Logger, silentLogger } from './log.ts';
import { type KubeMetrics, noMetrics } from './metrics.ts';
import { microTime } from './micro-time.ts';
import { apiVersionOf, type KubeObject } from './object.ts';
import { type Event, events } from './resources.ts';
import { createSemaphore } from './semaphore.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

/** What happened to an object, in the words of https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
export interface EventInit {
  type: 'Normal' | 'Warning';
  /** CamelCase, at most 128 characters. */
  reason: string;
  /** What we did about it, CamelCase, at most 128 characters. */
  action: string;
  /** For people; cut at 1 kB. Never holds a key. */
  note: string;
  /** A second object that has to do with it. */
  related?: KubeObject;
}

/** Records transitions as Kubernetes Events. Best effort: a failure is logged and counted, never thrown. */
export interface EventRecorder {
  /**
   * Returns at once. Repeats within six minutes become a series of one Event, written at most once a minute; more
   * than 25 new Events on one object, refilled by one in five minutes, are dropped.
   */
  record(regarding: KubeObject, event: EventInit): void;
  /** Writes what is pending; resolves when all of it is written or refused. For shutdown and tests. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  client: Pick<KubeClient, 'create' | 'mergePatch'>;
  clock: Clock;
  /** `<group>/<component>`. */
  reportingController: string;
  /** Name of the pod. */
  reportingInstance: string;
  log?: Logger;
  metrics?: KubeMetrics;
}

/** As client-go: https://github.com/kubernetes/client-go/blob/master/tools/events/event_broadcaster.go */
const seriesIdleMs = 6 * 60_000;
const seriesWriteEveryMs = 60_000;
/** As client-go's EventSourceObjectSpamFilter. */
const eventsPerObject = { burst: 25, ratePerSecond: 1 / 300 };
/** Telling must not take the connections that the work itself needs, nor memory without end while nobody answers. */
const maxWritesAtOnce = 4;
const maxWaitingWrites = 10_000;
const maxNoteBytes = 1024;
const maxInstanceLength = 128;

interface Series {
  ref: { namespace: string; name: string };
  count: number;
  writtenCount: number;
  lastAtMs: number;
  /** Set while a write of the count is due. */
  timer: Timer | undefined;
}

/** A recorder without memory of earlier processes. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock } = options;
  const log = options.log ?? silentLogger;
  const metrics = options.metrics ?? noMetrics;
  const recent = new Map<string, Series>();
  const buckets = new Map<string, { bucket: TokenBucket; usedAtMs: number }>();
  const writing = new Set<Promise<void>>();
  const connections = createSemaphore(maxWritesAtOnce);
  let forgotAtMs = clock.monotonic();

  const write = (reason: string, send: () => Promise<unknown>, onRefused = (): void => {}): void => {
    if (connections.waiting >= maxWaitingWrites) {
      onRefused();
      metrics.eventFailed({ reason, cause: 'dropped' });
      return;
    }
    const done: Promise<void> = connections
      .run(send)
      .then(
        () => {},
        (error) => {
          onRefused();
          metrics.eventFailed({ reason, cause: 'refused' });
          log.warn({ eventReason: reason, ...describeError(error) }, 'Event not recorded');
        },
      )
      .finally(() => writing.delete(done));
    writing.add(done);
  };

  const isIdle = (series: Series): boolean =>
    series.lastAtMs < clock.monotonic() - seriesIdleMs && series.timer === undefined;

  /** Goes through everything, so not at each Event. */
  const forgetIdle = (): void => {
    const nowMs = clock.monotonic();
    if (nowMs - forgotAtMs < seriesWriteEveryMs) return;
    forgotAtMs = nowMs;
    for (const [key, series] of recent) if (isIdle(series)) recent.delete(key);
    const refillMs = (eventsPerObject.burst / eventsPerObject.ratePerSecond) * 1000;
    for (const [uid, { usedAtMs }] of buckets) if (usedAtMs < nowMs - refillMs) buckets.delete(uid);
  };

  const allowed = (uid: string): boolean => {
    const known = buckets.get(uid) ?? {
      bucket: createTokenBucket({ clock, ...eventsPerObject }),
      usedAtMs: 0,
    };
    buckets.set(uid, { ...known, usedAtMs: clock.monotonic() });
    return known.bucket.tryTake();
  };

  const writeSeries = (reason: string, series: Series): void => {
    series.timer?.cancel();
    series.timer = undefined;
    if (series.writtenCount === series.count) return;
    series.writtenCount = series.count;
    const lastObservedTime = microTime(clock.now() - (clock.monotonic() - series.lastAtMs));
    const patch = { series: { count: series.count, lastObservedTime } };
    write(reason, () => client.mergePatch(events, series.ref, patch));
  };

  const repeat = (reason: string, series: Series): void => {
    series.count += 1;
    series.lastAtMs = clock.monotonic();
    series.timer ??= clock.setTimeout(() => writeSeries(reason, series), seriesWriteEveryMs);
  };

  return {
    record(regarding, event) {
      forgetIdle();
      const uid = regarding.metadata.uid ?? '';
      const key = JSON.stringify([uid, event.type, event.reason, event.action, event.note]);
      const series = recent.get(key);
      if (series !== undefined && !isIdle(series)) return repeat(event.reason, series);
      if (!allowed(uid)) return metrics.eventFailed({ reason: event.reason, cause: 'dropped' });
      const object = eventObject(options, regarding, event, key);
      const { name, namespace = 'default' } = object.metadata;
      const first = { ref: { namespace, name }, count: 1, writtenCount: 1, timer: undefined };
      recent.set(key, { ...first, lastAtMs: clock.monotonic() });
      write(
        event.reason,
        () => client.create(events, object),
        // There is nothing to write a series to: the next repeat tries anew.
        () => void recent.delete(key),
      );
    },
    async flush() {
      await Promise.all(writing);
      for (const [key, series] of recent) writeSeries(reasonOf(key), series);
      await Promise.all(writing);
    },
  };
}

function reasonOf(key: string): string {
  return String((JSON.parse(key) as unknown[])[2]);
}

function eventObject(
  options: EventRecorderOptions,
  regarding: KubeObject,
  event: EventInit,
  key: string,
): Event {
  const { name, namespace } = regarding.metadata;
  const eventTime = microTime(options.clock.now());
  const suffix = createHash('sha256').update(`${key}${eventTime}`).digest('hex').slice(0, 16);
  return {
    apiVersion: apiVersionOf(events),
    kind: events.kind,
    metadata: { name: `${name.slice(0, 200)}.${suffix}`, namespace: namespace ?? 'default' },
    regarding: referenceTo(regarding),
    ...(event.related === undefined ? {} : { related: referenceTo(event.related) }),
    type: event.type,
    reason: event.reason,
    action: event.action,
    note: cutToBytes(event.note, maxNoteBytes),
    eventTime,
    reportingController: options.reportingController,
    reportingInstance: options.reportingInstance.slice(0, maxInstanceLength),
  };
}

function referenceTo(object: KubeObject): NonNullable<Event['regarding']> {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

/** Cuts between characters, so that what is left is still UTF-8. */
function cutToBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const ellipsis = '…';
  const bytes = Buffer.from(text).subarray(0, maxBytes - Buffer.byteLength(ellipsis));
  return `${bytes.toString('utf8').replace(/\uFFFD+$/, '')}${ellipsis}`;
}
