import type { CallOptions, KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { KubeApiError } from './errors.ts';
import { describeError, type Logger, silentLogger } from './log.ts';
import { type KubeMetrics, noMetrics } from './metrics.ts';
import { microTime } from './micro-time.ts';
import { apiVersionOf } from './object.ts';
import { type Lease, leases } from './resources.ts';

export interface LeaderOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  /** Of the Lease. */
  namespace: string;
  name: string;
  /** Of this process; must differ between replicas, also after a restart in the same pod. */
  identity: string;
  clock: Clock;
  log?: Logger;
  metrics?: KubeMetrics;
  /** In [0, 1): spreads the attempts of waiting candidates. */
  random?: () => number;
  /** The leader's work. Its signal aborts on loss and on stop; the Lease is released only after it has settled. */
  onStarted(signal: AbortSignal): Promise<void>;
  /** Leadership is lost: another process may lead now. The entry point must exit. */
  onLost(): void;
  leaseDurationMs?: number;
  renewDeadlineMs?: number;
  retryPeriodMs?: number;
}

/** client-go's: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection#LeaderElectionConfig */
const clientGo = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** How leading, or waiting to, ended. */
export type LeaderEnd = 'stopped' | 'lost';

/**
 * Waits for the Lease, leads while it can be renewed, and gives it back when `signal` aborts (wire it to SIGTERM).
 *
 * Another holder counts as gone only when its Lease has not changed for its duration on *our* monotonic clock: clocks
 * of other machines are not trusted. Two may lead at once only if a process stalls for longer than the gap between
 * renew deadline and lease duration, so the work of a leader must stay safe to do twice.
 *
 * @throws what `onStarted` throws, after releasing the Lease
 */
export async function runAsLeader(options: LeaderOptions, signal: AbortSignal): Promise<LeaderEnd> {
  const metrics = options.metrics ?? noMetrics;
  const log = (options.log ?? silentLogger).child({ lease: options.name, identity: options.identity });
  const lock = createLeaseLock({ ...options, log });
  if (!(await acquire(options, lock, signal))) return 'stopped';
  if (signal.aborted) {
    await lock.release();
    return 'stopped';
  }

  log.info({}, 'Leading');
  metrics.leaderChanged({ name: options.name, leading: true });
  const leading = new AbortController();
  const stop = (): void => leading.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await lead(options, lock, leading, log);
  } finally {
    leading.abort();
    signal.removeEventListener('abort', stop);
    metrics.leaderChanged({ name: options.name, leading: false });
  }
}

/** Runs the work and renews beside it, until one of them ends. */
async function lead(
  options: LeaderOptions,
  lock: LeaseLock,
  leading: AbortController,
  log: Logger,
): Promise<LeaderEnd> {
  const renewing = new AbortController();
  const lost = renewUntilLost(options, lock, renewing.signal);
  const work = options.onStarted(leading.signal);
  const first = await Promise.race([
    lost.then(() => 'lost' as const),
    work.then(
      () => 'stopped' as const,
      () => 'stopped' as const,
    ),
  ]);
  if (first === 'lost') {
    log.error({}, 'Leadership lost: the Lease could not be renewed in time');
    leading.abort(new Error('Leadership lost'));
    options.onLost();
    await work;
    return 'lost';
  }
  renewing.abort();
  await lost;
  await lock.release();
  await work;
  return 'stopped';
}

/** True once the Lease is ours; false when the signal aborted first. */
async function acquire(options: LeaderOptions, lock: LeaseLock, signal: AbortSignal): Promise<boolean> {
  const { retryPeriodMs } = { ...clientGo, ...options };
  const random = options.random ?? (() => 0);
  while (!signal.aborted) {
    if (await lock.tryHold(signal)) return true;
    // Up to a fifth longer, as client-go's JitterFactor.
    await options.clock.sleep(retryPeriodMs * (1 + 0.2 * random()), signal).catch(() => {});
  }
  return false;
}

/** Resolves when no renewal succeeded within the renew deadline, or when the signal aborts. */
async function renewUntilLost(options: LeaderOptions, lock: LeaseLock, signal: AbortSignal): Promise<void> {
  const { clock } = options;
  const { retryPeriodMs, renewDeadlineMs } = { ...clientGo, ...options };
  let renewedAtMs = clock.monotonic();
  const leftMs = (): number => renewedAtMs + renewDeadlineMs - clock.monotonic();
  while (!signal.aborted) {
    await clock.sleep(Math.min(retryPeriodMs, leftMs()), signal).catch(() => {});
    if (signal.aborted || leftMs() <= 0) return;
    const startedMs = clock.monotonic();
    if (await lock.tryHold(signal, leftMs())) renewedAtMs = startedMs;
    else if (lock.heldByOther) return;
  }
}

interface LeaseLock {
  /** Takes or renews the Lease if that is allowed now; false when not, or when the API server cannot be asked. */
  tryHold(signal: AbortSignal, deadlineMs?: number): Promise<boolean>;
  /** The last look at the Lease showed another, living holder. */
  readonly heldByOther: boolean;
  /** Gives the Lease back so that the next leader need not wait. */
  release(): Promise<void>;
}

function createLeaseLock(options: LeaderOptions & { log: Logger }): LeaseLock {
  const { client, clock, identity, log } = options;
  const leaseDurationMs = options.leaseDurationMs ?? clientGo.leaseDurationMs;
  const ref = { namespace: options.namespace, name: options.name };
  /** What was seen, and when on our own clock it was first seen so. */
  let seen: { lease: Lease; atMs: number } | undefined;

  const observe = (lease: Lease): void => {
    if (seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      seen = { lease, atMs: clock.monotonic() };
    }
  };
  const heldByOther = (): boolean => {
    const holder = seen?.lease.spec?.holderIdentity;
    if (seen === undefined || !holder || holder === identity) return false;
    const durationMs = (seen.lease.spec?.leaseDurationSeconds ?? leaseDurationMs / 1000) * 1000;
    return clock.monotonic() < seen.atMs + durationMs;
  };
  const mine = (): Lease => {
    const before = seen?.lease;
    const held = before?.spec?.holderIdentity === identity;
    const now = microTime(clock.now());
    return {
      apiVersion: apiVersionOf(leases),
      kind: leases.kind,
      metadata: before?.metadata ?? ref,
      spec: {
        ...before?.spec,
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
        acquireTime: held ? (before?.spec?.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: (before?.spec?.leaseTransitions ?? 0) + (before !== undefined && !held ? 1 : 0),
      },
    };
  };

  /** The resourceVersion that goes out makes the API server refuse whoever comes second. */
  const take = async (call: CallOptions): Promise<boolean> => {
    if (heldByOther()) return false;
    observe(
      seen === undefined
        ? await client.create(leases, mine(), call)
        : await client.replace(leases, mine(), call),
    );
    return true;
  };
  const look = async (call: CallOptions): Promise<void> => {
    const lease = await client.get(leases, ref, call);
    if (lease === undefined) seen = undefined;
    else observe(lease);
  };

  return {
    get heldByOther() {
      return heldByOther();
    },
    async tryHold(signal, deadlineMs = options.renewDeadlineMs ?? clientGo.renewDeadlineMs) {
      const call = { signal, deadlineMs };
      try {
        // A holder writes without looking; a refusal makes it look.
        if (seen?.lease.spec?.holderIdentity === identity && (await take(call).catch(falseIfStale)))
          return true;
        await look(call);
        return await take(call);
      } catch (error) {
        if (!(error instanceof KubeApiError)) throw error;
        if (error.reason !== 'Aborted') log.warn(describeError(error), 'Lease not taken or renewed');
        return false;
      }
    },
    async release() {
      if (seen?.lease.spec?.holderIdentity !== identity) return;
      const lease = mine();
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 };
      try {
        await client.replace(leases, { ...lease, spec }, { deadlineMs: 2_000 });
      } catch (error) {
        log.warn(describeError(error), 'Lease not released; the next leader waits until it expires');
      }
    },
  };
}

function falseIfStale(error: unknown): false {
  if (error instanceof KubeApiError && (error.isConflict || error.isNotFound)) return false;
  throw error;
}
