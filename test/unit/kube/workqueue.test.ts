import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { noMetrics } from '../../../src/kube/metrics.ts';
import { createWorkQueue, type WorkQueue, type WorkQueueOptions } from '../../../src/kube/workqueue.ts';
import { createFakeClock, type FakeClock, settle } from '../../support/fake-clock.ts';

let clock: FakeClock;
let queue: WorkQueue;

beforeEach(() => {
  clock = createFakeClock();
  queue = queueWith();
});

function queueWith(options: Partial<WorkQueueOptions> = {}): WorkQueue {
  return createWorkQueue({ name: 'test', clock, metrics: noMetrics, ...options });
}

async function takeAll(from: WorkQueue): Promise<string[]> {
  const taken: string[] = [];
  while (from.depth > 0) taken.push((await from.get()) ?? 'shut down');
  return taken;
}

describe('adding', () => {
  test('keeps the order, and a waiting key is there once', async () => {
    for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key);

    expect(await takeAll(queue)).toEqual(['b', 'a', 'c']);
  });

  test('a key that is worked on comes back after done, once, and not before', async () => {
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');

    expect(await takeAll(queue)).toEqual(['a']);
  });

  test('done without anything new leaves the queue empty', async () => {
    queue.add('a');
    await queue.get();
    queue.done('a');

    expect([queue.depth, queue.processing]).toEqual([0, 0]);
  });

  test('wakes one waiting taker a key', async () => {
    const takers = [queue.get(), queue.get()];
    queue.add('a');
    queue.add('b');

    expect(await Promise.all(takers)).toEqual(['a', 'b']);
  });
});

describe('adding later', () => {
  test('the earliest of several times holds, and the key comes once', async () => {
    queue.addAfter('a', 5_000);
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 9_000);
    await clock.advance(999);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(await takeAll(queue)).toEqual(['a']);
    queue.done('a');
    await clock.advance(10_000);
    expect(queue.depth).toBe(0);
  });

  test.each([0, -5])('a delay of %d ms is none', (ms) => {
    queue.addAfter('a', ms);

    expect(queue.depth).toBe(1);
  });
});

describe('retries', () => {
  test('wait 5 ms, then twice as long each time, at most 1000 s, and 5 ms again after forget', async () => {
    const waits: (number | undefined)[] = [];
    for (let failure = 0; failure < 20; failure++) {
      queue.addRateLimited('a');
      waits.push(clock.nextInMs);
      await clock.advance(1_000_000);
      await takeAll(queue);
      queue.done('a');
    }

    expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(waits.slice(-2)).toEqual([1_000_000, 1_000_000]);
    expect(queue.failures('a')).toBe(20);
    queue.forget('a');
    queue.addRateLimited('a');
    expect(clock.nextInMs).toBe(5);
  });

  test('of many keys together are spread by the bucket over all of them', async () => {
    const limited = queueWith({ retriesPerSecond: 10, retryBurst: 2 });
    for (const key of ['a', 'b', 'c', 'd']) limited.addRateLimited(key);
    await clock.advance(5);
    expect(limited.depth).toBe(2);
    await clock.advance(95);
    expect(limited.depth).toBe(3);
    await clock.advance(100);
    expect(limited.depth).toBe(4);
  });
});

describe('shutting down', () => {
  test('ends takers that wait, drops what is to come, takes nothing new, hands out what is ready', async () => {
    const taker = queue.get();
    queue.shutDown();
    expect(await taker).toBeUndefined();

    const other = queueWith();
    other.add('ready');
    other.addAfter('later', 1_000);
    other.shutDown();
    other.add('new');
    other.addAfter('new', 1);
    expect(clock.pending).toBe(0);
    expect([await other.get(), await other.get()]).toEqual(['ready', undefined]);
  });
});

describe('metrics', () => {
  test('tell depth, adds, retries and how long keys waited', async () => {
    const seen: unknown[] = [];
    const measured = queueWith({
      metrics: {
        ...noMetrics,
        queueDepth: ({ depth }) => seen.push(['depth', depth]),
        queueAdded: () => seen.push('added'),
        queueRetried: () => seen.push('retried'),
        queueWaited: ({ seconds }) => seen.push(['waited', seconds]),
      },
    });
    measured.add('a');
    await clock.advance(3_000);
    await measured.get();
    measured.done('a');
    measured.addRateLimited('a');

    expect(seen).toEqual(['added', ['depth', 1], ['waited', 3], ['depth', 0], 'retried']);
  });
});

test('whatever happens: one key is never worked on twice at once, and nothing added is lost', async () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key }),
    fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.nat(2_000) }),
    fc.record({ do: fc.constant('retry' as const), key }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({ do: fc.constant('done' as const), pick: fc.nat() }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.nat(3_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      clock = createFakeClock();
      queue = queueWith();
      const working: string[] = [];
      /** Keys added since they were last taken: each must be taken once more. */
      const owed = new Set<string>();
      const take = async (): Promise<void> => {
        const taken = (await queue.get()) ?? '';
        expect(working).not.toContain(taken);
        working.push(taken);
        owed.delete(taken);
      };
      const finish = (index: number): void => {
        const [finished] = working.splice(index, 1);
        if (finished !== undefined) queue.done(finished);
      };
      for (const current of steps) {
        if (current.do === 'add') queue.add(current.key);
        if (current.do === 'addAfter') queue.addAfter(current.key, current.ms);
        if (current.do === 'retry') queue.addRateLimited(current.key);
        if ('key' in current) owed.add(current.key);
        if (current.do === 'take' && queue.depth > 0) await take();
        if (current.do === 'done' && working.length > 0) finish(current.pick % working.length);
        if (current.do === 'advance') await clock.advance(current.ms);
      }
      await clock.advance(2_000_000);
      while (queue.depth > 0 || working.length > 0) {
        while (queue.depth > 0) await take();
        while (working.length > 0) finish(0);
        await settle(1);
      }
      expect([...owed]).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
