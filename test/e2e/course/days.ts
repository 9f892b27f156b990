import { expect } from '@jest/globals';
import { findCondition } from '../../../src/api/condition.ts';
import { ANNOTATIONS } from '../../../src/api/labels.ts';
import { STUDENT_QUOTA_CONDITIONS } from '../../../src/api/reasons.ts';
import { eventually } from '../../support/eventually.ts';
import type { Play } from './play.ts';
import { CLASS } from './room.ts';
import { STUDENTS } from './timetable.ts';

const CLOSED = { open: 'OutsideSessions', ready: 'Closed', wanted: 0, answering: 0, access: 'Open' };
const SERVING = { open: 'SessionRunning', ready: 'Serving', wanted: 2, answering: 2, access: 'Open' };

async function everybodyIsAnswered(play: Play): Promise<void> {
  for (const id of STUDENTS) await play.isAnswered(id);
}

/** Engines are up before the first student, and gone after the last answer. */
export async function monday(play: Play): Promise<void> {
  await play.shows({ ...CLOSED, next: 'opens Mon 09:00' });
  const early = await play.isRefused('alice', 'outside_session');
  expect(early).toMatchObject({ status: 403, message: expect.stringContaining(play.week.date('Mon')) });

  await play.until('Mon 08:45');
  await play.shows({ ...CLOSED, wanted: 2, answering: 2, next: 'opens Mon 09:00' });
  await play.isRefused('alice', 'outside_session');

  await play.until('Mon 09:00');
  await play.shows({ ...SERVING, next: 'closes Mon 10:30' });
  await everybodyIsAnswered(play);

  await play.until('Mon 10:29:50');
  await play.shows({ ...SERVING, next: 'closes Mon 10:30' });
  await play.untouched(() => lastAnswerOfTheDay(play));
  await play.until('Mon 10:35');
  await play.shows({ ...CLOSED, next: 'opens Wed 09:00' });
}

/** It goes on when the lesson is over, on an engine that is kept for it alone. */
async function lastAnswerOfTheDay(play: Play): Promise<void> {
  const ended = await play.readsLongAnswer('alice');
  await play.until('Mon 10:30:05');
  const late = await play.isRefused('bo', 'outside_session');
  expect(late).toMatchObject({ message: expect.stringContaining(play.week.date('Wed')) });
  await play.until('Mon 10:30:30');
  await play.shows({ ...CLOSED, wanted: 1, answering: 1, next: 'opens Wed 09:00' });
  await ended();
}

/** A holiday in the middle of the week: nothing is started and nobody served, though it is a weekday. */
export async function tuesday(play: Play): Promise<void> {
  const { room } = play;
  await play.until('Mon 23:59');
  await room.looked();
  for (const moment of ['Tue 08:45', 'Tue 09:30', 'Tue 20:00']) {
    await play.until(moment);
    await room.looked();
    await play.shows({ ...CLOSED, next: 'opens Wed 09:00' });
  }
  await play.isRefused('bo', 'outside_session');
}

/** A class that nobody asks sleeps, the first request wakes it, and an extension ends by itself. */
export async function wednesday(play: Play): Promise<void> {
  const { room } = play;
  await play.until('Wed 08:50');
  await play.shows({ ...CLOSED, wanted: 2, answering: 2, next: 'opens Wed 09:00' });
  await play.until('Wed 09:01');
  await play.shows({ ...SERVING, next: 'closes Wed 13:00' });
  await everybodyIsAnswered(play);

  await play.untouched(async () => {
    await play.enginesAreAsked('Wed 09:02');
    await play.until('Wed 10:45');
    await play.shows({ ...SERVING, ready: 'Asleep', wanted: 0, answering: 0, next: 'closes Wed 13:00' });
  });
  await play.isAnsweredLate();
  await play.shows({ ...SERVING, wanted: 1, answering: 1, next: 'closes Wed 13:00' });

  await play.until('Wed 12:05');
  await play.isAnswered('dana');
  await play.mayLoseAnswer();
  await play.until('Wed 12:50');
  await play.trainer('extend', CLASS, '30m');
  await play.shows({ ...SERVING, wanted: 1, answering: 1, next: 'closes Wed 13:30' });
  await play.until('Wed 13:05');
  await play.shows({ ...SERVING, open: 'Extended', wanted: 1, answering: 1, next: 'closes Wed 13:30' });
  await play.isAnswered('bo');
  await play.until('Wed 13:30');
  await play.isRefused('bo', 'outside_session');
  await room.shows({ open: 'OutsideSessions' });
  await play.until('Wed 13:45');
  await play.shows({ ...CLOSED, next: 'opens Thu 09:00' });
}

const TOOL = { type: 'function' as const, function: { name: 'search', parameters: { type: 'object' } } };

/** An exam: who is on the list, on the same terms, and nothing is changed under their hands. */
export async function thursday(play: Play): Promise<void> {
  const { room, student } = play;
  await play.until('Thu 08:50');
  await play.shows({ ...CLOSED, wanted: 2, answering: 2, next: 'opens Thu 09:00' });
  await play.until('Thu 09:01');
  await play.shows({ ...SERVING, next: 'closes Thu 13:00' });
  await everybodyIsAnswered(play);

  await play.trainer('exam', 'start', CLASS);
  await room.shows({ access: 'Exam' });
  const exam = { ...SERVING, access: 'Exam', next: 'closes Thu 13:00' };
  await play.shows(exam);
  await eventually(
    'the gateway to hold the exam',
    async () => (await student('alice').usage()).max_output_tokens === 16,
  );
  const capped = { text: 'Write a Python class for a stack.', maxTokens: 1000 };
  expect(await play.isAnswered('alice', capped)).toMatchObject({ completionTokens: 16, cap: '16' });
  await play.isAnswered('bo');
  await play.isRefused('chen', 'not_in_exam');
  await play.isRefused('alice', 'tools_not_allowed', { text: 'What is new?', tools: [TOOL] });

  // Longer than `idle` says, and a key is to be rotated.
  await play.until('Thu 10:50');
  await room.looked();
  await play.shows(exam);
  const keys = (await room.seat('alice')).status?.keys;
  await room.editSeat('alice', { spec: { keyRotation: { generation: 2 } } });
  await eventually('the operator to have looked at the seat', async () => {
    const { metadata, status } = await room.seat('alice');
    return status?.observedGeneration === metadata.generation;
  });
  expect((await room.seat('alice')).status?.keys).toEqual(keys);
  await play.isAnswered('alice');

  await play.trainer('exam', 'stop', CLASS);
  await room.shows({ access: 'Open' });
  const { annotations = {} } = (await room.classroom()).metadata;
  expect(annotations[ANNOTATIONS.accessBeforeExam]).toBeUndefined();
  await eventually('the key to be rotated after the exam', async () => {
    const [newest] = (await room.seat('alice')).status?.keys ?? [];
    return newest !== undefined && newest.sha256 !== keys?.[0]?.sha256;
  });
  await play.takesKey('alice');
  await eventually(
    'the gateway to end the exam',
    async () => (await student('alice').usage()).max_output_tokens === 2048,
  );
  await play.isAnswered('chen');
  await play.untouched(async () => {
    await play.enginesAreAsked('Thu 10:51');
    await play.until('Thu 12:30');
    await play.shows({ ...SERVING, ready: 'Asleep', wanted: 0, answering: 0, next: 'closes Thu 13:00' });
  });
  await play.until('Thu 13:00');
  await play.shows({ ...CLOSED, next: 'opens Fri 09:00' });
}

/** A boost ends while no operator runs, and so does the lesson; the operator finds all in order when it is back. */
export async function friday(play: Play): Promise<void> {
  const { student, week } = play;
  const limitOf = async (id: string) =>
    (await student(id).usage()).limits.find(({ name }) => name === 'requestsPerMinute')?.limit;
  await play.until('Fri 08:50');
  await play.shows({ ...CLOSED, wanted: 2, answering: 2, next: 'opens Fri 09:00' });
  await play.until('Fri 09:00');
  await play.shows({ ...SERVING, next: 'closes Fri 10:30' });
  await everybodyIsAnswered(play);
  expect(await limitOf('dana')).toBe(100);

  const until = week.instant('Fri 10:00');
  await play.trainer('boost', CLASS, 'dana', '--factor', '3', '--until', '10:00');
  await eventually('the boost to hold', async () => (await limitOf('dana')) === 300);
  expect(await limitOf('bo')).toBe(100);
  expect((await student('dana').usage()).boost).toEqual({ factor: 3, until: Date.parse(until) / 1000 });
  await play.isAnswered('dana');

  await play.untouched(() => boostEndsWithoutOperator(play, limitOf));
  await play.until('Fri 10:45');
  await play.shows({ ...CLOSED, next: 'opens Sat 10:00' });
}

/** What the seat says of it. */
async function boostOf({ room }: Play): Promise<string | undefined> {
  const { status } = await room.seat('dana');
  return findCondition(status?.conditions, STUDENT_QUOTA_CONDITIONS.boosted)?.reason;
}

/** The operator is down when the boost ends and when the lesson does. */
async function boostEndsWithoutOperator(
  play: Play,
  limitOf: (id: string) => Promise<number | undefined>,
): Promise<void> {
  const { room, school, student } = play;
  await eventually('the operator to tell of the boost', async () => (await boostOf(play)) === 'BoostRunning');
  await play.until('Fri 09:59:59');
  expect(await limitOf('dana')).toBe(300);
  await school.operator.kill();
  await play.until('Fri 10:00:01');
  expect(await limitOf('dana')).toBe(100);
  expect((await student('dana').usage()).boost).toBeNull();
  await play.isAnswered('dana');

  await play.until('Fri 10:30:01');
  await play.isRefused('dana', 'outside_session');
  await room.shows({ open: 'SessionRunning', wanted: 2 });
  expect(await boostOf(play)).toBe('BoostRunning');
  await school.operator.start();
  await eventually(
    'the operator to see that the boost is over',
    async () => (await boostOf(play)) === 'BoostOver',
  );
  await room.shows({ open: 'OutsideSessions', ready: 'Closed' });
}

/** A session beside the weekly ones. */
export async function saturday(play: Play): Promise<void> {
  await play.until('Sat 09:44');
  await play.room.looked();
  await play.shows({ ...CLOSED, next: 'opens Sat 10:00' });
  await play.until('Sat 09:45');
  await play.shows({ ...CLOSED, wanted: 2, answering: 2, next: 'opens Sat 10:00' });
  await play.until('Sat 10:00');
  await play.shows({ ...SERVING, next: 'closes Sat 11:00' });
  await everybodyIsAnswered(play);
  await play.until('Sat 11:00');
  await play.isRefused('alice', 'outside_session');
  await play.room.shows({ open: 'OutsideSessions' });
  await play.until('Sat 11:15');
  await play.shows({ ...CLOSED, next: 'opens Mon+1 09:00' });
}

/** The course is over: nothing runs any more, also when there would be a lesson. */
export async function afterwards(play: Play): Promise<void> {
  const { room } = play;
  await play.until('Sun 12:00');
  await play.trainer('close', CLASS, '--yes');
  const over = { ...CLOSED, open: 'AccessClosed', access: 'Closed', next: undefined };
  await play.shows(over);
  await play.until('Mon+1 08:20');
  await room.looked();
  await play.shows(over);
  await play.isRefused('alice', 'class_closed');
  await room.empty();
}
