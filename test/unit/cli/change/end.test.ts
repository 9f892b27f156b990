import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { END_SHAPE, endFaults, endMs } from '../../../../src/cli/change/end.ts';
import { localInstant } from '../../../../src/timetable/words.ts';

const schema = z.object(END_SHAPE);
const timeZone = 'Europe/Berlin';
const nowMs = Date.parse('2026-11-23T18:00:00+01:00');

test.each<[Record<string, string>, string | undefined]>([
  [{}, undefined],
  [{ for: '90m' }, '2026-11-23T19:30:00+01:00'],
  [{ until: '18:30' }, '2026-11-23T18:30:00+01:00'],
  [{ until: '2026-11-23T18:30:00Z' }, '2026-11-23T19:30:00+01:00'],
])('%j ends at %s', (given, expected) => {
  const ms = endMs(schema.parse(given), { nowMs, timeZone });
  expect(ms && localInstant(ms, timeZone)).toBe(expected);
});

describe('refused with an example', () => {
  test.each<[Record<string, string>, RegExp]>([
    [{ for: '2' }, /such as 500ms, 30s, 10m or 1h/],
    [{ for: 'tomorrow' }, /such as 500ms, 30s, 10m or 1h/],
    [{ for: '30s' }, /at least 1m/],
    [{ for: '501h' }, /not be more than 500h/],
    [{ until: '6pm' }, /such as 18:30 or 2026-11-23T18:30, or one with its offset such as/],
    [{ until: '2026-02-30T10:00' }, /such as 18:30/],
  ])('%j', (given, words) => {
    expect(schema.safeParse(given).error?.issues.map(({ message }) => message)).toEqual([
      expect.stringMatching(words),
    ]);
  });

  test('both flags', () => {
    expect(endFaults({ for: '2h', until: '18:30' })).toEqual([
      '--for and --until must not be used together: both say when it ends',
    ]);
    expect(endFaults({ for: '2h' })).toEqual([]);
  });

  test('a moment that has passed, with the time of the class', () => {
    expect(() => endMs(schema.parse({ until: '17:30' }), { nowMs, timeZone })).toThrow(
      expect.objectContaining({
        problem: {
          what: 'The time 17:30 has passed; nothing was changed.',
          why: 'It is Mon 2026-11-23 18:00 (Europe/Berlin) by the clock of the class.',
          next: expect.stringContaining('--until 2026-11-24T17:30;'),
          exitCode: 2,
        },
      }),
    );
  });
});
