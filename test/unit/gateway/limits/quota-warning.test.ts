import { describe, expect, test } from '@jest/globals';
import type { LimitState } from '../../../../src/gateway/limits/limit-state.ts';
import { quotaWarning } from '../../../../src/gateway/limits/quota-warning.ts';

const NEVER = Number.POSITIVE_INFINITY;

function day(used: number, limit = 1_000): LimitState {
  return { name: 'tokensPerDay', limit, remaining: limit - used, used, resetMs: 18_719_001 };
}

function course(used: number): LimitState {
  return { name: 'tokensTotal', limit: 10_000, remaining: 10_000 - used, used, resetMs: NEVER };
}

describe('the warning of a budget that is nearly used up', () => {
  test.each<[string, LimitState[], string | undefined]>([
    ['nothing below 80 %', [day(799), course(7_999)], undefined],
    ['the day from 80 % on', [day(800)], 'tokens-day;used=80;limit=1000;reset=18720'],
    ['the course, which nothing refills', [course(9_150)], 'tokens-total;used=91;limit=10000'],
    [
      'both',
      [day(999), course(8_000)],
      'tokens-day;used=99;limit=1000;reset=18720, tokens-total;used=80;limit=10000',
    ],
    ['a budget that is overdrawn', [day(1_200)], 'tokens-day;used=120;limit=1000;reset=18720'],
    ['nothing of a budget that a boost has raised', [day(800, 2_000)], undefined],
  ])('says %s', (_, limits, warning) => {
    expect(quotaWarning(limits)).toBe(warning);
  });

  test('does not count what running requests have reserved', () => {
    expect(quotaWarning([{ ...day(100), remaining: 0 }])).toBeUndefined();
  });

  test('says nothing of limits that come back within a minute', () => {
    expect(
      quotaWarning([
        { name: 'requestsPerMinute', limit: 30, remaining: 0, resetMs: 60_000 },
        { name: 'tokensPerMinute', limit: 100, remaining: 0, resetMs: 60_000 },
        { name: 'concurrentRequests', limit: 2, remaining: 0, resetMs: NEVER },
      ]),
    ).toBeUndefined();
  });
});
