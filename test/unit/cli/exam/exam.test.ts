import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../../src/api/classroom.ts';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { type ExamWishes, startOfExam } from '../../../../src/cli/exam/start.ts';
import { endOfExam } from '../../../../src/cli/exam/stop.ts';
import { merged, studentQuota } from '../../../support/builders.ts';
import { AFTERNOON, IN_SESSION, monday, outcomeOf, patched } from '../change/classes.ts';

const NO_WISH: ExamWishes = {
  students: undefined,
  maxOutputTokens: undefined,
  allowAdapters: undefined,
  allowTools: undefined,
};
const start = (wishes: Partial<ExamWishes> = {}, seats: readonly StudentQuota[] = []) =>
  startOfExam({ ...NO_WISH, ...wishes }, seats, 'ms-chen');
const STOP = endOfExam('ms-chen');
const DEFAULTS = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
const PREPARED = { students: ['alice', 'bob'], maxOutputTokens: 256, allowAdapters: true, allowTools: true };

test('an exam for all, on the terms that hold where nothing is said', () => {
  expect(outcomeOf(start(), monday(), IN_SESSION)).toEqual({
    patch: {
      metadata: {
        annotations: {
          'gpu-classroom.io/access-changed-by': 'ms-chen',
          'gpu-classroom.io/access-before-exam': 'Open',
          'gpu-classroom.io/exam-before': 'null',
        },
      },
      spec: { access: 'Exam', exam: DEFAULTS },
    },
    words: [
      'python-101 is in an exam: all students; answers have at most 512 tokens, no adapters, no tools.',
      'python-101 is open until Mon 2026-11-23 12:00 (Europe/Berlin).',
      'When it is over, back to access Open: kubectl classroom exam stop python-101 -n python-101',
    ],
  });
});

test('an exam that is written beforehand is taken as it is, and nothing need be remembered of it', () => {
  const { patch, words } = outcomeOf(start(), monday({ exam: PREPARED }), IN_SESSION);
  expect(patch?.spec).toEqual({ access: 'Exam', exam: PREPARED });
  expect(patch?.metadata?.annotations).toMatchObject({ 'gpu-classroom.io/exam-before': null });
  expect(words?.[0]).toBe(
    'python-101 is in an exam: 2 students (alice, bob); answers have at most 256 tokens, adapters allowed, tools allowed.',
  );
});

test.each<[Partial<ExamWishes>, object]>([
  [{ students: ['carol'] }, { ...PREPARED, students: ['carol'] }],
  [{ students: [] }, { ...PREPARED, students: [] }],
  [{ maxOutputTokens: 64 }, { ...PREPARED, maxOutputTokens: 64 }],
  [{ allowTools: true }, PREPARED],
])('of an exam that is written beforehand %j differs', (wishes, exam) => {
  expect(outcomeOf(start(wishes), monday({ exam: PREPARED }), IN_SESSION).patch?.spec).toEqual({
    access: 'Exam',
    exam,
  });
});

test('of many students five are named', () => {
  const students = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  expect(outcomeOf(start({ students }), monday(), IN_SESSION).words?.[0]).toContain(
    '7 students (a, b, c, d, e, 2 more)',
  );
});

test('of those who are named it is said who is refused all the same', () => {
  const seat = (id: string, spec: object = {}) => studentQuota({ spec: { student: { id }, ...spec } });
  const seats = [
    seat('alice'),
    seat('bob', { access: 'Suspended' }),
    seat('zoe', { expiresAt: '2026-11-01T00:00:00Z' }),
  ];
  const students = ['alice', 'bob', 'zoe'];
  expect(outcomeOf(start({ students }, seats), monday(), IN_SESSION).words?.[1]).toBe(
    'Refused all the same, because the seat is suspended or has ended: bob, zoe.',
  );
});

test('outside of sessions an exam is served later, and that is said', () => {
  expect(outcomeOf(start(), monday(), AFTERNOON).words?.[1]).toMatch(
    /^python-101 is closed by its timetable/,
  );
});

describe('begun twice', () => {
  const running = monday({ access: 'Exam', exam: PREPARED });

  test('is refused, with what to do', () => {
    expect(outcomeOf(start(), running, IN_SESSION).problem).toMatchObject({
      what: 'The class "python-101" is in an exam already.',
      why: undefined,
      next: expect.stringMatching(/exam stop python-101 -n python-101; .* kubectl edit classroom python-101/),
    });
  });

  test('since when and by whom is said where the operator has seen it', () => {
    const access = { mode: 'Exam', changedTime: '2026-11-23T08:30:00Z', changedBy: 'mr-\u001b[2Jkim' };
    expect(outcomeOf(start(), merged(running, { status: { access } }), IN_SESSION).problem?.why).toBe(
      'It runs since 2026-11-23 08:30 UTC, begun by mr-[2Jkim.',
    );
  });
});

describe('the end of an exam brings back everything as it was', () => {
  test.each([
    ['a class that was open', monday()],
    ['one that was closed', monday({ access: 'Closed' })],
    ['one with an exam written beforehand', monday({ exam: PREPARED })],
  ])('%s', (_, before) => {
    const wishes = { students: ['carol'], maxOutputTokens: 64, allowTools: true };
    const during = patched(before, outcomeOf(start(wishes), before, IN_SESSION).patch);
    expect(during.spec.access).toBe('Exam');
    const after = patched(during, outcomeOf(STOP, during, IN_SESSION).patch);
    expect(after.spec).toEqual(patched(before, undefined).spec);
    expect(after.metadata.annotations).toEqual({ 'gpu-classroom.io/access-changed-by': 'ms-chen' });
  });

  test('and says what holds then', () => {
    const during = monday({ access: 'Exam', exam: PREPARED }, { 'access-before-exam': 'Closed' });
    expect(outcomeOf(STOP, during, IN_SESSION).words).toEqual([
      'The exam of python-101 is over.',
      'python-101 is closed until somebody opens it: kubectl classroom open python-101 -n python-101',
    ]);
  });

  test.each([
    ['that was begun by hand', {}],
    ['whose notes were spoilt', { 'access-before-exam': 'Exam', 'exam-before': '{"students": 3}' }],
    ['whose notes are no JSON', { 'exam-before': '{' }],
  ])('of one %s: the class is open, and the exam stays written', (_, annotations) => {
    const during = monday({ access: 'Exam', exam: PREPARED }, annotations);
    const { spec } = patched(during, outcomeOf(STOP, during, IN_SESSION).patch);
    expect(spec).toMatchObject({ access: 'Open', exam: PREPARED });
  });

  describe('notes of an exam that somebody ended by the field alone', () => {
    const ACCESS = { 'f:spec': { 'f:access': {} } };
    const NOTES = { 'f:metadata': { 'f:annotations': { 'f:gpu-classroom.io/access-before-exam': {} } } };
    const begunBy = (...managedFields: NonNullable<Classroom['metadata']['managedFields']>): Classroom => {
      const notes = { 'access-before-exam': 'Closed', 'exam-before': 'null' };
      return merged(monday({ access: 'Exam', exam: PREPARED }, notes), { metadata: { managedFields } });
    };

    test('are not those of the next one, which keeps the list that was written for it', () => {
      const next = begunBy(
        { manager: 'kubectl-classroom', fieldsV1: NOTES },
        { manager: 'kubectl-edit', fieldsV1: ACCESS },
      );
      const { spec, metadata } = patched(next, outcomeOf(STOP, next, IN_SESSION).patch);
      expect(spec).toMatchObject({ access: 'Open', exam: PREPARED });
      expect(metadata.annotations).toEqual({ 'gpu-classroom.io/access-changed-by': 'ms-chen' });
    });

    test('are those of the one that was begun with them', () => {
      const running = begunBy(
        { manager: 'kubectl-classroom', fieldsV1: { ...NOTES, ...ACCESS } },
        { manager: 'kubectl-edit', fieldsV1: { 'f:spec': { 'f:exam': {} } } },
      );
      const { spec } = patched(running, outcomeOf(STOP, running, IN_SESSION).patch);
      expect(spec).toMatchObject({ access: 'Closed' });
      expect(spec.exam).toBeUndefined();
    });
  });

  test('where there is none, nothing is written', () => {
    expect(outcomeOf(STOP, monday({ access: 'Closed' }), IN_SESSION).problem).toMatchObject({
      what: 'The class "python-101" is in no exam: its access is Closed.',
      next: 'Begin one: kubectl classroom exam start python-101 -n python-101',
    });
  });
});
