import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  requestsLeft,
  returnRequest,
  takeRequest,
  tatAfterClockChange,
} from '../../../../src/gateway/limits/gcra.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const limits = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(601, 7_777));

/** Asks again and again at one moment until refused. */
function takeAll(limit: number, nowMs: number, from = 0): { taken: number; tatMs: number; retryMs: number } {
  let tatMs = from;
  for (let taken = 0; ; taken++) {
    const decision = takeRequest(tatMs, limit, nowMs);
    if (!decision.ok) return { taken, tatMs, retryMs: decision.retryMs };
    tatMs = decision.tatMs;
  }
}

describe('requests a minute', () => {
  test('a minute of requests may come at once, not one more', () => {
    fc.assert(
      fc.property(limits, (limit) => {
        expect(takeAll(limit, NOW).taken).toBe(limit);
      }),
      { numRuns: 60 },
    );
  });

  test.each([99_999, 100_000])('also of %i', (limit) => {
    expect(takeAll(limit, NOW).taken).toBe(limit);
  });

  test('in no stretch of time come more than the limit and what the time refills', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), gaps, (limit, gapsMs) => {
        const admitted: number[] = [];
        let nowMs = NOW;
        let tatMs = 0;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const decision = takeRequest(tatMs, limit, nowMs);
          if (!decision.ok) continue;
          tatMs = decision.tatMs;
          admitted.push(nowMs);
        }
        const excess = admitted.flatMap((fromMs, first) =>
          admitted.slice(first).map((toMs, index) => index + 1 - limit - (limit * (toMs - fromMs)) / 60_000),
        );
        expect(Math.max(...excess)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('a refused request is admitted after exactly the time it was told, and not 1 ms earlier', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 0, max: 59 }), (limit, laterMs) => {
        const { tatMs, retryMs } = takeAll(limit, NOW, NOW + laterMs);
        expect(takeRequest(tatMs, limit, NOW + retryMs).ok).toBe(true);
        expect(takeRequest(tatMs, limit, NOW + retryMs - 1).ok).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('what is left is what would be admitted, and all is back when it says', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: -70_000, max: 60_000 }), (limit, aheadMs) => {
        const { remaining, resetMs } = requestsLeft(NOW + aheadMs, limit, NOW);
        expect(takeAll(limit, NOW, NOW + aheadMs).taken).toBe(remaining);
        expect(requestsLeft(NOW + aheadMs, limit, NOW + resetMs)).toEqual({ remaining: limit, resetMs: 0 });
      }),
      { numRuns: 60 },
    );
  });

  test('a request that is given back can be made again', () => {
    fc.assert(
      fc.property(limits, (limit) => {
        const { tatMs } = takeAll(limit, NOW);
        expect(takeAll(limit, NOW, returnRequest(tatMs, limit)).taken).toBe(1);
      }),
      { numRuns: 60 },
    );
  });

  test('of a changed limit the same part is used: none is filled up, none is emptied', () => {
    const half = takeAll(30, NOW).tatMs - 30_000;
    expect(requestsLeft(half, 30, NOW).remaining).toBe(15);
    expect(requestsLeft(half, 60, NOW).remaining).toBe(30);
    expect(requestsLeft(half, 10, NOW).remaining).toBe(5);
  });

  test('a clock that was set back shuts nobody out for longer than a minute, and fills nothing up', () => {
    const before = NOW - 3_600_000;
    const tatMs = tatAfterClockChange(takeAll(30, NOW).tatMs, before);
    expect(takeRequest(tatMs, 30, before)).toEqual({ ok: false, retryMs: 2_000 });
    expect(requestsLeft(tatMs, 30, before + 60_000)).toEqual({ remaining: 30, resetMs: 0 });
    expect(tatAfterClockChange(tatMs, before)).toBe(tatMs);
  });
});
