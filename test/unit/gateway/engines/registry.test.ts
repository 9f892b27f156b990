import { describe, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import type { EngineLoad } from '../../../../src/gateway/engines/capacity.ts';
import {
  createEngineRegistry,
  DEFAULT_MAX_NUM_SEQS,
  type Demand,
  type EngineRegistry,
} from '../../../../src/gateway/engines/registry.ts';

const KEY = 'a/b';

function registry(ids: readonly string[] = []) {
  const connected: string[] = [];
  const time = { ms: 0 };
  const engines = createEngineRegistry({
    connect: (origin) => {
      connected.push(origin);
      return new Agent();
    },
    monotonic: () => time.ms,
    random: () => 0,
  });
  const changes: string[] = [];
  engines.subscribe((key) => changes.push(key));
  for (const id of ids) engines.put({ id, classroomKey: KEY, origin: `http://${id}:8000` });
  changes.length = 0;
  return { engines, connected, changes, time };
}

/** A small request of a student. */
const by = (student: string, differs: Partial<Demand> = {}): Demand => ({
  student,
  kvTokens: 100,
  share: 1,
  ...differs,
});

function take(engines: EngineRegistry, student: string, differs: Partial<Demand> = {}) {
  return engines.take(KEY, by(student, differs));
}

const idle: EngineLoad = { running: 0, waiting: 0, kvUsage: 0, kvTokens: undefined };

describe('an engine for an adapter', () => {
  const SQL = { model: 'qwen:sql', folder: '/models/adapters/sql' };

  test('is one that has it', () => {
    const { engines } = registry(['one', 'two', 'three']);
    for (const id of ['one', 'three']) engines.reportAdapters(id, []);
    engines.reportAdapters('two', [SQL]);
    const ids = Array.from({ length: 5 }, (_, i) => take(engines, `student-${i}`, { adapter: SQL })?.id);
    expect(new Set(ids)).toEqual(new Set(['two']));
  });

  test('is not one that has another version of it', () => {
    const { engines } = registry(['one']);
    engines.reportAdapters('one', [{ ...SQL, folder: '/models/adapters/sql-1' }]);
    expect([engines.mayServe(KEY, SQL), take(engines, 'alice', { adapter: SQL })]).toEqual([
      false,
      undefined,
    ]);
  });

  test('is else one that has not said yet what it has, until it answers that it lacks it', () => {
    const { engines } = registry(['one', 'two']);
    engines.reportAdapters('one', []);
    const use = take(engines, 'alice', { adapter: SQL });
    expect(use?.id).toBe('two');
    use?.lacks(SQL.model);
    engines.reportAdapters('one', [SQL]);
    expect(take(engines, 'alice', { adapter: SQL })?.id).toBe('one');
  });

  test('is else one that did not have it: it may have loaded it since', () => {
    const { engines } = registry(['one']);
    engines.reportAdapters('one', []);
    expect(engines.mayServe(KEY, SQL)).toBe(true);
    expect(take(engines, 'alice', { adapter: SQL })?.id).toBe('one');
  });

  test('has said nothing when it becomes ready anew: it may have started anew', () => {
    const { engines } = registry(['one', 'two']);
    engines.reportAdapters('one', [SQL]);
    engines.reportAdapters('two', []);
    engines.drain('two');
    engines.put({ id: 'two', classroomKey: KEY, origin: 'http://two:8000' });
    engines.drain('one');
    engines.put({ id: 'one', classroomKey: KEY, origin: 'http://one:8000' });
    engines.reportAdapters('two', [{ ...SQL, folder: '/models/adapters/sql-1' }]);
    expect(take(engines, 'alice', { adapter: SQL })?.id).toBe('one');
  });

  test('is none while it is out', () => {
    const { engines } = registry(['one']);
    engines.reportAdapters('one', [SQL]);
    engines.drain('one');
    expect([engines.mayServe(KEY, SQL), take(engines, 'alice', { adapter: SQL })]).toEqual([
      false,
      undefined,
    ]);
  });

  test('and one without it serves the base model all the same', () => {
    const { engines } = registry(['one']);
    engines.reportAdapters('one', []);
    expect(take(engines, 'alice')?.id).toBe('one');
  });
});

describe('taking a place at an engine', () => {
  test('none is there', () => {
    expect(take(registry().engines, 'alice')).toBeUndefined();
  });

  test('an engine of another class is none', () => {
    expect(registry(['one']).engines.take('a/c', by('alice'))).toBeUndefined();
  });

  test('a student comes back to the same engine', () => {
    const { engines } = registry(['one', 'two', 'three']);
    const ids = [1, 2, 3, 4].map(() => {
      const use = take(engines, 'alice');
      use?.release('answered');
      return use?.id;
    });
    expect(new Set(ids).size).toBe(1);
  });

  test('many students spread over the engines, none of which has more than 1.25 times its part', () => {
    const { engines } = registry(['one', 'two', 'three']);
    const counts = new Map<string, number>();
    for (let i = 0; i < 90; i++) {
      const id = take(engines, `student-${i}`)?.id ?? 'none';
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['one', 'three', 'two']);
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(Math.ceil((1.25 * 90) / 3));
  });

  test('one student with many requests does not stay on one engine', () => {
    const { engines } = registry(['one', 'two']);
    const ids = Array.from({ length: 20 }, () => take(engines, 'alice')?.id);
    const own = ids.filter((id) => id === ids[0]).length;
    expect(own).toBeGreaterThanOrEqual(10);
    expect(own).toBeLessThanOrEqual(13);
  });

  test('no more than planned, and again after one was given back', () => {
    const { engines } = registry(['one']);
    engines.plan(KEY, 2);
    const [first] = [take(engines, 'alice'), take(engines, 'alice')];
    expect(take(engines, 'bob')).toBeUndefined();
    first?.release('answered');
    expect(take(engines, 'bob')?.id).toBe('one');
    expect(engines.size).toEqual({ ready: 1, out: 0, inFlight: 2, capacity: 2 });
  });

  test('without a plan, what is assumed', () => {
    expect(registry(['one', 'two']).engines.capacityOf(KEY)).toBe(2 * DEFAULT_MAX_NUM_SEQS);
  });

  test('not more tokens than the KV cache holds, once the engine said how many', () => {
    const { engines } = registry(['one']);
    engines.reportLoad('one', { ...idle, kvTokens: 1_000 });
    expect(take(engines, 'alice', { kvTokens: 600 })).toBeDefined();
    expect(take(engines, 'bob', { kvTokens: 401 })).toBeUndefined();
    expect(take(engines, 'bob', { kvTokens: 400 })).toBeDefined();
  });

  test('one that is larger than the KV cache gets an engine of its own: it is the engine that has to say no', () => {
    const { engines } = registry(['one']);
    engines.reportLoad('one', { ...idle, kvTokens: 1_000 });
    const use = take(engines, 'alice', { kvTokens: 2_000 });
    expect(use).toBeDefined();
    expect(take(engines, 'bob')).toBeUndefined();
  });

  test('only its share of each engine, where other replicas have theirs', () => {
    const { engines } = registry(['one', 'two']);
    engines.plan(KEY, 4);
    const taken = Array.from({ length: 8 }, () => take(engines, 'alice', { share: 0.5 }));
    expect(taken.filter((use) => use !== undefined)).toHaveLength(4);
  });

  test('another engine than the one that was tried, also a full one', () => {
    const { engines } = registry(['one', 'two']);
    engines.plan(KEY, 1);
    const [first, second] = [take(engines, 'alice'), take(engines, 'bob')];
    const except = new Set([first?.id ?? '']);
    expect(take(engines, 'alice', { except })?.id).toBe(second?.id);
    expect(take(engines, 'alice', { except: new Set(['one', 'two']) })).toBeUndefined();
  });

  test('not one that is not ready, until it is again', () => {
    const { engines, connected, changes } = registry(['one']);
    engines.drain('one');
    expect([take(engines, 'alice'), engines.readyCount(KEY)]).toEqual([undefined, 0]);
    engines.put({ id: 'one', classroomKey: KEY, origin: 'http://one:8000' });
    expect(take(engines, 'alice')?.id).toBe('one');
    expect(connected).toHaveLength(1);
    expect(changes).toEqual([KEY, KEY]);
  });

  test('an engine with a new address is connected anew', () => {
    const { engines, connected } = registry(['one']);
    engines.put({ id: 'one', classroomKey: KEY, origin: 'http://other:8000' });
    expect(connected).toEqual(['http://one:8000', 'http://other:8000']);
    expect(engines.readyCount(KEY)).toBe(1);
  });

  test('a request that ends after its engine was removed harms nobody', () => {
    const { engines } = registry(['one']);
    const use = take(engines, 'alice');
    engines.remove('one');
    use?.release('failed');
    expect(engines.size).toEqual({ ready: 0, out: 0, inFlight: 0, capacity: 0 });
  });

  test('releasing twice is a bug that shows', () => {
    const use = take(registry(['one']).engines, 'alice');
    use?.release();
    expect(() => use?.release()).toThrow(/released twice/);
  });
});

describe('an engine that fails', () => {
  test('is out after one connection that could not be made, and back after a probe', () => {
    const { engines, changes } = registry(['one']);
    take(engines, 'alice')?.release('unreachable');
    expect([take(engines, 'alice'), engines.size.out]).toEqual([undefined, 1]);
    engines.reportProbe('one', false);
    expect(engines.readyCount(KEY)).toBe(0);
    engines.reportProbe('one', true);
    expect(engines.readyCount(KEY)).toBe(1);
    expect(changes).toEqual([KEY, KEY]);
  });

  test('is out after three other failures in a row, and not after two with an answer between', () => {
    const { engines } = registry(['one']);
    const outcomes = ['failed', 'silent', 'answered', 'failed', 'failed'] as const;
    outcomes.forEach((outcome, index) => {
      take(engines, `student-${index}`)?.release(outcome);
    });
    expect(engines.readyCount(KEY)).toBe(1);
    take(engines, 'alice')?.release('failed');
    expect(engines.readyCount(KEY)).toBe(0);
  });

  test('for one student only, however often, is left to the others', () => {
    const { engines } = registry(['one']);
    for (let time = 0; time < 20; time++) take(engines, 'alice')?.release('failed');
    expect(engines.readyCount(KEY)).toBe(1);
    take(engines, 'bob')?.release('failed');
    take(engines, 'carol')?.release('failed');
    expect(engines.readyCount(KEY)).toBe(0);
  });

  test('and of whose pod something else is told stays out until the probe', () => {
    const { engines } = registry(['one']);
    take(engines, 'alice')?.release('unreachable');
    engines.put({ id: 'one', classroomKey: KEY, origin: 'http://one:8000' });
    expect(take(engines, 'alice')).toBeUndefined();
  });

  test('and whose pod becomes ready again is back at once, on trial', () => {
    const { engines } = registry(['one']);
    take(engines, 'alice')?.release('unreachable');
    engines.drain('one');
    engines.put({ id: 'one', classroomKey: KEY, origin: 'http://one:8000' });
    take(engines, 'alice')?.release('silent');
    expect(engines.readyCount(KEY)).toBe(0);
  });

  test('whoever looks after it hears when to probe it, and when it is gone', () => {
    const { engines, time } = registry();
    const seen: { probeAtMs: number | undefined; gone: boolean }[] = [];
    const look: (() => void)[] = [];
    engines.onAdded((view, gone) =>
      look.push(() => seen.push({ probeAtMs: view.probeAtMs, gone: gone.aborted })),
    );
    engines.put({ id: 'one', classroomKey: KEY, origin: 'http://one:8000' });
    time.ms = 500;
    look[0]?.();
    take(engines, 'alice')?.release('unreachable');
    look[0]?.();
    engines.remove('one');
    look[0]?.();
    expect(seen).toEqual([
      { probeAtMs: undefined, gone: false },
      { probeAtMs: 1_500, gone: false },
      { probeAtMs: 1_500, gone: true },
    ]);
  });
});
