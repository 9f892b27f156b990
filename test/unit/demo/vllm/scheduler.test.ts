import { describe, expect, test } from '@jest/globals';
import { PrefixCache } from '../../../../src/demo/vllm/engine/prefix-cache.ts';
import {
  Scheduler,
  type SchedulerLimits,
  type Sequence,
  type SequenceSpec,
} from '../../../../src/demo/vllm/engine/scheduler.ts';

const limits = (differences: Partial<SchedulerLimits> = {}): SchedulerLimits => ({
  maxNumSeqs: 8,
  maxNumBatchedTokens: 100,
  blockSize: 4,
  kvBlocks: 100,
  policy: 'fcfs',
  ...differences,
});

const prompt = (length: number, first = 1): number[] => Array.from({ length }, (_, index) => first + index);

const spec = (differences: Partial<SequenceSpec> = {}): SequenceSpec => ({
  promptTokens: prompt(8),
  outputTokens: 3,
  maxTokens: 3,
  endsBy: 'stop',
  priority: 0,
  cacheScope: '',
  ...differences,
});

/** Runs one step; tells how many tokens it computed. */
function step(scheduler: Scheduler, nowMs = 0): number {
  const next = scheduler.schedule(nowMs);
  if (next === undefined) return 0;
  scheduler.complete(next, nowMs);
  return next.totalTokens;
}

describe('continuous batching', () => {
  test('a prompt takes one step and gives the first token; each further step gives one more', () => {
    const scheduler = new Scheduler(limits(), undefined);
    const sequence = scheduler.submit(spec(), 0);
    expect(step(scheduler)).toBe(8);
    expect(sequence.generatedTokens).toBe(1);
    expect(step(scheduler)).toBe(1);
    step(scheduler);
    expect(sequence).toMatchObject({ state: 'finished', generatedTokens: 3 });
    expect(step(scheduler)).toBe(0);
  });

  test('a request joins the running batch at the next step', () => {
    const scheduler = new Scheduler(limits(), undefined);
    scheduler.submit(spec(), 0);
    step(scheduler);
    scheduler.submit(spec(), 0);
    expect(step(scheduler)).toBe(1 + 8);
    expect(scheduler.running).toHaveLength(2);
  });

  test('a long prompt is cut into chunks that leave room for decoding', () => {
    const scheduler = new Scheduler(limits({ maxNumBatchedTokens: 10 }), undefined);
    scheduler.submit(spec({ outputTokens: 9 }), 0);
    step(scheduler);
    const long = scheduler.submit(spec({ promptTokens: prompt(20) }), 0);
    const tokens = [step(scheduler), step(scheduler), step(scheduler)];
    expect(tokens).toEqual([10, 10, 1 + 2]);
    expect(long.generatedTokens).toBe(1);
  });

  test('no more sequences run than max-num-seqs; the others wait in order', () => {
    const scheduler = new Scheduler(limits({ maxNumSeqs: 2 }), undefined);
    const all = Array.from({ length: 4 }, () => scheduler.submit(spec(), 0));
    step(scheduler);
    expect(all.map(({ state }) => state)).toEqual(['running', 'running', 'waiting', 'waiting']);
  });

  test('under the priority policy the lowest number goes first, and equals by arrival', () => {
    const scheduler = new Scheduler(limits({ maxNumSeqs: 1, policy: 'priority' }), undefined);
    const order: number[] = [];
    const submitted = [10, -1, 5, -1].map((priority) =>
      scheduler.submit(spec({ priority, outputTokens: 1 }), 0),
    );
    for (let index = 0; index < 4; index += 1) {
      step(scheduler);
      order.push(submitted.findIndex(({ state }, each) => state === 'finished' && !order.includes(each)));
    }
    expect(order).toEqual([1, 3, 2, 0]);
  });

  test('an aborted request leaves at once and gives its blocks back', () => {
    const scheduler = new Scheduler(limits(), undefined);
    const sequence = scheduler.submit(spec(), 0);
    step(scheduler);
    expect(scheduler.kvUsage).toBeGreaterThan(0);
    scheduler.abort(sequence, 5);
    expect(scheduler.kvUsage).toBe(0);
    expect(sequence).toMatchObject({ state: 'aborted', generatedTokens: 1, finishedMs: 5 });
  });
});

describe('a KV cache that is too small for all', () => {
  test('lets requests wait although sequences are free', () => {
    const scheduler = new Scheduler(limits({ kvBlocks: 3 }), undefined);
    scheduler.submit(spec(), 0);
    const second = scheduler.submit(spec(), 0);
    step(scheduler);
    expect(second.state).toBe('waiting');
  });

  test('pushes out the last request, which starts over and still gives every token once', () => {
    const scheduler = new Scheduler(limits({ kvBlocks: 5 }), undefined);
    const first = scheduler.submit(spec({ outputTokens: 8 }), 0);
    const second = scheduler.submit(spec({ outputTokens: 8 }), 0);
    for (let index = 0; index < 40; index += 1) step(scheduler);
    expect(scheduler.preemptions).toBeGreaterThan(0);
    for (const sequence of [first, second]) {
      expect(sequence).toMatchObject({ state: 'finished', generatedTokens: 8, heldBlocks: 0 });
    }
    expect(scheduler.kvUsage).toBe(0);
  });
});

describe('the prefix cache', () => {
  const cachedOf = (sequences: readonly Sequence[]): number[] =>
    sequences.map(({ cachedTokens }) => cachedTokens);

  function runAll(specs: readonly SequenceSpec[]): Sequence[] {
    const scheduler = new Scheduler(limits(), new PrefixCache(100));
    return specs.map((each) => {
      const sequence = scheduler.submit(each, 0);
      while (step(scheduler) > 0);
      return sequence;
    });
  }

  test('spares whole blocks of a known beginning, but never the whole prompt', () => {
    expect(cachedOf(runAll([spec(), spec(), spec({ promptTokens: [...prompt(8), 99, 98] })]))).toEqual([
      0, 4, 8,
    ]);
  });

  test('shares nothing between different salts', () => {
    expect(cachedOf(runAll([spec(), spec({ cacheScope: 'a' }), spec({ cacheScope: 'a' })]))).toEqual([
      0, 0, 4,
    ]);
  });

  test('forgets the least recently used blocks when it is full', () => {
    const cache = new PrefixCache(2);
    cache.insert([1, 2]);
    cache.match([1]);
    cache.insert([3]);
    expect([cache.match([1]), cache.match([2]), cache.match([3])]).toEqual([1, 0, 1]);
  });
});
