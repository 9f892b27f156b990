import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countMinutes, MinuteSet, minutesBetween } from '../../../src/report/hour-minutes.ts';

const NINE_MS = Date.parse('2026-09-01T09:00:00Z');
const NINE = NINE_MS / 3_600_000;
const MINUTE_MS = 60_000;

/** Minutes since nine that a span touches. */
function minutesOf(fromMs: number, toMs: number): number[] {
  return minutesBetween(fromMs, toMs).flatMap(({ hour, early, late }) =>
    Array.from({ length: 60 }, (_, minute) => minute)
      .filter((minute) => ((minute < 30 ? early : late) >> (minute % 30)) & 1)
      .map((minute) => (hour - NINE) * 60 + minute),
  );
}

describe('the minutes that a span of time touches', () => {
  test.each([
    ['a moment', 0, 0, [0]],
    ['a part of a minute', 10_000, 50_000, [0]],
    ['from one minute into the next', 59_999, 60_000, [0, 1]],
    ['over the middle of the hour', 29 * MINUTE_MS, 30 * MINUTE_MS, [29, 30]],
    ['over the end of the hour', 59 * MINUTE_MS, 60 * MINUTE_MS, [59, 60]],
    ['of a clock that was set back', 5 * MINUTE_MS, MINUTE_MS, [5]],
  ])('%s', (_, fromMs, toMs, expected) => {
    expect(minutesOf(NINE_MS + fromMs, NINE_MS + toMs)).toEqual(expected);
  });

  test('are all minutes from the first to the last, whatever hours they lie in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 300 }), (from, minutes) => {
        const found = minutesOf(NINE_MS + from * MINUTE_MS, NINE_MS + (from + minutes) * MINUTE_MS);
        expect(found).toEqual(Array.from({ length: minutes + 1 }, (__, index) => from + index));
      }),
    );
  });
});

test('a set counts every minute once, however often and in whatever parts it was told of it', () => {
  const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 40 })));
  fc.assert(
    fc.property(spans, (told) => {
      const set = new MinuteSet();
      const expected = new Set<number>();
      for (const [from, length] of [...told, ...told]) {
        const fromMs = NINE_MS + from * MINUTE_MS;
        for (const minutes of minutesBetween(fromMs, fromMs + length * MINUTE_MS)) set.add(minutes);
        for (let minute = from; minute <= from + length; minute++) expected.add(minute);
      }
      expect(set.count).toBe(expected.size);
      expect(set.toArray().reduce((sum, minutes) => sum + countMinutes(minutes), 0)).toBe(expected.size);
    }),
  );
});
