import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { END_SHAPE } from '../../../../src/cli/change/end.ts';
import { lookAtOpened, openingOfClass } from '../../../../src/cli/open/open.ts';
import { classroom, merged } from '../../../support/builders.ts';
import { AFTERNOON, IN_SESSION, MONDAYS, monday, outcomeOf } from '../change/classes.ts';

const schema = z.object(END_SHAPE);
const open = (given: Readonly<Record<string, string | undefined>> = {}) =>
  openingOfClass(schema.parse(given), 'ms-chen');
const CHANGED_BY = 'gpu-classroom.io/access-changed-by';
const OPEN_UNTIL = 'gpu-classroom.io/open-until';

test('a class that was closed is open again, and by whom is written with it', () => {
  expect(outcomeOf(open(), monday({ access: 'Closed' }), IN_SESSION)).toEqual({
    patch: { metadata: { annotations: { [CHANGED_BY]: 'ms-chen' } }, spec: { access: 'Open' } },
    words: [
      'python-101 is open until Mon 2026-11-23 12:00 (Europe/Berlin).',
      'No engine answers yet. To wait for it: kubectl classroom status python-101 -n python-101 --wait',
    ],
  });
});

test('where nobody knows who that is, no older name stays', () => {
  expect(outcomeOf(openingOfClass({}, undefined), monday({ access: 'Closed' }), IN_SESSION).patch).toEqual({
    metadata: { annotations: { [CHANGED_BY]: null } },
    spec: { access: 'Open' },
  });
});

test('access alone does not open a class outside of its sessions: when it opens is said, and what opens it now', () => {
  const { words } = outcomeOf(open(), monday({ access: 'Closed' }), AFTERNOON);
  expect(words).toEqual([
    'python-101 is closed by its timetable, until Mon 2026-11-30 09:00 (Europe/Berlin). To open it now: kubectl classroom open python-101 -n python-101 --for 2h',
  ]);
});

test('a class that is open stays so', () => {
  const served = merged(monday(), { status: { readyReplicas: 1 } });
  expect(outcomeOf(open(), served, IN_SESSION)).toEqual({
    words: ['python-101 is open until Mon 2026-11-23 12:00 (Europe/Berlin).'],
  });
  expect(outcomeOf(open(), classroom({ status: { readyReplicas: 1 } }), IN_SESSION)).toEqual({
    words: ['python-101 is open: it has no timetable.'],
  });
});

test('an end before that of the session closes nothing, and that is said', () => {
  const served = merged(monday(), { status: { readyReplicas: 1 } });
  expect(outcomeOf(open({ until: '11:00' }), served, IN_SESSION).words).toEqual([
    'python-101 is open until Mon 2026-11-23 12:00 (Europe/Berlin).',
    'That is its timetable, which goes on after Mon 2026-11-23 11:00 (Europe/Berlin). To close it before: kubectl classroom close python-101 -n python-101',
  ]);
  expect(outcomeOf(open({ until: '13:00' }), served, IN_SESSION).words).toHaveLength(1);
});

test('a class that its timetable keeps closed: until when, and what to do', () => {
  expect(outcomeOf(open(), monday(), AFTERNOON).problem).toMatchObject({
    what: 'Access to "python-101" is open already, and its timetable keeps it closed.',
    why: 'It is closed until Mon 2026-11-30 09:00 (Europe/Berlin).',
    next: 'Open it for a while: kubectl classroom open python-101 -n python-101 --for 2h',
  });
});

test('in an exam access is left to exam stop', () => {
  const exam = monday({ access: 'Exam', exam: {} });
  expect(outcomeOf(open(), exam, AFTERNOON).problem).toMatchObject({
    what: 'The class "python-101" is in an exam: use exam stop.',
    next: expect.stringContaining('kubectl classroom exam stop python-101 -n python-101'),
  });
});

describe('for a while', () => {
  test.each<[Record<string, string>, string]>([
    [{ for: '2h' }, '2026-11-23T17:00:00+01:00'],
    [{ until: '18:30' }, '2026-11-23T18:30:00+01:00'],
    [{ until: '2026-11-24T08:00:00Z' }, '2026-11-24T09:00:00+01:00'],
  ])('%j', (given, until) => {
    const { patch, words } = outcomeOf(open(given), monday(), AFTERNOON);
    expect(patch).toEqual({ metadata: { annotations: { [OPEN_UNTIL]: until } } });
    expect(words?.[0]).toMatch(
      /^python-101 is open until \w{3} 2026-11-2[34] \d\d:\d\d \(Europe\/Berlin\)\.$/,
    );
  });

  test('a class that was closed is opened with it, in one request', () => {
    expect(outcomeOf(open({ for: '2h' }), monday({ access: 'Closed' }), AFTERNOON).patch).toEqual({
      metadata: { annotations: { [CHANGED_BY]: 'ms-chen', [OPEN_UNTIL]: '2026-11-23T17:00:00+01:00' } },
      spec: { access: 'Open' },
    });
  });

  test('an exam that takes longer than its session stays one', () => {
    expect(outcomeOf(open({ for: '1h' }), monday({ access: 'Exam', exam: {} }), AFTERNOON)).toMatchObject({
      patch: { metadata: { annotations: { [OPEN_UNTIL]: '2026-11-23T16:00:00+01:00' } } },
      words: [expect.stringMatching(/^python-101 is open until Mon 2026-11-23 16:00/), expect.any(String)],
    });
  });

  test('takes the place of another while', () => {
    const extended = monday({}, { 'open-until': '2026-11-23T20:00:00+01:00' });
    expect(outcomeOf(open({ for: '1h' }), extended, AFTERNOON).patch?.metadata?.annotations).toEqual({
      [OPEN_UNTIL]: '2026-11-23T16:00:00+01:00',
    });
  });

  test('within a session says that this lasts longer', () => {
    expect(outcomeOf(open({ for: '30m' }), monday(), IN_SESSION).words?.[0]).toBe(
      'python-101 is open until Mon 2026-11-23 12:00 (Europe/Berlin).',
    );
  });

  test.each([
    ['no timetable', classroom({ spec: { access: 'Closed' } })],
    ['one that is open outside of sessions', monday({ schedule: { ...MONDAYS, outsideSessions: 'Open' } })],
  ])('%s would not close the class again, so it is refused', (_, found) => {
    expect(outcomeOf(open({ for: '2h' }), found, AFTERNOON).problem?.what).toBe(
      'No timetable closes "python-101": --for, --until and extend would have no effect.',
    );
  });
});

describe('--wait', () => {
  const nowMs = Date.parse(IN_SESSION);
  const told = (reason: string, status: 'True' | 'False', mode: 'Open' | 'Closed' = 'Open') =>
    merged(monday(), {
      status: {
        access: { mode },
        conditions: [
          { type: 'Ready', status, reason, message: 'Why.', observedGeneration: 1, lastTransitionTime: '' },
        ],
      },
    });

  test.each([
    ['the operator has not seen it', told('Serving', 'True', 'Closed'), false],
    ['engines load', told('Loading', 'False'), false],
    ['students are served', told('Serving', 'True'), true],
    ['engines sleep until a student asks', told('Asleep', 'False'), true],
  ])('%s', (_, found, done) => {
    expect(lookAtOpened(found, nowMs)).toMatchObject({ done });
  });

  test('an extension must have been seen, too', () => {
    const extended = merged(told('Serving', 'True'), {
      metadata: { annotations: { [OPEN_UNTIL]: '2026-11-23T13:00:00+01:00' } },
    });
    expect(lookAtOpened(extended, nowMs)).toMatchObject({ done: false });
    const seen = merged(extended, { status: { timetable: { openUntil: '2026-11-23T13:00:00+01:00' } } });
    expect(lookAtOpened(seen, nowMs)).toEqual({ done: true });
  });
});
