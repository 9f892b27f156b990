import { describe, expect, test } from '@jest/globals';
import { leaveToReplace } from '../../../../src/classroom/rollout/leave.ts';
import { SETTLE_MS } from '../../../../src/classroom/scaling/wanted-engines.ts';
import { timetableInputOf } from '../../../../src/timetable/open-until.ts';
import { openingOf } from '../../../../src/timetable/opening.ts';
import { type ClassroomDifference, classroom } from '../../../support/builders.ts';

const IDLE_MS = 300_000;
const LOAD_MS = 120_000;
const SCHEDULE = { sessions: [{ days: ['Tue' as const], start: '09:00', end: '12:00' }] };
/** A Tuesday. */
const IN_SESSION = Date.parse('2026-09-01T10:00:00Z');
const BEFORE = Date.parse('2026-09-01T09:00:00Z');
const AFTERWARDS = Date.parse('2026-09-01T12:00:00Z');

type Rollout = 'WhenIdle' | 'AfterClass' | 'Immediately';

function leave(rollout: Rollout, nowMs: number, difference: ClassroomDifference = {}) {
  const own = classroom({ ...difference, spec: { engine: { rollout }, ...difference.spec } });
  const opening = openingOf(timetableInputOf(own), nowMs);
  return leaveToReplace({ spec: own.spec, opening, idleMs: IDLE_MS, loadMs: LOAD_MS, nowMs });
}

const withTimetable = { spec: { schedule: SCHEDULE } };
const idle = (awaited: string) => ({ kind: 'WhenQuiet', forMs: IDLE_MS, awaited });
const answers = { kind: 'WhenQuiet', forMs: SETTLE_MS, awaited: 'Answers' };

describe('engines may be replaced', () => {
  test.each<[Rollout, string, number, ClassroomDifference, object]>([
    ['WhenIdle', 'of a class without a timetable', IN_SESSION, {}, idle('Idle')],
    ['WhenIdle', 'in a session', IN_SESSION, withTimetable, idle('Idle')],
    ['WhenIdle', 'after it', AFTERWARDS, withTimetable, answers],
    ['AfterClass', 'of a class without a timetable', IN_SESSION, {}, idle('ClassEnd')],
    ['AfterClass', 'in a session', IN_SESSION, withTimetable, { kind: 'NotYet', awaited: 'SessionEnd' }],
    ['AfterClass', 'after it', AFTERWARDS, withTimetable, answers],
    [
      'AfterClass',
      'in a session that was extended',
      AFTERWARDS,
      {
        ...withTimetable,
        metadata: { annotations: { 'gpu-classroom.io/open-until': '2026-09-01T12:30:00Z' } },
      },
      { kind: 'NotYet', awaited: 'SessionEnd' },
    ],
    [
      'AfterClass',
      'in a session that a person closed for a moment',
      IN_SESSION,
      { spec: { schedule: SCHEDULE, access: 'Closed' } },
      { kind: 'NotYet', awaited: 'SessionEnd' },
    ],
    [
      'AfterClass',
      'after the session of a class that is open then too',
      AFTERWARDS,
      { spec: { schedule: { ...SCHEDULE, outsideSessions: 'Open' } } },
      idle('Idle'),
    ],
    ['AfterClass', 'before a session', BEFORE - LOAD_MS, withTimetable, answers],
    [
      'AfterClass',
      'before a session that begins before engines could be loaded again',
      BEFORE - LOAD_MS + 1,
      withTimetable,
      { kind: 'NotYet', awaited: 'SessionEnd' },
    ],
    ['WhenIdle', 'just before a session', BEFORE - 1, withTimetable, answers],
    ['Immediately', 'in a session', IN_SESSION, withTimetable, { kind: 'AtOnce' }],
  ])('%s %s', (rollout, _, nowMs, difference, want) => {
    expect(leave(rollout, nowMs, difference)).toEqual(want);
  });
});

describe('in an exam', () => {
  const exam = { spec: { schedule: SCHEDULE, access: 'Exam' as const, exam: {} } };

  test.each<Rollout>(['WhenIdle', 'AfterClass', 'Immediately'])('no engine is replaced: %s', (rollout) => {
    expect(leave(rollout, IN_SESSION, exam)).toEqual({ kind: 'NotYet', awaited: 'ExamEnd' });
  });

  test.each<Rollout>(['WhenIdle', 'AfterClass', 'Immediately'])(
    'none is replaced that could not be loaded again before it begins: %s',
    (rollout) => {
      const before = leave(rollout, BEFORE - LOAD_MS + 1, exam);
      expect(before).toEqual({ kind: 'NotYet', awaited: 'ExamEnd' });
    },
  );

  test('engines are replaced between its sessions', () => {
    expect(leave('WhenIdle', AFTERWARDS, exam)).toEqual(answers);
    expect(leave('Immediately', AFTERWARDS, exam)).toEqual({ kind: 'AtOnce' });
  });
});
