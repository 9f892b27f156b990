import { describe, expect, test } from '@jest/globals';
import type { Schedule } from '../../../src/api/schedule.ts';
import { sessionsFrom } from '../../../src/timetable/session.ts';
import { localInstant } from '../../../src/timetable/words.ts';
import { aSchedule, daily } from './schedules.ts';

/** The first sessions that end after a moment, in local time. */
function sessionsAfter(schedule: Schedule, now: string, count: number): string[] {
  return sessionsFrom(schedule, Date.parse(now))
    .take(count)
    .map(({ startMs, endMs }) =>
      [startMs, endMs].map((ms) => localInstant(ms, schedule.timeZone).replace(':00+', '+')).join(' '),
    )
    .toArray();
}

const hoursOf = (schedule: Schedule, now: string): number[] =>
  sessionsFrom(schedule, Date.parse(now))
    .take(1)
    .map(({ startMs, endMs }) => (endMs - startMs) / 3_600_000)
    .toArray();

describe('the sessions of a timetable', () => {
  // 2026-11-23 is a Monday.
  test('come week after week, beginning with the one that runs', () => {
    expect(sessionsAfter(aSchedule(), '2026-11-23T10:00:00+01:00', 3)).toEqual([
      '2026-11-23T09:00+01:00 2026-11-23T17:00+01:00',
      '2026-11-25T09:00+01:00 2026-11-25T17:00+01:00',
      '2026-11-30T09:00+01:00 2026-11-30T17:00+01:00',
    ]);
  });

  test('are over at the moment of their end', () => {
    expect(sessionsAfter(aSchedule(), '2026-11-23T17:00:00+01:00', 1)).toEqual([
      '2026-11-25T09:00+01:00 2026-11-25T17:00+01:00',
    ]);
  });

  test('of one day come in the order of the clock, however they are written', () => {
    const sessions = [
      { days: ['Mon' as const], start: '14:00', end: '16:00' },
      { days: ['Mon' as const], start: '09:00', end: '11:00' },
    ];
    expect(sessionsAfter(aSchedule({ sessions }), '2026-11-23T00:00:00+01:00', 2)).toEqual([
      '2026-11-23T09:00+01:00 2026-11-23T11:00+01:00',
      '2026-11-23T14:00+01:00 2026-11-23T16:00+01:00',
    ]);
  });

  test('run over midnight where they end earlier than they begin', () => {
    const sessions = [{ days: ['Mon' as const], start: '22:00', end: '02:00' }];
    expect(sessionsAfter(aSchedule({ sessions }), '2026-11-24T01:00:00+01:00', 1)).toEqual([
      '2026-11-23T22:00+01:00 2026-11-24T02:00+01:00',
    ]);
  });

  test('end with the day at 24:00', () => {
    const sessions = [{ days: ['Mon' as const], start: '20:00', end: '24:00' }];
    expect(sessionsAfter(aSchedule({ sessions }), '2026-11-23T21:00:00+01:00', 1)).toEqual([
      '2026-11-23T20:00+01:00 2026-11-24T00:00+01:00',
    ]);
  });

  test('leave out holidays, and take the hours of an exception', () => {
    const exceptions = [
      { date: '2026-11-25', closed: true },
      { date: '2026-11-27', sessions: [{ start: '13:00', end: '15:00' }] },
      { date: '2026-11-30', sessions: [{ start: '18:00', end: '01:00' }] },
    ];
    expect(sessionsAfter(aSchedule({ exceptions }), '2026-11-23T17:00:00+01:00', 3)).toEqual([
      '2026-11-27T13:00+01:00 2026-11-27T15:00+01:00',
      '2026-11-30T18:00+01:00 2026-12-01T01:00+01:00',
      '2026-12-02T09:00+01:00 2026-12-02T17:00+01:00',
    ]);
  });

  test('that began the evening before a holiday go on to their end', () => {
    const schedule = aSchedule({
      sessions: [{ days: ['Mon', 'Tue'], start: '22:00', end: '02:00' }],
      exceptions: [{ date: '2026-11-24', closed: true }],
    });
    expect(sessionsAfter(schedule, '2026-11-24T01:00:00+01:00', 2)).toEqual([
      '2026-11-23T22:00+01:00 2026-11-24T02:00+01:00',
      '2026-11-30T22:00+01:00 2026-12-01T02:00+01:00',
    ]);
  });

  test('come on a leap day, and only in leap years', () => {
    const schedule = aSchedule({
      sessions: [],
      exceptions: [{ date: '2028-02-29', sessions: [{ start: '09:00', end: '10:00' }] }],
    });
    expect(sessionsAfter(schedule, '2028-02-28T12:00:00+01:00', 2)).toEqual([
      '2028-02-29T09:00+01:00 2028-02-29T10:00+01:00',
    ]);
    const tuesdays = aSchedule({ sessions: [{ days: ['Tue', 'Wed'], start: '09:00', end: '10:00' }] });
    expect(sessionsAfter(tuesdays, '2028-02-28T12:00:00+01:00', 2)).toEqual([
      '2028-02-29T09:00+01:00 2028-02-29T10:00+01:00',
      '2028-03-01T09:00+01:00 2028-03-01T10:00+01:00',
    ]);
  });

  test('are found across the longest holidays, and not looked for beyond a year', () => {
    const once = (date: string) =>
      aSchedule({ sessions: [], exceptions: [{ date, sessions: [{ start: '09:00', end: '10:00' }] }] });
    expect(sessionsAfter(once('2027-11-20'), '2026-11-23T00:00:00+01:00', 1)).toHaveLength(1);
    expect(sessionsAfter(once('2036-11-23'), '2026-11-23T00:00:00+01:00', 1)).toEqual([]);
    expect(sessionsAfter(once('9999-12-31'), '2026-11-23T00:00:00+01:00', 1)).toEqual([]);
  });

  test('go by UTC in a time zone that nobody knows', () => {
    expect([
      ...sessionsFrom({ ...aSchedule(), timeZone: 'Europe/Berlim' }, Date.parse('2026-11-23T00:00:00Z')).take(
        1,
      ),
    ]).toEqual([{ startMs: Date.parse('2026-11-23T09:00:00Z'), endMs: Date.parse('2026-11-23T17:00:00Z') }]);
  });
});

describe('sessions keep their local hours when the clocks change', () => {
  test.each([
    // Zone, the day before, the day, the day after.
    ['Europe/Berlin forward', 'Europe/Berlin', '2026-03-28', ['+01:00', '+02:00', '+02:00']],
    ['Europe/Berlin back', 'Europe/Berlin', '2026-10-24', ['+02:00', '+01:00', '+01:00']],
    ['America/New_York forward', 'America/New_York', '2026-03-07', ['-05:00', '-04:00', '-04:00']],
    ['America/New_York back', 'America/New_York', '2026-10-31', ['-04:00', '-05:00', '-05:00']],
    ['Asia/Shanghai, where they never do', 'Asia/Shanghai', '2026-03-28', ['+08:00', '+08:00', '+08:00']],
    ['Australia/Lord_Howe back', 'Australia/Lord_Howe', '2026-04-04', ['+11:00', '+10:30', '+10:30']],
    ['Australia/Lord_Howe forward', 'Australia/Lord_Howe', '2026-10-03', ['+10:30', '+11:00', '+11:00']],
  ])('%s', (_, timeZone, from, offsets) => {
    const sessions = sessionsFrom(daily(timeZone, '09:00-12:30'), Date.parse(`${from}T00:00:00${offsets[0]}`))
      .take(3)
      .map(({ startMs, endMs }) => [localInstant(startMs, timeZone), localInstant(endMs, timeZone)])
      .toArray();
    expect(sessions.map(([start]) => start?.slice(11))).toEqual(offsets.map((offset) => `09:00:00${offset}`));
    expect(sessions.map(([, end]) => end?.slice(11))).toEqual(offsets.map((offset) => `12:30:00${offset}`));
  });
});

test('a session that ends at the hour of its beginning is a day long', () => {
  expect(hoursOf(daily('Europe/Berlin', '09:00-09:00'), '2026-11-23T10:00:00+01:00')).toEqual([24]);
});

describe('a session in the night in which the clocks change', () => {
  test.each([
    // Forward: Berlin 02:00 → 03:00 on 2026-03-29, New York 02:00 → 03:00 on 2026-03-08, Lord Howe 02:00 → 02:30 on 2026-10-04.
    ['an hour shorter', 'Europe/Berlin', '22:00-06:00', '2026-03-28T20:00:00+01:00', 7],
    ['an hour shorter', 'America/New_York', '22:00-06:00', '2026-03-07T20:00:00-05:00', 7],
    ['half an hour shorter', 'Australia/Lord_Howe', '22:00-06:00', '2026-10-03T20:00:00+10:30', 7.5],
    ['as long as ever', 'Asia/Shanghai', '22:00-06:00', '2026-03-28T20:00:00+08:00', 8],
    // Back: Berlin on 2026-10-25, New York on 2026-11-01, Lord Howe on 2026-04-05.
    ['an hour longer', 'Europe/Berlin', '22:00-06:00', '2026-10-24T20:00:00+02:00', 9],
    ['an hour longer', 'America/New_York', '22:00-06:00', '2026-10-31T20:00:00-04:00', 9],
    ['half an hour longer', 'Australia/Lord_Howe', '22:00-06:00', '2026-04-04T20:00:00+11:00', 8.5],
    // The whole day.
    ['23 hours long', 'Europe/Berlin', '00:00-24:00', '2026-03-29T00:30:00+01:00', 23],
    ['25 hours long', 'America/New_York', '00:00-24:00', '2026-11-01T00:30:00-04:00', 25],
    ['24.5 hours long', 'Australia/Lord_Howe', '00:00-24:00', '2026-04-05T00:30:00+11:00', 24.5],
  ])('is %s in %s (%s)', (_, timeZone, hours, now, expected) => {
    expect(hoursOf(daily(timeZone, hours), now)).toEqual([expected]);
  });

  test.each([
    [
      'begins as much later as the clocks go forward',
      '02:30-05:00',
      '2026-03-29T03:30+02:00 2026-03-29T05:00+02:00',
    ],
    [
      'ends as much later as the clocks go forward',
      '01:00-02:30',
      '2026-03-29T01:00+01:00 2026-03-29T03:30+02:00',
    ],
    ['is moved as a whole', '02:10-02:40', '2026-03-29T03:10+02:00 2026-03-29T03:40+02:00'],
    [
      'is as long as written where it would end before it began',
      '02:30-03:00',
      '2026-03-29T03:30+02:00 2026-03-29T04:00+02:00',
    ],
  ])('%s at an hour that the clocks leave out: %s', (_, hours, expected) => {
    expect(sessionsAfter(daily('Europe/Berlin', hours), '2026-03-29T00:30:00+01:00', 1)).toEqual([expected]);
  });

  test.each([
    ['begins the first time', '02:30-05:00', '2026-10-25T02:30+02:00 2026-10-25T05:00+01:00'],
    ['ends the first time', '01:00-02:30', '2026-10-25T01:00+02:00 2026-10-25T02:30+02:00'],
  ])('%s that an hour comes that comes twice: %s', (_, hours, expected) => {
    expect(sessionsAfter(daily('Europe/Berlin', hours), '2026-10-25T00:30:00+02:00', 1)).toEqual([expected]);
  });

  test('begins with the day where the clocks leave out midnight', () => {
    // Cairo, 2026-04-24: 00:00 → 01:00.
    expect(sessionsAfter(daily('Africa/Cairo', '00:00-03:00'), '2026-04-23T20:00:00+02:00', 1)).toEqual([
      '2026-04-24T01:00+03:00 2026-04-24T03:00+03:00',
    ]);
  });

  test('comes in the order of time where the last hour of a date is left out', () => {
    // Nuuk, 2026-03-28: 23:00 → 00:00 of the next date.
    const schedule = aSchedule({
      timeZone: 'America/Nuuk',
      sessions: [
        { days: ['Sat'], start: '23:30', end: '23:45' },
        { days: ['Sun'], start: '00:10', end: '00:20' },
      ],
    });
    expect(sessionsAfter(schedule, '2026-03-28T20:00:00-02:00', 2)).toEqual([
      '2026-03-29T00:10:00-01:00 2026-03-29T00:20:00-01:00',
      '2026-03-29T00:30:00-01:00 2026-03-29T00:45:00-01:00',
    ]);
  });

  test.each([
    ['24:00', '23:00-24:00', '2026-03-29T00:00:00-01:00 2026-03-29T01:00:00-01:00'],
    ['midnight', '23:00-00:00', '2026-03-29T00:00:00-01:00 2026-03-29T01:00:00-01:00'],
    ['the next date', '23:30-00:30', '2026-03-29T00:30:00-01:00 2026-03-29T01:30:00-01:00'],
    [
      'an earlier hour of the next date',
      '23:30-00:10',
      '2026-03-29T00:30:00-01:00 2026-03-29T01:10:00-01:00',
    ],
  ])(
    'is as long as written where it begins in a last hour that is left out and ends at %s: %s',
    (_, hours, expected) => {
      const [start = '', end = ''] = hours.split('-');
      const schedule = aSchedule({ timeZone: 'America/Nuuk', sessions: [{ days: ['Sat'], start, end }] });
      expect(sessionsAfter(schedule, '2026-03-28T20:00:00-02:00', 1)).toEqual([expected]);
    },
  );

  test('does not come on a date that the zone leaves out', () => {
    // Apia crossed the date line: 2011-12-29 was followed by 2011-12-31.
    const schedule = daily('Pacific/Apia', '09:00-10:00');
    expect(sessionsAfter(schedule, '2011-12-29T08:00:00-10:00', 3)).toEqual([
      '2011-12-29T09:00:00-10:00 2011-12-29T10:00:00-10:00',
      '2011-12-31T09:00+14:00 2011-12-31T10:00+14:00',
      '2012-01-01T09:00+14:00 2012-01-01T10:00+14:00',
    ]);
  });
});
