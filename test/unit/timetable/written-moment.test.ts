import { describe, expect, test } from '@jest/globals';
import { localInstant } from '../../../src/timetable/words.ts';
import { comingMs, readMoment } from '../../../src/timetable/written-moment.ts';

/** When that is, in local time; undefined where it has passed. */
function coming(text: string, now: string, timeZone = 'Europe/Berlin'): string | undefined {
  const moment = readMoment(text);
  if (moment === undefined) throw new Error(`${text} is no moment`);
  const ms = comingMs(moment, Date.parse(now), timeZone);
  return ms === undefined ? undefined : localInstant(ms, timeZone);
}

const EVENING = '2026-11-23T18:00:00+01:00';

describe('a time of the clock', () => {
  test.each<[string, text: string, now: string, expected: string | undefined]>([
    ['is today', '18:30', EVENING, '2026-11-23T18:30:00+01:00'],
    ['needs no zero in front', '9:30', '2026-11-23T08:00:00+01:00', '2026-11-23T09:30:00+01:00'],
    [
      'is today also when that is far away',
      '23:59',
      '2026-11-23T00:01:00+01:00',
      '2026-11-23T23:59:00+01:00',
    ],
    ['of this minute has passed', '18:00', EVENING, undefined],
    ['that has passed is not tomorrow', '17:30', EVENING, undefined],
    [
      'late in the evening is soon after midnight',
      '00:30',
      '2026-11-23T23:00:00+01:00',
      '2026-11-24T00:30:00+01:00',
    ],
    ['is of the class, not of this machine', '18:30', '2026-11-23T17:00:00Z', '2026-11-23T18:30:00+01:00'],
    [
      'that clocks leave out is as much later',
      '02:30',
      '2026-03-29T00:30:00+01:00',
      '2026-03-29T03:30:00+02:00',
    ],
    ['that comes twice is the first', '02:30', '2026-10-25T00:30:00+02:00', '2026-10-25T02:30:00+02:00'],
    ['on a leap day', '09:00', '2028-02-29T08:00:00+01:00', '2028-02-29T09:00:00+01:00'],
  ])('%s', (_, text, now, expected) => {
    expect(coming(text, now)).toBe(expected);
  });
});

test.each<[string, text: string, expected: string | undefined]>([
  ['a date and a time of the clock', '2026-11-24T08:00', '2026-11-24T08:00:00+01:00'],
  ['the same with a blank', '2026-11-24 08:00', '2026-11-24T08:00:00+01:00'],
  ['with seconds', '2026-11-24T08:00:30', '2026-11-24T08:00:30+01:00'],
  ['yesterday', '2026-11-22T08:00', undefined],
  ['a time with its offset', '2026-11-23T20:00:00+02:00', '2026-11-23T19:00:00+01:00'],
  ['UTC', '2026-11-23T18:30:00Z', '2026-11-23T19:30:00+01:00'],
  ['a time with its offset that has passed', '2026-11-23T18:30:00+02:00', undefined],
])('%s', (_, text, expected) => {
  expect(coming(text, EVENING)).toBe(expected);
});

test.each([
  '',
  '25:00',
  '18',
  '18.30',
  '1830',
  '6pm',
  '24:00',
  '30m',
  '2026-11-23',
  '2026-02-30T10:00',
  '2026-11-23T25:00',
  '2026-11-23T18:30:00+25:00',
  'tomorrow',
])("'%s' is no moment", (text) => {
  expect(readMoment(text)).toBeUndefined();
});
