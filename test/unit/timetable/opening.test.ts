import { describe, expect, test } from '@jest/globals';
import type { Schedule } from '../../../src/api/schedule.ts';
import { type Opening, openingOf, type TimetableInput } from '../../../src/timetable/opening.ts';
import { localInstant } from '../../../src/timetable/words.ts';
import { aSchedule, daily, EVERY_DAY } from './schedules.ts';

interface Case {
  readonly schedule?: Schedule | undefined;
  readonly access?: TimetableInput['access'];
  readonly openUntil?: string;
}

function openingAt(now: string, { access = 'Open', openUntil, ...given }: Case = {}): Opening {
  const schedule = 'schedule' in given ? given.schedule : aSchedule();
  const openUntilMs = openUntil === undefined ? undefined : Date.parse(openUntil);
  return openingOf({ access, schedule, openUntilMs }, Date.parse(now));
}

/** Open or closed, why, and when that changes, in local time. */
function inShort({ isOpen, reason, nextChangeMs, timeZone }: Opening): string {
  const change = nextChangeMs === undefined ? 'for good' : `until ${localInstant(nextChangeMs, timeZone)}`;
  return `${isOpen ? 'open' : 'closed'}, ${reason}, ${change}`;
}

describe('a class', () => {
  // 2026-11-23 is a Monday; sessions are on Mondays and Wednesdays from nine to five.
  test.each<[name: string, now: string, given: Case, expected: string]>([
    ['without a timetable', '2026-11-22T03:00:00Z', { schedule: undefined }, 'open, AlwaysOpen, for good'],
    [
      'in a session',
      '2026-11-23T10:00:00+01:00',
      {},
      'open, SessionRunning, until 2026-11-23T17:00:00+01:00',
    ],
    [
      'at the first moment of a session',
      '2026-11-23T09:00:00+01:00',
      {},
      'open, SessionRunning, until 2026-11-23T17:00:00+01:00',
    ],
    [
      'at the last moment before it',
      '2026-11-23T08:59:59.999+01:00',
      {},
      'closed, OutsideSessions, until 2026-11-23T09:00:00+01:00',
    ],
    [
      'at the end of a session',
      '2026-11-23T17:00:00+01:00',
      {},
      'closed, OutsideSessions, until 2026-11-25T09:00:00+01:00',
    ],
    [
      'whose last session is over',
      '2026-11-23T10:00:00+01:00',
      {
        schedule: aSchedule({
          sessions: [],
          exceptions: [{ date: '2026-11-20', sessions: [{ start: '09:00', end: '10:00' }] }],
        }),
      },
      'closed, OutsideSessions, for good',
    ],
    [
      'open outside of sessions, in one',
      '2026-11-23T10:00:00+01:00',
      { schedule: aSchedule({ outsideSessions: 'Open' }) },
      'open, SessionRunning, for good',
    ],
    [
      'open outside of sessions, in none',
      '2026-11-23T18:00:00+01:00',
      { schedule: aSchedule({ outsideSessions: 'Open' }) },
      'open, OutsideSessionsOpen, for good',
    ],
    [
      'that never closes',
      '2026-11-23T10:00:00+01:00',
      { schedule: daily('UTC', '00:00-24:00') },
      'open, SessionRunning, for good',
    ],
  ])('%s', (_, now, given, expected) => {
    expect(inShort(openingAt(now, given))).toBe(expected);
  });

  test('stays open from one session to the next where they touch or overlap', () => {
    const sessions = [
      { days: EVERY_DAY, start: '09:00', end: '12:00' },
      { days: EVERY_DAY, start: '11:00', end: '13:00' },
      { days: EVERY_DAY, start: '13:00', end: '15:00' },
      { days: EVERY_DAY, start: '15:30', end: '16:00' },
    ];
    expect(inShort(openingAt('2026-11-23T09:30:00+01:00', { schedule: aSchedule({ sessions }) }))).toBe(
      'open, SessionRunning, until 2026-11-23T15:00:00+01:00',
    );
  });

  test('is in the session that ends last where several run', () => {
    const sessions = [
      { days: EVERY_DAY, start: '09:00', end: '10:00' },
      { days: EVERY_DAY, start: '09:15', end: '12:00' },
      { days: EVERY_DAY, start: '09:20', end: '11:00' },
    ];
    const { session } = openingAt('2026-11-23T09:30:00+01:00', { schedule: aSchedule({ sessions }) });
    expect(session?.endMs).toBe(Date.parse('2026-11-23T12:00:00+01:00'));
  });

  test('says which session runs and which comes next', () => {
    const { session, nextSession } = openingAt('2026-11-23T10:00:00+01:00');
    expect(session).toEqual({
      startMs: Date.parse('2026-11-23T09:00:00+01:00'),
      endMs: Date.parse('2026-11-23T17:00:00+01:00'),
    });
    expect(nextSession?.startMs).toBe(Date.parse('2026-11-25T09:00:00+01:00'));
  });

  test('in a time zone that nobody knows goes by UTC, and says so', () => {
    const schedule = { ...aSchedule(), timeZone: 'Europe/Berlim' };
    expect(openingAt('2026-11-23T08:30:00Z', { schedule })).toMatchObject({ timeZone: 'UTC', isOpen: false });
    expect(openingAt('2026-11-23T09:30:00Z', { schedule })).toMatchObject({ timeZone: 'UTC', isOpen: true });
  });
});

describe('an extension', () => {
  test.each<[name: string, now: string, openUntil: string, expected: string]>([
    [
      'keeps a class open after its session',
      '2026-11-23T17:10:00+01:00',
      '2026-11-23T17:30:00+01:00',
      'open, Extended, until 2026-11-23T17:30:00+01:00',
    ],
    [
      'counts already while the session runs',
      '2026-11-23T16:00:00+01:00',
      '2026-11-23T17:30:00+01:00',
      'open, SessionRunning, until 2026-11-23T17:30:00+01:00',
    ],
    [
      'that ends before the session changes nothing',
      '2026-11-23T10:00:00+01:00',
      '2026-11-23T11:00:00+01:00',
      'open, SessionRunning, until 2026-11-23T17:00:00+01:00',
    ],
    [
      'ends by itself',
      '2026-11-23T17:30:00+01:00',
      '2026-11-23T17:30:00+01:00',
      'closed, OutsideSessions, until 2026-11-25T09:00:00+01:00',
    ],
    [
      'reaches into the next session',
      '2026-11-24T22:00:00+01:00',
      '2026-11-25T09:00:00+01:00',
      'open, Extended, until 2026-11-25T17:00:00+01:00',
    ],
  ])('%s', (_, now, openUntil, expected) => {
    expect(inShort(openingAt(now, { openUntil }))).toBe(expected);
  });

  test('opens a class that has no session any more', () => {
    const schedule = aSchedule({
      sessions: [],
      exceptions: [{ date: '2026-11-20', sessions: [{ start: '09:00', end: '10:00' }] }],
    });
    const openUntil = '2026-11-23T12:00:00+01:00';
    expect(inShort(openingAt('2026-11-23T10:00:00+01:00', { schedule, openUntil }))).toBe(
      'open, Extended, until 2026-11-23T12:00:00+01:00',
    );
  });

  test('does nothing to a class without a timetable', () => {
    const given = { schedule: undefined, openUntil: '2026-11-23T12:00:00Z' };
    expect(openingAt('2026-11-23T10:00:00Z', given)).toEqual(
      openingAt('2026-11-23T10:00:00Z', { schedule: undefined }),
    );
  });
});

describe('access', () => {
  test.each<[name: string, given: Case]>([
    ['in a session', {}],
    ['extended', { openUntil: '2026-11-30T00:00:00Z' }],
    ['without a timetable', { schedule: undefined }],
    ['open outside of sessions', { schedule: aSchedule({ outsideSessions: 'Open' }) }],
  ])('Closed closes a class for good: %s', (_, given) => {
    expect(inShort(openingAt('2026-11-23T10:00:00+01:00', { ...given, access: 'Closed' }))).toBe(
      'closed, AccessClosed, for good',
    );
  });

  test('Closed still tells of sessions', () => {
    const closed = openingAt('2026-11-23T10:00:00+01:00', { access: 'Closed' });
    const open = openingAt('2026-11-23T10:00:00+01:00');
    expect([closed.session, closed.nextSession]).toEqual([open.session, open.nextSession]);
  });

  test.each(['2026-11-23T10:00:00+01:00', '2026-11-23T18:00:00+01:00'])(
    'Exam says who and how, not when: %s',
    (now) => {
      expect(openingAt(now, { access: 'Exam' })).toEqual(openingAt(now, { access: 'Open' }));
    },
  );
});

describe('an answer is valid', () => {
  test.each<[name: string, now: string, given: Case, expected: string]>([
    ['until the class closes', '2026-11-23T10:00:00+01:00', {}, '2026-11-23T17:00:00+01:00'],
    ['until the class opens', '2026-11-23T08:00:00+01:00', {}, '2026-11-23T09:00:00+01:00'],
    [
      'until a session ends, though the class stays open',
      '2026-11-23T10:00:00+01:00',
      { openUntil: '2026-11-23T18:00:00+01:00' },
      '2026-11-23T17:00:00+01:00',
    ],
    [
      'until an extension is over, though a session runs',
      '2026-11-23T10:00:00+01:00',
      { openUntil: '2026-11-23T12:00:00+01:00' },
      '2026-11-23T12:00:00+01:00',
    ],
    [
      'until a session begins, though the class is open',
      '2026-11-23T08:00:00+01:00',
      { schedule: aSchedule({ outsideSessions: 'Open' }) },
      '2026-11-23T09:00:00+01:00',
    ],
    ['for a day at most', '2026-11-25T18:00:00+01:00', {}, '2026-11-26T18:00:00+01:00'],
  ])('%s', (_, now, given, expected) => {
    const { validUntilMs = 0 } = openingAt(now, given);
    expect(localInstant(validUntilMs, 'Europe/Berlin')).toBe(expected);
  });

  test('for ever without a timetable', () => {
    expect(openingAt('2026-11-23T10:00:00Z', { schedule: undefined }).validUntilMs).toBeUndefined();
  });
});
