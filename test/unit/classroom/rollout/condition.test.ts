import { expect, test } from '@jest/globals';
import { rolloutCondition } from '../../../../src/classroom/rollout/condition.ts';

const terms = { idleMs: 300_000, lastLoadSeconds: 103, pausedFor: undefined };
const change = { kind: 'Arguments' as const, text: '--max-num-seqs 8 → 16' };
type Decision = Parameters<typeof rolloutCondition>[0];

const waiting: Extract<Decision, { kind: 'wait' }> = {
  kind: 'wait',
  changes: [change, { kind: 'Image', text: 'image a → b' }],
  for: 'Idle',
  obstacle: undefined,
  lookAtMs: undefined,
};

test('a change that waits says what it is, until when, what it will cost and how to have it now', () => {
  expect(rolloutCondition(waiting, terms)).toEqual({
    type: 'RolloutPending',
    status: 'True',
    reason: 'AwaitingIdle',
    message:
      'The engines still run without this change: --max-num-seqs 8 → 16; image a → b. They are replaced when nobody has asked for 5 min. The last engine took 103 s to load. To replace them now, set `engine.rollout` to Immediately.',
  });
});

test('engines that are left while students ask again are told of as a change that waits', () => {
  const { status, reason, message } = rolloutCondition({ kind: 'current' }, { ...terms, pausedFor: 'Idle' });
  expect([status, reason]).toEqual(['True', 'AwaitingIdle']);
  expect(message).toBe(
    'Some engines still run without the last change: students asked again before it was their turn. They are replaced when nobody has asked for 5 min. The last engine took 103 s to load. To replace them now, set `engine.rollout` to Immediately.',
  );
});

test('the message stays the same while time passes: it would be written again and again', () => {
  const later = rolloutCondition({ ...waiting, lookAtMs: 1_000_000 }, terms);
  expect(later).toEqual(rolloutCondition(waiting, terms));
});

test.each([
  [
    'Idle',
    'AwaitingIdle',
    'when nobody has asked for 5 min. The last engine took 103 s to load. To replace them now',
  ],
  ['ClassEnd', 'AwaitingClassEnd', 'it has no timetable, so that is when nobody has asked for 5 min'],
  ['SessionEnd', 'AwaitingClassEnd', 'when the session is over'],
  [
    'Answers',
    'AwaitingIdle',
    'The class is closed: they are replaced as soon as running answers are finished',
  ],
  ['ExamEnd', 'AwaitingExamEnd', 'They are replaced after the exam'],
] as const)('waiting for %s is %s and said in words', (awaited, reason, words) => {
  const draft = rolloutCondition({ ...waiting, for: awaited }, terms);
  expect(draft.reason).toBe(reason);
  expect(draft.message).toContain(words);
});

test('nobody is advised to restart engines in an exam', () => {
  expect(rolloutCondition({ ...waiting, for: 'ExamEnd' }, terms).message).not.toContain('Immediately');
});

test.each([
  [undefined, 'was not measured yet'],
  [0.4, 'took 1 s to load'],
  [300, 'took 5 min to load'],
])('a load time of %p: %s', (lastLoadSeconds, want) => {
  expect(rolloutCondition(waiting, { ...terms, lastLoadSeconds }).message).toContain(want);
});

test('what keeps the operator from knowing is said', () => {
  const { message } = rolloutCondition({ ...waiting, obstacle: 'engine a: no answer within 5 s' }, terms);
  expect(message).toContain('Whether they are idle is not known: engine a: no answer within 5 s.');
});

test.each([
  [{ kind: 'current' }, 'False', 'UpToDate'],
  [{ kind: 'now', changes: [change], strategy: 'Recreate', why: '' }, 'False', 'UpToDate'],
  [{ kind: 'unfit', runs: true }, 'True', 'PlanDoesNotFit'],
  [{ kind: 'unfit', runs: false }, 'False', 'PlanDoesNotFit'],
] as const)('%j is %s, %s', (decision, status, reason) => {
  const draft = rolloutCondition(decision as Decision, terms);
  expect(draft).toMatchObject({ status, reason });
});
