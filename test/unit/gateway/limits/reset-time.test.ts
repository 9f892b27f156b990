import { describe, expect, test } from '@jest/globals';
import { resetTime } from '../../../../src/gateway/limits/reset-time.ts';

const HOUR_MS = 3_600_000;

describe('a coming moment', () => {
  test.each([
    ['2026-11-23T02:31:52.400Z', 12_000, 'Asia/Shanghai', 'at 10:32:05 (Asia/Shanghai), in 12 s'],
    ['2026-11-23T02:31:53Z', 1, 'Asia/Shanghai', 'at 10:31:54 (Asia/Shanghai), in 1 s'],
    ['2026-11-23T02:31:00Z', 200_000, 'UTC', 'at 02:34:20 (UTC), in 3 min 20 s'],
    [
      '2026-11-23T10:48:00Z',
      5.2 * HOUR_MS,
      'Asia/Shanghai',
      'at 00:00 on 24 November (Asia/Shanghai), in 5 h 12 min',
    ],
    [
      '2026-03-28T23:00:00Z',
      23 * HOUR_MS,
      'Europe/Berlin',
      'at 00:00 on 30 March (Europe/Berlin), in 23 h 0 min',
    ],
  ])('%s and %i ms in %s: %s', (now, inMs, timeZone, text) => {
    expect(resetTime(Date.parse(now), inMs, timeZone)).toBe(text);
  });
});
