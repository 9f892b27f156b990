import { describe, expect, test } from '@jest/globals';
import { openingOf } from '../../../src/timetable/opening.ts';
import { localInstant, localMinute, nextChangeText, sessionText } from '../../../src/timetable/words.ts';
import { aSchedule } from './schedules.ts';

const MS = Date.parse('2026-11-23T08:00:30Z');

describe('a moment in the time of a class', () => {
  test.each([
    ['Europe/Berlin', '2026-11-23T09:00:30+01:00', 'Mon 2026-11-23 09:00'],
    ['America/New_York', '2026-11-23T03:00:30-05:00', 'Mon 2026-11-23 03:00'],
    ['Asia/Shanghai', '2026-11-23T16:00:30+08:00', 'Mon 2026-11-23 16:00'],
    ['Pacific/Kiritimati', '2026-11-23T22:00:30+14:00', 'Mon 2026-11-23 22:00'],
    ['Australia/Lord_Howe', '2026-11-23T19:00:30+11:00', 'Mon 2026-11-23 19:00'],
  ])('in %s is %s, in words %s', (timeZone, instant, words) => {
    expect(localInstant(MS, timeZone)).toBe(instant);
    expect(localMinute(MS, timeZone)).toBe(words);
  });
});

test('a session is told with its second date only where it is another one', () => {
  const [startMs, endMs] = [Date.parse('2026-11-23T21:00:00Z'), Date.parse('2026-11-23T22:30:00Z')];
  expect(sessionText({ startMs, endMs }, 'UTC')).toBe('Mon 2026-11-23 21:00 to 22:30 (UTC)');
  expect(sessionText({ startMs, endMs }, 'Europe/Berlin')).toBe(
    'Mon 2026-11-23 22:00 to 23:30 (Europe/Berlin)',
  );
  expect(sessionText({ startMs, endMs: endMs + 3_600_000 }, 'Europe/Berlin')).toBe(
    'Mon 2026-11-23 22:00 to Tue 2026-11-24 00:30 (Europe/Berlin)',
  );
});

describe('the next change', () => {
  const textAt = (now: string, schedule = aSchedule()) =>
    nextChangeText(openingOf({ access: 'Open', schedule }, Date.parse(now)));

  test('is told in the local time of the class', () => {
    expect(textAt('2026-11-23T10:00:00+01:00')).toBe('closes Mon 2026-11-23 17:00');
    expect(textAt('2026-11-23T18:00:00+01:00')).toBe('opens Wed 2026-11-25 09:00');
  });

  test('is nothing where time changes nothing', () => {
    expect(textAt('2026-11-23T10:00:00+01:00', aSchedule({ outsideSessions: 'Open' }))).toBeUndefined();
  });
});
