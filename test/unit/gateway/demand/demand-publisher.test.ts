import { describe, expect, test } from '@jest/globals';
import { type ReadDemand, readDemand } from '../../../../src/api/demand.ts';
import type { AskedClass } from '../../../../src/gateway/demand/asked-class.ts';
import {
  CONFIRM_EVERY_MS,
  createDemandPublisher,
  WAKE_AFTER_MS,
  WRITE_EVERY_MS,
} from '../../../../src/gateway/demand/demand-publisher.ts';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import type { KubeObject } from '../../../../src/kube/object.ts';
import type { Lease } from '../../../../src/kube/resources.ts';
import { createFakeClock, settle } from '../../../support/fake-clock.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { CLASS_KEY } from '../builders.ts';

interface Written extends Pick<ReadDemand, 'inFlight' | 'queued'> {
  /** Since the beginning of the test. */
  readonly atMs: number;
  readonly askedAtMs: number;
}

/** A class whose requests a test counts by hand, and what the API server was told of it. */
interface DemandWorldOptions {
  readonly hasEngine?: boolean;
  readonly isGone?: () => boolean;
  readonly fails?: () => boolean;
}

function demandWorld({ hasEngine = true, isGone, fails }: DemandWorldOptions = {}) {
  const clock = createFakeClock();
  const startMs = clock.now();
  const writes: Written[] = [];
  const results: boolean[] = [];
  const client: Pick<KubeClient, 'apply'> = {
    async apply<T extends KubeObject>(_: unknown, object: T): Promise<T> {
      if (fails?.()) throw new Error('the API server is away');
      const demand = readDemand(object as KubeObject as Lease);
      if (demand === undefined) throw new Error('not a demand');
      const { inFlight, queued, lastAskedMs } = demand;
      writes.push({ inFlight, queued, atMs: clock.now() - startMs, askedAtMs: lastAskedMs - startMs });
      return object;
    },
  };
  const publisher = createDemandPublisher({
    client,
    classroomOf: () => (isGone?.() ? undefined : { namespace: 'school', name: 'python-101', uid: 'uid-1' }),
    replica: '0a1b2c3d4e',
    holder: 'gateway-0',
    onWritten: (isWritten) => results.push(isWritten),
    clock,
    log: silentLogger,
  });
  let asked: AskedClass = { key: CLASS_KEY, waiting: 0, running: 0, hasEngine, waitingSinceMs: undefined };
  return {
    clock,
    writes,
    results,
    publisher,
    /** A request came, or ended, or the engines did. */
    async hear(differs: Partial<AskedClass>) {
      asked = { ...asked, ...differs };
      const sinceMs = asked.waiting === 0 ? undefined : (asked.waitingSinceMs ?? clock.monotonic());
      asked = { ...asked, waitingSinceMs: sinceMs };
      publisher.onAsked(asked);
      await clock.advance(0);
      await settle();
    },
  };
}

describe('a class that is asked', () => {
  test('and that nobody asks is not written', async () => {
    const { clock, writes } = demandWorld();
    await clock.advance(24 * 60 * 60_000);
    expect(writes).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('is written at the first request, and then that it has ended; then there is no timer', async () => {
    const { clock, writes, hear } = demandWorld();
    await hear({ running: 1 });
    await clock.advance(2_000);
    await hear({ running: 0 });
    await clock.advance(60 * 60_000);
    expect(writes).toEqual([
      { inFlight: 1, queued: 0, atMs: 0, askedAtMs: 0 },
      { inFlight: 0, queued: 0, atMs: WRITE_EVERY_MS, askedAtMs: 2_000 },
    ]);
    expect(clock.pending).toBe(0);
  });

  test('is written at most every 15 s however many requests come, with the busiest moment', async () => {
    const { clock, writes, hear } = demandWorld();
    for (let second = 0; second < 60; second++) {
      await hear({ running: 1, waiting: 0 });
      if (second === 20) await hear({ running: 4, waiting: 3 });
      await hear({ running: 2, waiting: 0 });
      await clock.advance(1_000);
    }
    expect(writes.map(({ atMs }) => atMs)).toEqual([0, 15_000, 30_000, 45_000, 60_000]);
    expect(writes.map(({ inFlight, queued }) => [inFlight, queued])).toEqual([
      [1, 0],
      [2, 0],
      [4, 3],
      [2, 0],
      [2, 0],
    ]);
  });

  test('with one long answer is confirmed, so that its engine is not taken for idle', async () => {
    const { clock, writes, hear } = demandWorld();
    await hear({ running: 1 });
    await clock.advance(2 * CONFIRM_EVERY_MS);
    expect(writes.map(({ atMs, askedAtMs }) => [atMs, askedAtMs])).toEqual([
      [0, 0],
      [CONFIRM_EVERY_MS, CONFIRM_EVERY_MS],
      [2 * CONFIRM_EVERY_MS, 2 * CONFIRM_EVERY_MS],
    ]);
  });

  test('is forgotten when it is deleted', async () => {
    let gone = false;
    const { clock, writes, hear } = demandWorld({ isGone: () => gone });
    await hear({ running: 1 });
    gone = true;
    await hear({ running: 0 });
    await clock.advance(60 * 60_000);
    expect(writes).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

describe('a class without an engine', () => {
  test('is written once a request has waited for a second', async () => {
    const { clock, writes, hear } = demandWorld({ hasEngine: false });
    await hear({ waiting: 1 });
    await clock.advance(WAKE_AFTER_MS - 1);
    expect(writes.filter(({ queued }) => queued > 0)).toHaveLength(0);
    await clock.advance(1);
    expect(writes.at(-1)).toEqual({ inFlight: 0, queued: 1, atMs: WAKE_AFTER_MS, askedAtMs: WAKE_AFTER_MS });
  });

  test('also when it was written that nobody asks just before', async () => {
    const { clock, writes, hear } = demandWorld({ hasEngine: true });
    await hear({ running: 1 });
    await hear({ running: 0, hasEngine: false });
    await clock.advance(WRITE_EVERY_MS);
    await hear({ waiting: 1 });
    await clock.advance(WAKE_AFTER_MS);
    expect(writes.at(-1)).toMatchObject({ queued: 1, atMs: WRITE_EVERY_MS + WAKE_AFTER_MS });
  });

  test('is not woken by a client that leaves at once, again and again', async () => {
    const { clock, writes, hear } = demandWorld({ hasEngine: false });
    for (let round = 0; round < 60; round++) {
      await hear({ waiting: 1 });
      await clock.advance(WAKE_AFTER_MS / 2);
      await hear({ waiting: 0 });
      await clock.advance(WAKE_AFTER_MS / 2);
    }
    expect(writes).toEqual([]);
  });

  test('is written a few times a minute by a client that waits a while and leaves, again and again', async () => {
    const { clock, writes, hear } = demandWorld({ hasEngine: false });
    for (let round = 0; round < 30; round++) {
      await hear({ waiting: 1 });
      await clock.advance(1.5 * WAKE_AFTER_MS);
      await hear({ waiting: 0 });
      await clock.advance(0.5 * WAKE_AFTER_MS);
    }
    expect(writes.length).toBeLessThanOrEqual(2 * (60_000 / WRITE_EVERY_MS) + 1);
  });

  test('that loses it while requests wait asks for another one at once', async () => {
    const { clock, writes, hear } = demandWorld();
    await hear({ running: 1 });
    await hear({ waiting: 1 });
    await clock.advance(5_000);
    await hear({ running: 0, hasEngine: false });
    expect(writes.at(-1)).toMatchObject({ queued: 1, atMs: 5_000 });
  });
});

describe('whatever students do', () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'what is written is right and bounded: class %i',
    async (seed) => {
      const random = seededRandom(seed);
      const { clock, writes, hear } = demandWorld({ hasEngine: random() < 0.5, fails: () => random() < 0.1 });
      let [waiting, running, hasEngine, wakes] = [0, 0, true, 0];
      for (let step = 0; step < 300; step++) {
        const at = random();
        if (at < 0.35) waiting += 1;
        else if (at < 0.6 && waiting > 0) waiting -= 1;
        else if (at < 0.75 && waiting > 0 && hasEngine) [waiting, running] = [waiting - 1, running + 1];
        else if (at < 0.95 && running > 0) running -= 1;
        else if (at >= 0.95) {
          hasEngine = !hasEngine;
          wakes += 1;
        }
        await hear({ waiting, running, hasEngine });
        await clock.advance(Math.floor(random() * 4_000));
      }
      const elapsedMs = clock.monotonic();
      expect(writes.length).toBeLessThanOrEqual(
        elapsedMs / WRITE_EVERY_MS + wakes + elapsedMs / WRITE_EVERY_MS + 1,
      );

      await hear({ waiting: 0, running: 0 });
      await clock.advance(10 * 60_000);
      expect(clock.pending).toBe(0);
      expect(writes.at(-1)).toMatchObject({ inFlight: 0, queued: 0 });
      for (const { atMs, askedAtMs } of writes) expect(askedAtMs).toBeLessThanOrEqual(atMs);
    },
  );
});

describe('an API server that is away', () => {
  test('is tried again, sooner at first, and told how it is then', async () => {
    let away = true;
    const { clock, writes, results, hear } = demandWorld({ hasEngine: false, fails: () => away });
    await hear({ waiting: 1 });
    await clock.advance(10_000);
    expect(writes).toEqual([]);
    // After 1, 2, 4 and 8 s.
    expect(results).toEqual([false, false, false, false]);
    await hear({ waiting: 2 });
    away = false;
    await clock.advance(WRITE_EVERY_MS);
    expect(writes[0]).toMatchObject({ queued: 2 });
    expect(results.at(-1)).toBe(true);
  });

  test('is not asked any more after the stop', async () => {
    const { clock, publisher, writes, hear } = demandWorld({ fails: () => true });
    await hear({ running: 1 });
    publisher.stop();
    await clock.advance(60_000);
    expect(writes).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
