import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KubeClient } from '../../../src/kube/client.ts';
import { KubeApiError } from '../../../src/kube/errors.ts';
import { type LeaderEnd, type LeaderOptions, runAsLeader } from '../../../src/kube/leader.ts';
import type { Lease } from '../../../src/kube/resources.ts';
import { createFakeClock, type FakeClock, settle } from '../../support/fake-clock.ts';

/** One Lease, as an API server keeps it: with optimistic concurrency. */
interface LeaseServer {
  lease: Lease | undefined;
  requests: string[];
  /** A client of this server; `cut()` tells whether its network is down at the moment. */
  client(cut?: () => boolean): LeaderOptions['client'];
}

function createLeaseServer(): LeaseServer {
  let version = 0;
  const server: LeaseServer = {
    lease: undefined,
    requests: [],
    client: (cut = () => false) => ({
      get: (async () => answer('get', cut, () => server.lease)) as KubeClient['get'],
      create: (async (_resource, object) =>
        answer('create', cut, () => {
          if (server.lease !== undefined) throw refusal(409, 'AlreadyExists');
          return store(object);
        })) as KubeClient['create'],
      replace: (async (_resource, object) =>
        answer('replace', cut, () => {
          const stale = object.metadata.resourceVersion !== server.lease?.metadata.resourceVersion;
          if (stale) throw refusal(409, 'Conflict');
          return store(object);
        })) as KubeClient['replace'],
    }),
  };
  const store = (object: Lease): Lease => {
    version += 1;
    server.lease = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    return server.lease;
  };
  const answer = <T>(verb: string, cut: () => boolean, result: () => T): T => {
    server.requests.push(verb);
    if (cut()) throw refusal(0, 'Unreachable');
    return result();
  };
  return server;
}

function refusal(status: number, reason: string): KubeApiError {
  return new KubeApiError({ status, reason, message: reason });
}

/** A candidate whose work lasts until it is told to stop. */
interface Candidate {
  readonly leading: boolean;
  readonly lost: boolean;
  readonly end: Promise<LeaderEnd>;
  stop(): void;
}

let clock: FakeClock;
let server: LeaseServer;

beforeEach(() => {
  clock = createFakeClock();
  server = createLeaseServer();
});

function start(identity: string, options: Partial<LeaderOptions> & { cut?: () => boolean } = {}): Candidate {
  const { cut, ...rest } = options;
  const state = { leading: false, lost: false };
  const stopping = new AbortController();
  const onStarted = async (signal: AbortSignal): Promise<void> => {
    state.leading = true;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    state.leading = false;
  };
  const end = runAsLeader(
    {
      client: server.client(cut),
      namespace: 'system',
      name: 'operator',
      identity,
      clock,
      onStarted,
      onLost: () => {
        state.lost = true;
      },
      ...rest,
    },
    stopping.signal,
  );
  return {
    get leading() {
      return state.leading;
    },
    get lost() {
      return state.lost;
    },
    end,
    stop: () => stopping.abort(),
  };
}

function foreignLease(spec: Partial<Lease['spec']> = {}): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'system', name: 'operator', resourceVersion: '0' },
    spec: { holderIdentity: 'other', leaseDurationSeconds: 15, leaseTransitions: 3, ...spec },
  };
}

describe('taking the Lease', () => {
  test('makes it when there is none', async () => {
    const candidate = start('a');
    await settle();

    expect(candidate.leading).toBe(true);
    expect(server.lease?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-09-01T09:00:00.000000Z',
      renewTime: '2026-09-01T09:00:00.000000Z',
      leaseTransitions: 0,
    });
  });

  test.each(['', undefined])('takes one that was given back (holder %p) at once', async (holderIdentity) => {
    server.lease = foreignLease({ holderIdentity });
    const candidate = start('a');
    await settle();

    expect(candidate.leading).toBe(true);
    expect(server.lease.spec?.leaseTransitions).toBe(4);
  });

  test.each([
    ['long ago', '2020-01-01T00:00:00.000000Z'],
    ['in the future', '2030-01-01T00:00:00.000000Z'],
  ])(
    'waits for as long as the Lease lasts on its own clock, though the holder renewed it %s',
    async (_when, renewTime) => {
      server.lease = foreignLease({ renewTime });
      const candidate = start('a');
      await clock.advance(14_000);
      expect(candidate.leading).toBe(false);
      await clock.advance(3_000);
      expect(candidate.leading).toBe(true);
    },
  );

  test('waits anew each time the holder renews, whatever happens to the wall clock', async () => {
    server.lease = foreignLease();
    const candidate = start('a');
    await clock.advance(10_000);
    server.lease = foreignLease();
    server.lease.metadata.resourceVersion = 'renewed';
    clock.jump(3_600_000);
    await clock.advance(14_000);
    expect(candidate.leading).toBe(false);
    await clock.advance(5_000);
    expect(candidate.leading).toBe(true);
  });

  test('stops waiting when told to', async () => {
    server.lease = foreignLease();
    const candidate = start('a');
    await settle();
    candidate.stop();

    expect(await candidate.end).toBe('stopped');
    expect(clock.pending).toBe(0);
  });
});

test('a stop that comes while the Lease is being taken gives it back, and no work begins', async () => {
  let began = false;
  const candidate = start('a', {
    onStarted: async () => {
      began = true;
    },
  });
  candidate.stop();

  expect(await candidate.end).toBe('stopped');
  expect(began).toBe(false);
  expect(server.lease?.spec?.holderIdentity).toBe('');
});

describe('leading', () => {
  test('renews every 2 s with one request, and keeps when it was acquired', async () => {
    start('a');
    await settle();
    server.requests.length = 0;
    await clock.advance(60_000);

    expect(server.requests).toEqual(Array.from({ length: 30 }, () => 'replace'));
    expect(server.lease?.spec).toMatchObject({
      acquireTime: '2026-09-01T09:00:00.000000Z',
      renewTime: '2026-09-01T09:01:00.000000Z',
      leaseTransitions: 0,
    });
  });

  test('survives an API server that is away for less than the renew deadline', async () => {
    let cut = false;
    const candidate = start('a', { cut: () => cut });
    await clock.advance(20_000);
    cut = true;
    await clock.advance(7_000);
    cut = false;
    await clock.advance(60_000);

    expect([candidate.leading, candidate.lost]).toEqual([true, false]);
  });

  test('is lost when the API server is away for longer: the work is told to stop before others may start', async () => {
    let cut = false;
    const candidate = start('a', { cut: () => cut });
    await clock.advance(20_000);
    cut = true;
    await clock.advance(12_000);

    expect(await candidate.end).toBe('lost');
    expect([candidate.leading, candidate.lost]).toEqual([false, true]);
  });

  test('is lost at once when another has taken the Lease', async () => {
    const candidate = start('a');
    await settle();
    server.lease = foreignLease();
    await clock.advance(2_000);

    expect(await candidate.end).toBe('lost');
  });

  test('takes up a Lease that somebody deleted', async () => {
    const candidate = start('a');
    await settle();
    server.lease = undefined;
    await clock.advance(4_000);

    expect(candidate.leading).toBe(true);
    expect(server.lease).toMatchObject({ spec: { holderIdentity: 'a' } });
  });
});

describe('giving the Lease back', () => {
  test('happens when the work has ended, and it is renewed until then', async () => {
    let finish = (): void => {};
    const candidate = start('a', {
      onStarted: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    await settle();
    candidate.stop();
    await clock.advance(30_000);
    expect(server.lease?.spec?.holderIdentity).toBe('a');
    finish();

    expect(await candidate.end).toBe('stopped');
    expect(server.lease?.spec?.holderIdentity).toBe('');
  });

  test('lets the next candidate lead within its retry period', async () => {
    const first = start('a');
    await settle();
    const second = start('b');
    await settle();
    first.stop();
    await first.end;
    await clock.advance(2_000);

    expect([second.leading, server.lease?.spec?.leaseTransitions]).toEqual([true, 1]);
  });

  test('happens also when the work fails, and the failure is told', async () => {
    const candidate = start('a', { onStarted: () => Promise.reject(new Error('broken')) });

    await expect(candidate.end).rejects.toThrow('broken');
    expect(server.lease?.spec?.holderIdentity).toBe('');
  });

  test('that the API server refuses is no failure', async () => {
    let cut = false;
    const candidate = start('a', { cut: () => cut });
    await settle();
    cut = true;
    candidate.stop();

    expect(await candidate.end).toBe('stopped');
  });
});

test('whatever the network does to them, no two lead at once', async () => {
  const step = fc.record({
    cutA: fc.boolean(),
    cutB: fc.boolean(),
    ms: fc.integer({ min: 500, max: 20_000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      clock = createFakeClock();
      server = createLeaseServer();
      const cut = { a: false, b: false };
      const leaders = new Set<string>();
      const most = { leaders: 0 };
      const run = (identity: 'a' | 'b'): Candidate =>
        start(identity, {
          cut: () => cut[identity],
          onStarted: async (signal) => {
            leaders.add(identity);
            most.leaders = Math.max(most.leaders, leaders.size);
            await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
            leaders.delete(identity);
          },
        });
      const candidates = { a: run('a'), b: run('b') };
      for (const { cutA, cutB, ms } of [{ cutA: false, cutB: false, ms: 1 }, ...steps]) {
        Object.assign(cut, { a: cutA, b: cutB });
        await clock.advance(ms);
        // As the entry point does: a process that lost starts anew.
        if (candidates.a.lost) candidates.a = run('a');
        if (candidates.b.lost) candidates.b = run('b');
      }
      candidates.a.stop();
      candidates.b.stop();
      await Promise.all([candidates.a.end, candidates.b.end]);
      expect(most.leaders).toBe(1);
    }),
    { numRuns: 25 },
  );
}, 60_000);
