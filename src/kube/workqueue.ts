import type { Clock, Timer } from './clock.ts';
import { createFifo } from './fifo.ts';
import type { KubeMetrics } from './metrics.ts';
import { createTokenBucket } from './token-bucket.ts';

/**
 * A queue of keys with client-go's promises: a key that waits is not added twice, a key that is being worked on is
 * worked on again after `done` when it was added meanwhile, and never by two at once.
 */
export interface WorkQueue {
  add(key: string): void;
  /** Adds after `ms`. Of several waits for one key the earliest holds. */
  addAfter(key: string, ms: number): void;
  /** Adds after a delay that grows with each call for this key until `forget`. */
  addRateLimited(key: string): void;
  /** The key did well: its next failure waits shortly again. */
  forget(key: string): void;
  /** The next key, or undefined once the queue is shut down. Every key taken must be given back with `done`. */
  get(): Promise<string | undefined>;
  done(key: string): void;
  /** Drops what waits for a later time, and lets `get` return undefined. */
  shutDown(): void;
  /** Failures of the key since the last `forget`. */
  failures(key: string): number;
  /** Keys ready to be taken. */
  readonly depth: number;
  /** Keys being worked on. */
  readonly processing: number;
}

export interface WorkQueueOptions {
  name: string;
  clock: Clock;
  metrics: KubeMetrics;
  /** First delay of a failing key; doubles up to `maxDelayMs`. Default 5 ms to 1000 s, as client-go. */
  firstDelayMs?: number;
  maxDelayMs?: number;
  /** Retries of all keys together: default 10/s with a burst of 100, as client-go. */
  retriesPerSecond?: number;
  retryBurst?: number;
}

/** https://github.com/kubernetes/client-go/blob/master/util/workqueue/default_rate_limiters.go */
const clientGo = { firstDelayMs: 5, maxDelayMs: 1_000_000, retriesPerSecond: 10, retryBurst: 100 };

/** An empty queue. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { name, clock, metrics } = options;
  const ready = createFifo<string>();
  const dirty = new Set<string>();
  const processing = new Set<string>();
  const addedAtMs = new Map<string, number>();
  const waiting = createDelays(clock, (key) => add(key));
  const limiter = createRetryLimiter(options);
  const takers: ((key: string | undefined) => void)[] = [];
  let shutDown = false;

  const reportDepth = (): void => metrics.queueDepth({ name, depth: ready.length });

  const take = (key: string): string => {
    dirty.delete(key);
    processing.add(key);
    const waitedMs = clock.monotonic() - (addedAtMs.get(key) ?? clock.monotonic());
    addedAtMs.delete(key);
    metrics.queueWaited({ name, seconds: waitedMs / 1000 });
    reportDepth();
    return key;
  };
  const takeNext = (): string | undefined => {
    const key = ready.shift();
    return key === undefined ? undefined : take(key);
  };
  const makeReady = (key: string): void => {
    ready.push(key);
    if (takers.length > 0) takers.shift()?.(takeNext());
    else reportDepth();
  };
  const add = (key: string): void => {
    if (shutDown || dirty.has(key)) return;
    dirty.add(key);
    addedAtMs.set(key, clock.monotonic());
    metrics.queueAdded({ name });
    if (!processing.has(key)) makeReady(key);
  };
  const addAfter = (key: string, ms: number): void => {
    if (shutDown) return;
    if (ms <= 0) add(key);
    else waiting.set(key, ms);
  };

  return {
    add,
    addAfter,
    addRateLimited(key) {
      metrics.queueRetried({ name });
      addAfter(key, limiter.delayMs(key));
    },
    forget: (key) => limiter.forget(key),
    get() {
      if (ready.length > 0 || shutDown) return Promise.resolve(takeNext());
      return new Promise((resolve) => takers.push(resolve));
    },
    done(key) {
      processing.delete(key);
      if (dirty.has(key)) makeReady(key);
    },
    shutDown() {
      shutDown = true;
      waiting.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
    failures: (key) => limiter.failures(key),
    get depth() {
      return ready.length;
    },
    get processing() {
      return processing.size;
    },
  };
}

interface Delays {
  set(key: string, ms: number): void;
  clear(): void;
}

/** One timer per key at most; an earlier wish replaces a later one. */
function createDelays(clock: Clock, onDue: (key: string) => void): Delays {
  const waiting = new Map<string, { atMs: number; timer: Timer }>();
  return {
    set(key, ms) {
      const atMs = clock.monotonic() + ms;
      const known = waiting.get(key);
      if (known !== undefined && known.atMs <= atMs) return;
      known?.timer.cancel();
      const timer = clock.setTimeout(() => {
        waiting.delete(key);
        onDue(key);
      }, ms);
      waiting.set(key, { atMs, timer });
    },
    clear() {
      for (const { timer } of waiting.values()) timer.cancel();
      waiting.clear();
    },
  };
}

interface RetryLimiter {
  delayMs(key: string): number;
  forget(key: string): void;
  failures(key: string): number;
}

/** The longer of the key's own exponential delay and what the bucket over all keys asks for. */
function createRetryLimiter(options: WorkQueueOptions): RetryLimiter {
  const { firstDelayMs, maxDelayMs, retriesPerSecond, retryBurst } = { ...clientGo, ...options };
  const failures = new Map<string, number>();
  const bucket = createTokenBucket({
    clock: options.clock,
    ratePerSecond: retriesPerSecond,
    burst: retryBurst,
  });
  return {
    delayMs(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      return Math.max(Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(count, 60)), bucket.reserve());
    },
    forget: (key) => void failures.delete(key),
    failures: (key) => failures.get(key) ?? 0,
  };
}
