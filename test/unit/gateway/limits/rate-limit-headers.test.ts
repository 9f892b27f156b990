import { describe, expect, test } from '@jest/globals';
import { durationText, rateLimitHeaders } from '../../../../src/gateway/limits/rate-limit-headers.ts';

describe('durations are written as OpenAI does', () => {
  test.each([
    [0, '0s'],
    [1, '1ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [1_001, '2s'],
    [59_001, '1m0s'],
    [360_000, '6m0s'],
    [3_599_001, '1h0m0s'],
    [86_400_000, '24h0m0s'],
  ])('%i ms: %s', (ms, text) => expect(durationText(ms)).toBe(text));
});

describe('the headers of the limits', () => {
  test('have all limits of a student by their names', () => {
    const headers = rateLimitHeaders([
      { name: 'concurrentRequests', limit: 2, remaining: 1, resetMs: Number.POSITIVE_INFINITY },
      { name: 'requestsPerMinute', limit: 30, remaining: 29, resetMs: 2_000 },
      { name: 'tokensPerMinute', limit: 20_000, remaining: 18_500, resetMs: 4_500 },
      { name: 'tokensPerDay', limit: 500_000, remaining: 400_000, resetMs: 18_720_000 },
      { name: 'tokensTotal', limit: 9_000_000, remaining: 8_000_000, resetMs: Number.POSITIVE_INFINITY },
    ]);
    expect(headers).toEqual({
      'x-ratelimit-limit-concurrent-requests': '2',
      'x-ratelimit-remaining-concurrent-requests': '1',
      'x-ratelimit-limit-requests': '30',
      'x-ratelimit-remaining-requests': '29',
      'x-ratelimit-reset-requests': '2s',
      'x-ratelimit-limit-tokens': '20000',
      'x-ratelimit-remaining-tokens': '18500',
      'x-ratelimit-reset-tokens': '5s',
      'x-ratelimit-limit-tokens-day': '500000',
      'x-ratelimit-remaining-tokens-day': '400000',
      'x-ratelimit-reset-tokens-day': '5h12m0s',
      'x-ratelimit-limit-tokens-total': '9000000',
      'x-ratelimit-remaining-tokens-total': '8000000',
    });
  });

  test.each([
    ['the class has less left than the student', 10, 3, '600'],
    ['the student has less left than the class', 3, 10, '30'],
    ['both have the same left', 3, 3, '30'],
  ])('where %s', (_, own, shared, limit) => {
    const headers = rateLimitHeaders([
      { name: 'requestsPerMinute', limit: 30, remaining: own, resetMs: 1 },
      { name: 'classroom.requestsPerMinute', limit: 600, remaining: shared, resetMs: 2 },
    ]);
    expect(headers).toMatchObject({
      'x-ratelimit-limit-requests': limit,
      'x-ratelimit-remaining-requests': '3',
    });
  });
});
