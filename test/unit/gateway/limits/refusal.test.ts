import { describe, expect, test } from '@jest/globals';
import type { Denial } from '../../../../src/gateway/limits/decision.ts';
import { refusalOf } from '../../../../src/gateway/limits/refusal.ts';
import { aClassroom } from '../builders.ts';

/** 10:31:53 in the class. */
const NOW = Date.parse('2026-11-23T02:31:53Z');
const UNTIL_MIDNIGHT_MS = Date.parse('2026-11-23T16:00:00Z') - NOW;

function refusal(differs: Partial<Denial> & Pick<Denial, 'name'>) {
  const denial = { limit: 30, used: 30, needed: 1, retryMs: 12_000, heldByRunning: false, ...differs };
  return refusalOf(denial, aClassroom(), NOW);
}

describe('a refusal by a limit', () => {
  test.each<[Partial<Denial> & Pick<Denial, 'name'>, string, string]>([
    [
      { name: 'concurrentRequests', limit: 2, used: 2, retryMs: undefined },
      'concurrent_requests_exceeded',
      'You have 2 requests running in class python-101, and 2 at the same time is the most. Wait until one has finished, then try again. Ask Ms Chen, room 214 if you need more.',
    ],
    [
      { name: 'requestsPerMinute' },
      'requests_per_minute_exceeded',
      'You have sent 30 of the 30 requests a minute that you may send in class python-101. The next one is possible at 10:32:05 (Asia/Shanghai), in 12 s. Ask Ms Chen, room 214 if you need more.',
    ],
    [
      { name: 'tokensPerMinute', limit: 20_000, used: 19_000, needed: 1_400 },
      'tokens_per_minute_exceeded',
      'You have used or reserved 19,000 of your 20,000 tokens a minute in class python-101, and this request can need 1,400. There is room for it at 10:32:05 (Asia/Shanghai), in 12 s. Ask Ms Chen, room 214 if you need more.',
    ],
    [
      { name: 'tokensPerDay', limit: 500_000, used: 499_990, needed: 41, retryMs: UNTIL_MIDNIGHT_MS },
      'tokens_per_day_exceeded',
      'You have used or reserved 499,990 of your 500,000 tokens a day in class python-101, and this request needs at least 41. The next day begins at 00:00 on 24 November (Asia/Shanghai), in 13 h 29 min; a shorter prompt may fit before. Ask Ms Chen, room 214 if you need more today.',
    ],
    [
      { name: 'tokensPerDay', limit: 40, used: 0, needed: 41, retryMs: undefined },
      'tokens_per_day_exceeded',
      'You have used or reserved 0 of your 40 tokens a day in class python-101, and this request needs at least 41. That is more than the whole limit: send a shorter prompt. Ask Ms Chen, room 214 if you need more today.',
    ],
    [
      { name: 'tokensTotal', limit: 9_000, used: 8_990, needed: 41, retryMs: undefined },
      'tokens_total_exceeded',
      'You have used or reserved 8,990 of your 9,000 tokens for the whole of class python-101, and this request needs at least 41. A shorter prompt may still fit. Ask Ms Chen, room 214 for more.',
    ],
    [
      { name: 'tokensTotal', limit: 9_000, used: 8_990, needed: 41, retryMs: undefined, heldByRunning: true },
      'tokens_total_exceeded',
      'You have used or reserved 8,990 of your 9,000 tokens for the whole of class python-101, and this request needs at least 41. Your running requests hold the rest: try again when they have finished. Ask Ms Chen, room 214 for more.',
    ],
    [
      { name: 'classroom.requestsPerMinute', limit: 600, used: 600 },
      'class_requests_per_minute_exceeded',
      'All students of class python-101 together have sent 600 of 600 requests a minute. The next one is possible at 10:32:05 (Asia/Shanghai), in 12 s. Ask Ms Chen, room 214 if this goes on.',
    ],
    [
      { name: 'classroom.tokensPerMinute', limit: 400_000, used: 399_000, needed: 1_400 },
      'class_tokens_per_minute_exceeded',
      'All students of class python-101 together have used or reserved 399,000 of 400,000 tokens a minute, and this request can need 1,400. There is room for it at 10:32:05 (Asia/Shanghai), in 12 s. Ask Ms Chen, room 214 if this goes on.',
    ],
  ])('%j', (denial, code, message) => {
    const { status, type, ...refused } = refusal(denial);
    expect([status, type]).toEqual([429, 'rate_limit_error']);
    expect([refused.code, refused.message]).toEqual([code, message]);
  });

  test.each<[string, Partial<Denial> & Pick<Denial, 'name'>, Record<string, string>]>([
    [
      'soon: when, to the ms',
      { name: 'requestsPerMinute', retryMs: 1_234 },
      { 'retry-after': '2', 'retry-after-ms': '1234' },
    ],
    [
      'after more than a minute: when, and that a client that does not wait so long need not try',
      { name: 'tokensPerMinute', retryMs: 60_001 },
      { 'retry-after': '61', 'retry-after-ms': '60001', 'x-should-retry': 'false' },
    ],
    [
      'tomorrow: the same',
      { name: 'tokensPerDay', limit: 100, retryMs: 3_600_000 },
      { 'retry-after': '3600', 'retry-after-ms': '3600000', 'x-should-retry': 'false' },
    ],
    [
      'never: that trying is useless',
      { name: 'tokensTotal', retryMs: undefined },
      { 'x-should-retry': 'false' },
    ],
    [
      'when another request has ended: a guess',
      { name: 'concurrentRequests', retryMs: undefined },
      { 'retry-after': '2', 'retry-after-ms': '2000' },
    ],
    [
      'when other requests have ended, also of a budget',
      { name: 'tokensPerDay', retryMs: 3_600_000, heldByRunning: true },
      { 'retry-after': '2', 'retry-after-ms': '2000' },
    ],
  ])('tells clients to come back %s', (_, denial, headers) => {
    expect(refusal(denial).headers).toEqual(headers);
  });
});
