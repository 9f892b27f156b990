import { describe, expect, test } from '@jest/globals';
import { openUntilOf, timetableInputOf } from '../../../src/timetable/open-until.ts';
import { classroom } from '../../support/builders.ts';

const ANNOTATION = 'gpu-classroom.io/open-until';

describe('the annotation open-until', () => {
  test.each([
    ['2026-11-23T17:30:00Z', 'in UTC'],
    ['2026-11-23T18:30:00+01:00', 'with an offset'],
    ['2026-11-23T17:30:00.000Z', 'with fractions of a second'],
  ])('%s is understood (%s)', (text) => {
    expect(openUntilOf({ [ANNOTATION]: text })).toEqual({
      kind: 'Until',
      ms: Date.parse('2026-11-23T17:30:00Z'),
    });
  });

  test.each([
    '',
    'tomorrow',
    '17:30',
    '2026-11-23',
    '2026-11-23T17:30:00',
    '2026-13-23T17:30:00Z',
    '1795420800000',
  ])("'%s' is not, and changes nothing", (text) => {
    expect(openUntilOf({ [ANNOTATION]: text })).toEqual({ kind: 'Unreadable', text });
    const extended = classroom({ metadata: { annotations: { [ANNOTATION]: text } } });
    expect(timetableInputOf(extended)).toEqual(timetableInputOf(classroom()));
  });

  test('is absent from most classes', () => {
    expect(openUntilOf(undefined)).toEqual({ kind: 'Absent' });
    expect(openUntilOf({ other: 'x' })).toEqual({ kind: 'Absent' });
  });
});

test('a class is read with its access, its timetable and its extension', () => {
  const sessions = [{ days: ['Mon' as const], start: '09:00', end: '17:00' }];
  const input = timetableInputOf(
    classroom({
      metadata: { annotations: { [ANNOTATION]: '2026-11-23T17:30:00Z' } },
      spec: { access: 'Exam', exam: {}, schedule: { timeZone: 'Europe/Berlin', sessions } },
    }),
  );
  expect(input).toMatchObject({
    access: 'Exam',
    schedule: { timeZone: 'Europe/Berlin', sessions },
    openUntilMs: Date.parse('2026-11-23T17:30:00Z'),
  });
});

test('a timetable that is null in the API server is none', () => {
  const stored = classroom();
  Object.assign(stored.spec, { schedule: null });
  expect(timetableInputOf(stored)).toEqual(timetableInputOf(classroom()));
});
