import { expect } from '@jest/globals';
import type { ClassroomSpecInput } from '../../../src/api/classroom.ts';
import { ANNOTATIONS } from '../../../src/api/labels.ts';
import { credentialsOf } from '../../../src/demo/class/lesson.ts';
import { eventually } from '../../support/eventually.ts';
import { type CourseWeek, TIME_ZONE } from './calendar.ts';
import type { Disturbance } from './disturbance.ts';
import { type Room, roomIn, type Seen } from './room.ts';
import type { School } from './school.ts';
import { type Answer, type Question, type Student, studentWith } from './students.ts';

export const STUDENTS = ['alice', 'bo', 'chen', 'dana'] as const;

/** Longer than the lessons on Monday and Friday, shorter than those on Wednesday and Thursday. */
const IDLE_MINUTES = 90;

function specOf(week: CourseWeek): ClassroomSpecInput {
  return {
    model: { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen' },
    gpu: { product: 'NVIDIA-A10' },
    engine: { replicas: { min: 0, max: 2, studentsPerReplica: 2 } },
    contact: 'Ms Chen, room 214',
    limits: { perStudent: { requestsPerMinute: 100, concurrentRequests: 4, maxOutputTokens: 2048 } },
    idle: { scaleToZeroAfterMinutes: IDLE_MINUTES },
    schedule: {
      timeZone: TIME_ZONE,
      sessions: [
        { days: ['Mon', 'Tue', 'Fri'], start: '09:00', end: '10:30' },
        { days: ['Wed', 'Thu'], start: '09:00', end: '13:00' },
      ],
      exceptions: [
        { date: week.date('Tue'), closed: true },
        { date: week.date('Sat'), sessions: [{ start: '10:00', end: '11:00' }] },
      ],
      warmUpMinutes: 15,
    },
    exam: { students: ['alice', 'bo'], maxOutputTokens: 16 },
  };
}

/** What happened in a week, to be compared with another one. */
export interface Diary {
  readonly entries: string[];
}

/** A week of a course as it is played: its class, its students, its time. */
export interface Play {
  readonly school: School;
  readonly week: CourseWeek;
  readonly room: Room;
  readonly diary: Diary;
  student(id: string): Student;
  /** Lets time pass until such as `Mon 09:00`. */
  until(moment: string): Promise<void>;
  /** Waits until the class shows that, and notes it down. */
  shows(wanted: Seen): Promise<void>;
  /** The student asks and is answered. */
  isAnswered(id: string, question?: Question): Promise<Answer>;
  /** The student asks while there is no engine, and is answered in a stream that was held. */
  isAnsweredLate(id: string): Promise<void>;
  /** Neither operator nor gateway is killed meanwhile. Both are up when it begins. */
  untouched(scene: () => Promise<void>): Promise<void>;
  /** Lets that minute pass, and waits until the operator has asked the engines in it. */
  enginesAreAsked(minute: string): Promise<void>;
  /** The student takes the key that is in the Secret now. */
  takesKey(id: string): Promise<void>;
  /** The student asks and is refused. */
  isRefused(id: string, code: string, question?: Question): Promise<Answer>;
}

const QUESTION: Question = { text: 'Write a Python function that sorts a list of words.' };
export const LONG_QUESTION: Question = {
  text: 'Write a long Python program with many functions.',
  maxTokens: 1200,
};

/** Makes the class of a week, on its Monday at half past eight. */
export async function beginWeek(school: School, number: number, disturbance: Disturbance): Promise<Play> {
  const week = school.week(number);
  const room = roomIn(`week-${number + 1}`, school.cluster, week);
  const diary: Diary = { entries: [] };
  let now = '';
  const note = (what: string, value: unknown): void => {
    diary.entries.push(`${now} ${what}: ${week.inWords(JSON.stringify(value))}`);
  };
  const students = new Map<string, Student>();
  const student = (id: string): Student => {
    const found = students.get(id);
    if (found === undefined) throw new Error(`${id} has no seat`);
    return found;
  };
  const ask = async (id: string, question: Question): Promise<Answer> => {
    const answer = await student(id).ask(question);
    note(`${id} asks`, answer);
    return answer;
  };
  const takesKey = async (id: string): Promise<void> => {
    const seat = await eventually(`the key of ${id}`, async () => {
      const found = await room.seat(id);
      return found.status?.secretName === undefined ? undefined : found;
    });
    students.set(id, studentWith(await credentialsOf(school.cluster.client, seat)));
  };
  const play: Play = {
    school,
    week,
    room,
    diary,
    student,
    async until(moment) {
      await disturbance.before(moment);
      now = moment;
      await school.time.moveTo(week.at(moment));
      await disturbance.after(moment);
    },
    async shows(wanted) {
      process.stderr.write(`${now} ${performance.now() | 0}\n`);
      note('class', await room.shows(wanted));
    },
    async isAnswered(id, question = QUESTION) {
      const answer = await ask(id, question);
      expect(answer).toMatchObject({ kind: 'answered' });
      return answer;
    },
    async untouched(scene) {
      disturbance.pause();
      await Promise.all([school.operator.up(), school.gateway.up()]);
      await scene();
      disturbance.goOn();
    },
    async enginesAreAsked(minute) {
      // A pass may also be about a pod that came or went; one of three is because the time had come.
      for (const seconds of ['00', '20', '40']) {
        const before = await school.operatorPasses('engine-watch');
        await play.until(`${minute}:${seconds}`);
        await eventually(
          'the operator to ask the engines',
          async () => (await school.operatorPasses('engine-watch')) > before,
        );
      }
    },
    async isAnsweredLate(id) {
      const stream = await student(id).stream(QUESTION);
      const answer = await stream.rest();
      note(`${id} asks`, answer);
      expect(answer).toMatchObject({ kind: 'answered' });
      expect(stream.heartbeats).toBeGreaterThan(0);
    },
    takesKey,
    async isRefused(id, code, question = QUESTION) {
      const answer = await ask(id, question);
      expect(answer).toMatchObject({ kind: 'refused', code });
      return answer;
    },
  };
  await play.until('Mon 08:30');
  await Promise.all([school.operator.up(), school.gateway.up()]);
  await room.make(specOf(week), STUDENTS);
  for (const id of STUDENTS) await takesKey(id);
  return play;
}

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
  const running = await play.student('alice').stream(LONG_QUESTION);
  await play.until('Mon 10:30:05');
  const late = await play.isRefused('bo', 'outside_session');
  expect(late).toMatchObject({ message: expect.stringContaining(play.week.date('Wed')) });
  await play.until('Mon 10:30:30');
  await play.shows({ ...CLOSED, wanted: 1, answering: 1, next: 'opens Wed 09:00' });
  expect(await running.rest()).toMatchObject({ kind: 'answered' });
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
  await play.isAnsweredLate('chen');
  await play.shows({ ...SERVING, wanted: 1, answering: 1, next: 'closes Wed 13:00' });

  await play.until('Wed 12:05');
  await play.isAnswered('dana');
  await play.until('Wed 12:50');
  const openUntil = play.week.instant('Wed 13:30');
  await room.edit({ metadata: { annotations: { [ANNOTATIONS.openUntil]: openUntil } } });
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

  await changeAccess(play, 'Exam');
  const exam = { ...SERVING, access: 'Exam', next: 'closes Thu 13:00' };
  await play.shows(exam);
  await eventually(
    'the gateway to hold the exam',
    async () => (await student('alice').usage()).max_output_tokens === 16,
  );
  const capped = { ...QUESTION, maxTokens: 1000 };
  expect(await play.isAnswered('alice', capped)).toMatchObject({ completionTokens: 16, cap: '16' });
  await play.isAnswered('bo');
  await play.isRefused('chen', 'not_in_exam');
  await play.isRefused('alice', 'tools_not_allowed', { ...QUESTION, tools: [TOOL] });

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

  await changeAccess(play, 'Open');
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

/** Exam, and back to Open, as Ms Chen does it. */
async function changeAccess({ room }: Play, access: 'Open' | 'Exam'): Promise<void> {
  await room.edit({
    metadata: { annotations: { [ANNOTATIONS.accessChangedBy]: 'ms-chen' } },
    spec: { access },
  });
  await room.shows({ access });
  const { changedBy } = (await room.classroom()).status?.access ?? {};
  expect(changedBy).toBe('ms-chen');
}

/** A boost ends while no operator runs, and so does the lesson; the operator finds all in order when it is back. */
export async function friday(play: Play): Promise<void> {
  const { room, school, student, week } = play;
  const limitOf = async (id: string) =>
    (await student(id).usage()).limits.find(({ name }) => name === 'requestsPerMinute')?.limit;
  await play.until('Fri 08:50');
  await play.shows({ ...CLOSED, wanted: 2, answering: 2, next: 'opens Fri 09:00' });
  await play.until('Fri 09:00');
  await play.shows({ ...SERVING, next: 'closes Fri 10:30' });
  await everybodyIsAnswered(play);
  expect(await limitOf('dana')).toBe(100);

  const until = week.instant('Fri 10:00');
  await room.editSeat('dana', { spec: { boost: { factor: 3, until } } });
  await eventually('the boost to hold', async () => (await limitOf('dana')) === 300);
  expect(await limitOf('bo')).toBe(100);
  expect((await student('dana').usage()).boost).toEqual({ factor: 3, until: Date.parse(until) / 1000 });
  await play.isAnswered('dana');

  await play.until('Fri 09:59:59');
  expect(await limitOf('dana')).toBe(300);
  await school.operator.up();
  await school.operator.kill();
  await play.until('Fri 10:00:01');
  expect(await limitOf('dana')).toBe(100);
  expect((await student('dana').usage()).boost).toBeNull();
  await play.isAnswered('dana');

  await play.until('Fri 10:30:01');
  await play.isRefused('dana', 'outside_session');
  await room.shows({ open: 'SessionRunning', wanted: 2 });
  await school.operator.start();
  await room.shows({ open: 'OutsideSessions', ready: 'Closed' });
  await play.until('Fri 10:45');
  await play.shows({ ...CLOSED, next: 'opens Sat 10:00' });
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
  await room.edit({ spec: { access: 'Closed' } });
  const over = { ...CLOSED, open: 'AccessClosed', access: 'Closed', next: undefined };
  await play.shows(over);
  await play.until('Mon+1 08:20');
  await room.looked();
  await play.shows(over);
  await play.isRefused('alice', 'class_closed');
}
