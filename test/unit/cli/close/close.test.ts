import { expect, test } from '@jest/globals';
import { closingOfClass } from '../../../../src/cli/close/close.ts';
import { AFTERNOON, IN_SESSION, monday, outcomeOf, patched } from '../change/classes.ts';

const CLOSE = closingOfClass('ms-chen');
const CHANGED_BY = 'gpu-classroom.io/access-changed-by';
const OPEN_UNTIL = 'gpu-classroom.io/open-until';
const SAID = 'python-101 is closed until somebody opens it: kubectl classroom open python-101 -n python-101';

test('while students may work it is asked whether that is meant', () => {
  expect(outcomeOf(CLOSE, monday(), IN_SESSION)).toEqual({
    patch: { metadata: { annotations: { [CHANGED_BY]: 'ms-chen' } }, spec: { access: 'Closed' } },
    question:
      'This closes python-101 for all its students: answers that run are finished, new requests refused.',
    words: [SAID],
  });
});

test('outside of sessions nobody is asked: nobody works', () => {
  expect(outcomeOf(CLOSE, monday(), AFTERNOON).question).toBeUndefined();
});

test('an extension ends with it, and it is said before', () => {
  const { patch, question } = outcomeOf(
    CLOSE,
    monday({}, { 'open-until': '2026-11-23T16:00:00+01:00' }),
    AFTERNOON,
  );
  expect(patch?.metadata?.annotations).toEqual({ [CHANGED_BY]: 'ms-chen', [OPEN_UNTIL]: null });
  expect(question).toMatch(
    /It was opened until Mon 2026-11-23 16:00 \(Europe\/Berlin\): that is taken back\.$/,
  );
});

test('an exam ends with it, without being open in between', () => {
  const before = { students: ['alice'], maxOutputTokens: 99, allowAdapters: true, allowTools: false };
  const exam = monday(
    { access: 'Exam', exam: {} },
    { 'access-before-exam': 'Open', 'exam-before': JSON.stringify(before) },
  );
  const { patch, question } = outcomeOf(CLOSE, exam, IN_SESSION);
  expect(question).toMatch(/Its exam ends\.$/);
  const closed = patched(exam, patch);
  expect(closed.spec).toMatchObject({ access: 'Closed', exam: before });
  expect(closed.metadata.annotations).toEqual({ [CHANGED_BY]: 'ms-chen' });
});

test('a class that is closed stays so, and is not said to be changed', () => {
  expect(outcomeOf(CLOSE, monday({ access: 'Closed' }), IN_SESSION)).toEqual({ words: [SAID] });
});

test('of a class that is closed, an extension that waits for it to be opened is taken back', () => {
  const closed = monday({ access: 'Closed' }, { 'open-until': '2026-11-23T16:00:00+01:00' });
  expect(outcomeOf(CLOSE, closed, AFTERNOON).patch).toEqual({
    metadata: { annotations: { [OPEN_UNTIL]: null } },
    spec: {},
  });
});
