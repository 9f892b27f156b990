import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../../src/api/classroom.ts';
import { openingReport } from '../../../../src/classroom/opening/report.ts';
import { type ClassroomDifference, classroom } from '../../../support/builders.ts';

/** Mondays and Wednesdays from nine to five in Berlin. 2026-11-23 is a Monday. */
const SCHEDULE = {
  timeZone: 'Europe/Berlin',
  sessions: [{ days: ['Mon' as const, 'Wed' as const], start: '09:00', end: '17:00' }],
};
const IN_SESSION = '2026-11-23T10:00:00+01:00';
const AFTER_SESSION = '2026-11-23T17:10:00+01:00';

const aClass = ({ spec, metadata, ...rest }: ClassroomDifference = {}): Classroom =>
  classroom({ ...rest, ...(metadata && { metadata }), spec: { schedule: SCHEDULE, ...spec } });
const openUntil = (text: string) => ({ metadata: { annotations: { 'gpu-classroom.io/open-until': text } } });
const conditionOf = (given: Classroom, now: string) => {
  const { status, reason, message } = openingReport(given, Date.parse(now)).condition;
  return `${status} ${reason}: ${message}`;
};

describe('the condition Open says why, until when, and what comes next', () => {
  test.each<[name: string, given: Classroom, now: string, expected: string]>([
    [
      'without a timetable',
      classroom(),
      IN_SESSION,
      'True AlwaysOpen: The class has no timetable: it is always open.',
    ],
    [
      'in a session',
      aClass(),
      IN_SESSION,
      'True SessionRunning: The session Mon 2026-11-23 09:00 to 17:00 (Europe/Berlin) runs. The next session: Wed 2026-11-25 09:00 to 17:00 (Europe/Berlin).',
    ],
    [
      'in a session that was extended',
      aClass(openUntil('2026-11-23T17:30:00+01:00')),
      IN_SESSION,
      'True SessionRunning: The session Mon 2026-11-23 09:00 to 17:00 (Europe/Berlin) runs. The class stays open until Mon 2026-11-23 17:30.',
    ],
    [
      'after a session that was extended',
      aClass(openUntil('2026-11-23T17:30:00+01:00')),
      AFTER_SESSION,
      'True Extended: No session runs, and the class was opened until Mon 2026-11-23 17:30 (Europe/Berlin). The next session: Wed 2026-11-25 09:00 to 17:00 (Europe/Berlin).',
    ],
    [
      'after a session',
      aClass(),
      AFTER_SESSION,
      'False OutsideSessions: No session runs. The next session: Wed 2026-11-25 09:00 to 17:00 (Europe/Berlin). To open it all the same: `kubectl classroom open python-101 -n python-101 --for 2h`.',
    ],
    [
      'after a session of a class that is open outside of them',
      aClass({ spec: { schedule: { ...SCHEDULE, outsideSessions: 'Open' } } }),
      AFTER_SESSION,
      'True OutsideSessionsOpen: No session runs, and `schedule.outsideSessions` is Open. The next session: Wed 2026-11-25 09:00 to 17:00 (Europe/Berlin).',
    ],
    [
      'after the last session of a course',
      aClass({
        spec: {
          schedule: {
            sessions: [],
            exceptions: [{ date: '2026-11-20', sessions: [{ start: '09:00', end: '10:00' }] }],
          },
        },
      }),
      IN_SESSION,
      'False OutsideSessions: No session runs. No session comes within a year: add some to `schedule`. To open it all the same: `kubectl classroom open python-101 -n python-101 --for 2h`.',
    ],
    [
      'closed by a person',
      aClass({ spec: { access: 'Closed' } }),
      IN_SESSION,
      'False AccessClosed: `access` is Closed: no student is served until somebody opens it: `kubectl classroom open python-101 -n python-101`.',
    ],
    [
      'in an exam',
      aClass({ spec: { access: 'Exam', exam: {} } }),
      IN_SESSION,
      'True SessionRunning: The session Mon 2026-11-23 09:00 to 17:00 (Europe/Berlin) runs. The next session: Wed 2026-11-25 09:00 to 17:00 (Europe/Berlin). `access` is Exam: who may ask, and how, is in `exam`.',
    ],
    [
      'with an extension that nobody can read',
      aClass(openUntil('tomorrow at five')),
      AFTER_SESSION,
      "False OutsideSessions: No session runs. The next session: Wed 2026-11-25 09:00 to 17:00 (Europe/Berlin). To open it all the same: `kubectl classroom open python-101 -n python-101 --for 2h`. The annotation `gpu-classroom.io/open-until` is ignored: 'tomorrow at five' is no time with an offset, such as 2026-12-01T10:30:00Z.",
    ],
  ])('%s', (_, given, now, expected) => {
    expect(conditionOf(given, now)).toBe(expected);
  });

  test('of a spec that cannot be read is unknown', () => {
    const given = aClass();
    const unreadable = { ...given, spec: { ...given.spec, access: 'Sometimes' as 'Open' } };
    expect(conditionOf(unreadable, IN_SESSION)).toMatch(/^Unknown Withheld: .*SpecValid/);
  });
});

describe('the status has the timetable as points in time', () => {
  const timetableOf = (given: Classroom, now: string) =>
    openingReport(given, Date.parse(now)).fields.timetable;

  test('in the local time of the class', () => {
    expect(timetableOf(aClass(openUntil('2026-11-23T16:30:00Z')), IN_SESSION)).toEqual({
      timeZone: 'Europe/Berlin',
      session: { start: '2026-11-23T09:00:00+01:00', end: '2026-11-23T17:00:00+01:00' },
      nextSession: { start: '2026-11-25T09:00:00+01:00', end: '2026-11-25T17:00:00+01:00' },
      openUntil: '2026-11-23T17:30:00+01:00',
      nextChangeTime: '2026-11-23T17:30:00+01:00',
      nextChange: 'closes Mon 2026-11-23 17:30',
    });
  });

  test('without an extension that is over', () => {
    expect(timetableOf(aClass(openUntil('2026-11-23T16:05:00Z')), AFTER_SESSION)).toEqual({
      timeZone: 'Europe/Berlin',
      nextSession: { start: '2026-11-25T09:00:00+01:00', end: '2026-11-25T17:00:00+01:00' },
      nextChangeTime: '2026-11-25T09:00:00+01:00',
      nextChange: 'opens Wed 2026-11-25 09:00',
    });
  });

  test('without a change that somebody has ruled out', () => {
    const closed = timetableOf(aClass({ spec: { access: 'Closed' } }), IN_SESSION);
    expect(closed).toMatchObject({ session: { end: '2026-11-23T17:00:00+01:00' } });
    expect(closed).not.toHaveProperty('nextChange');
  });

  test('only where there is one', () => {
    expect(timetableOf(classroom(), IN_SESSION)).toBeUndefined();
  });

  test('and the same as long as nothing begins or ends', () => {
    const given = aClass();
    expect(openingReport(given, Date.parse('2026-11-23T09:00:00+01:00'))).toEqual(
      openingReport(given, Date.parse('2026-11-23T16:59:59+01:00')),
    );
  });
});
