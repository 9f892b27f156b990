import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Bucket,
  settleTokens,
  takeTokens,
  tokensLeft,
  UNTOUCHED,
} from '../../../../src/gateway/limits/token-bucket.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const limits = fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 1_000_000_000 }));
const UNUSED: Bucket = { tokens: UNTOUCHED, tokensAtMs: 0 };

function bucketAfter(limit: number, wanted: number, bucket = UNUSED, nowMs = NOW): Bucket {
  const taken = takeTokens(bucket, limit, wanted, nowMs);
  if (!taken.ok) throw new Error(`refused: try again in ${taken.retryMs} ms`);
  return taken.bucket;
}

describe('tokens a minute', () => {
  test('nobody gets more than a full bucket and what flows in', () => {
    const asked = fc.array(
      fc.record({ gapMs: fc.integer({ min: 0, max: 30_000 }), tokens: fc.integer({ min: 1, max: 600 }) }),
      { minLength: 1, maxLength: 100, size: 'max' },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), asked, (limit, requests) => {
        let bucket = UNUSED;
        let nowMs = NOW;
        let spent = 0;
        for (const { gapMs, tokens } of requests) {
          nowMs += gapMs;
          const taken = takeTokens(bucket, limit, tokens, nowMs);
          if (!taken.ok) continue;
          bucket = taken.bucket;
          spent += taken.reserved;
          expect(spent).toBeLessThanOrEqual(limit + (limit * (nowMs - NOW)) / 60_000);
        }
      }),
    );
  });

  test('a request larger than the bucket takes a full one, and is refused by one that is not', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 2_000_000_000 }), (limit, beyond) => {
        const taken = takeTokens(UNUSED, limit, limit + beyond, NOW);
        expect(taken).toMatchObject({ ok: true, reserved: limit, bucket: { tokens: 0 } });
        const again = takeTokens(bucketAfter(limit, limit), limit, limit + beyond, NOW);
        expect(again).toMatchObject({ ok: false, retryMs: 60_000 });
      }),
    );
  });

  test('a refused request is admitted after exactly the time it was told, and not 1 ms earlier', () => {
    const share = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(limits, share, share, fc.integer({ min: 0, max: 50_000 }), (limit, first, next, debt) => {
        const bucket = settleTokens(bucketAfter(limit, Math.ceil((limit * first) / 1000)), 0, debt);
        const wanted = Math.ceil((limit * next) / 1000);
        const refused = takeTokens(bucket, limit, wanted, NOW);
        if (refused.ok) return;
        expect(takeTokens(bucket, limit, wanted, NOW + refused.retryMs).ok).toBe(true);
        expect(takeTokens(bucket, limit, wanted, NOW + refused.retryMs - 1).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('fractions of a token are kept, however often somebody looks', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 300, size: 'max' });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), steps, (limit, stepsMs) => {
        let often = bucketAfter(limit, limit);
        const once = often;
        let nowMs = NOW;
        for (const stepMs of stepsMs) {
          nowMs += stepMs;
          often = bucketAfter(limit, 0, often, nowMs);
        }
        expect(tokensLeft(often, limit, nowMs)).toEqual(tokensLeft(once, limit, nowMs));
      }),
    );
  });

  test('what was used beyond the reservation is owed, and repaid before the next request', () => {
    const bucket = settleTokens(bucketAfter(1000, 1000), 1000, 3000);
    expect(tokensLeft(bucket, 1000, NOW)).toEqual({ remaining: 0, resetMs: 180_000 });
    expect(takeTokens(bucket, 1000, 1, NOW + 120_000)).toMatchObject({ ok: false, level: 0, retryMs: 60 });
    expect(takeTokens(bucket, 1000, 1, NOW + 120_060).ok).toBe(true);
  });

  test('what was reserved and not used is there again, and no more than a full bucket', () => {
    const bucket = settleTokens(bucketAfter(1000, 900), 900, 100);
    expect(tokensLeft(bucket, 1000, NOW).remaining).toBe(900);
    expect(tokensLeft(bucket, 1000, NOW + 3_600_000)).toEqual({ remaining: 1000, resetMs: 0 });
  });

  test('a long answer pays with what flowed in while it ran', () => {
    const bucket = settleTokens(bucketAfter(1000, 1000), 1000, 6000);
    expect(tokensLeft(bucket, 1000, NOW + 600_000).remaining).toBe(1000);
  });

  test('a changed limit leaves what is there, as far as the new bucket holds it, and what is owed', () => {
    const bucket = bucketAfter(10_000, 6_000);
    expect(tokensLeft(bucket, 1_000_000, NOW).remaining).toBe(4_000);
    expect(tokensLeft(bucket, 100, NOW).remaining).toBe(100);
    const owing = settleTokens(bucketAfter(1000, 1000), 1000, 3000);
    expect(tokensLeft(owing, 4000, NOW)).toEqual({ remaining: 0, resetMs: 90_000 });
    expect(tokensLeft(bucketAfter(10, 1), 1_000_000, NOW + 60_000).remaining).toBe(1_000_000);
  });

  test('a clock that was set back fills nothing, takes nothing, and then goes on', () => {
    const bucket = bucketAfter(1000, 400);
    const before = NOW - 3_600_000;
    expect(tokensLeft(bucket, 1000, before).remaining).toBe(600);
    expect(tokensLeft(bucketAfter(1000, 0, bucket, before), 1000, before + 6_000).remaining).toBe(700);
  });
});
