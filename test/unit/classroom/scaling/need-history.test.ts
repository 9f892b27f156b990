import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  beginHistory,
  type NeedHistory,
  peakFallsAtMs,
  peakNeed,
  withNeed,
} from '../../../../src/classroom/scaling/need-history.ts';

const WINDOW_MS = 1_000;

/** What was needed, as steps: from when on how many engines. */
function history(steps: readonly (readonly [atMs: number, engines: number])[], running = 0): NeedHistory {
  return steps.reduce(
    (before, [nowMs, engines]) => withNeed(before, engines, { nowMs, windowMs: WINDOW_MS }),
    beginHistory(running, 0),
  );
}

const peakAt = (own: NeedHistory, nowMs: number) => peakNeed(own, { nowMs, windowMs: WINDOW_MS });

describe('the most engines that were needed of late', () => {
  test('are those needed now, where more were not', () => {
    expect(peakAt(history([[10, 3]]), 10)).toBe(3);
  });

  test('stay for the window after they were needed last, however long that lasted', () => {
    const own = history([
      [10, 3],
      [5_000, 1],
    ]);
    expect(peakAt(own, 5_999)).toBe(3);
    expect(peakAt(own, 6_000)).toBe(1);
    expect(peakFallsAtMs(own, { nowMs: 5_500, windowMs: WINDOW_MS })).toBe(6_000);
  });

  test('fall step by step, each when its own window is over', () => {
    const own = history([
      [0, 4],
      [100, 2],
      [200, 0],
    ]);
    expect([1_099, 1_100, 1_199, 1_200].map((nowMs) => peakAt(own, nowMs))).toEqual([4, 2, 2, 0]);
  });

  test('are as many as run where the operator has just begun', () => {
    const own = history([[0, 0]], 4);
    expect(peakAt(own, 999)).toBe(4);
    expect(peakAt(own, 1_000)).toBe(0);
  });

  test('do not fall by themselves where they are needed now', () => {
    expect(peakFallsAtMs(history([[10, 3]]), { nowMs: 10, windowMs: WINDOW_MS })).toBeUndefined();
  });
});

test('what is needed and stays needed changes nothing: passes over a class in quiet cost nothing', () => {
  const own = history([[10, 3]]);
  expect(withNeed(own, 3, { nowMs: 500, windowMs: WINDOW_MS })).toEqual(own);
});

const stepsArbitrary = fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 5 })), {
  minLength: 1,
  maxLength: 40,
});

test('property: a history keeps no more than what decides, and says what the whole past says', () => {
  fc.assert(
    fc.property(stepsArbitrary, fc.integer({ min: 0, max: 2_000 }), (gaps, laterMs) => {
      const sumUpTo = (end: number) => gaps.slice(0, end).reduce((sum, [gapMs]) => sum + gapMs, 0);
      const steps = gaps.map(([, engines], position) => [sumUpTo(position + 1), engines] as const);
      const nowMs = sumUpTo(gaps.length) + laterMs;
      const ends = [...steps.slice(1).map(([startMs]) => startMs), Number.POSITIVE_INFINITY];
      const seen = steps.filter((_, position) => (ends[position] ?? 0) > nowMs - WINDOW_MS);
      const own = history(steps);
      expect(peakAt(own, nowMs)).toBe(Math.max(...seen.map(([, engines]) => engines)));
      expect(own.before.length).toBeLessThanOrEqual(5);
    }),
  );
});
