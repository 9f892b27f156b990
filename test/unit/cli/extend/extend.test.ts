import { describe, expect, test } from '@jest/globals';
import { extensionOfClass } from '../../../../src/cli/extend/extend.ts';
import { classroom } from '../../../support/builders.ts';
import { AFTERNOON, IN_SESSION, MONDAYS, monday, outcomeOf } from '../change/classes.ts';

const HALF_AN_HOUR = extensionOfClass(30 * 60_000);
const openUntil = (found: ReturnType<typeof monday>, now: string) =>
  outcomeOf(HALF_AN_HOUR, found, now).patch?.metadata?.annotations['gpu-classroom.io/open-until'];

describe('half an hour more', () => {
  test('than the session that runs', () => {
    expect(outcomeOf(HALF_AN_HOUR, monday(), IN_SESSION)).toEqual({
      patch: {
        metadata: { annotations: { 'gpu-classroom.io/open-until': '2026-11-23T12:30:00+01:00' } },
      },
      words: ['python-101 is open until Mon 2026-11-23 12:30 (Europe/Berlin).'],
    });
  });

  test.each([
    ['than an extension of it', '2026-11-23T12:30:00+01:00', IN_SESSION, '2026-11-23T13:00:00+01:00'],
    [
      'than an extension that ends before it',
      '2026-11-23T11:00:00+01:00',
      IN_SESSION,
      '2026-11-23T12:30:00+01:00',
    ],
    [
      'after the session, in the extension',
      '2026-11-23T15:10:00+01:00',
      AFTERNOON,
      '2026-11-23T15:40:00+01:00',
    ],
  ])('%s', (_, extended, now, expected) => {
    expect(openUntil(monday({}, { 'open-until': extended }), now)).toBe(expected);
  });

  test('than the last of sessions that touch', () => {
    const [lesson] = MONDAYS.sessions;
    const sessions = [
      ...MONDAYS.sessions,
      { ...lesson, days: ['Mon' as const], start: '12:00', end: '14:00' },
    ];
    expect(openUntil(monday({ schedule: { ...MONDAYS, sessions } }), IN_SESSION)).toBe(
      '2026-11-23T14:30:00+01:00',
    );
  });

  test('in an exam', () => {
    expect(openUntil(monday({ access: 'Exam', exam: {} }), IN_SESSION)).toBe('2026-11-23T12:30:00+01:00');
  });
});

test.each([
  [
    'by its timetable',
    monday(),
    /closed by its timetable, until Mon 2026-11-30 09:00/,
    'Open it: kubectl classroom open python-101 -n python-101 --for 30m',
  ],
  [
    'by somebody',
    monday({ access: 'Closed' }),
    /closed until somebody opens it/,
    'Open it: kubectl classroom open python-101 -n python-101 --for 30m',
  ],
  [
    'by somebody, and has no timetable that would close it again',
    classroom({ spec: { access: 'Closed' } }),
    /closed until somebody opens it/,
    'Open it: kubectl classroom open python-101 -n python-101',
  ],
])('of a class that is closed %s there is nothing to extend', (_, found, why, next) => {
  expect(outcomeOf(HALF_AN_HOUR, found, AFTERNOON).problem).toMatchObject({
    what: 'There is nothing to extend: the class is closed.',
    why: expect.stringMatching(why),
    next,
  });
});

test('what no timetable closes needs no extension', () => {
  expect(outcomeOf(HALF_AN_HOUR, classroom(), AFTERNOON).problem?.what).toMatch(/^No timetable closes/);
});
