import { expect } from '@jest/globals';
import type { ClassroomSpecInput } from '../../../src/api/classroom.ts';
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
        { days: ['Wed', 'Thu'], start: '09:00', end: '12:00' },
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
      note('class', await room.shows(wanted));
    },
    async isAnswered(id, question = QUESTION) {
      const answer = await ask(id, question);
      expect(answer).toMatchObject({ kind: 'answered' });
      return answer;
    },
    async isRefused(id, code, question = QUESTION) {
      const answer = await ask(id, question);
      expect(answer).toMatchObject({ kind: 'refused', code });
      return answer;
    },
  };
  await play.until('Mon 08:30');
  await Promise.all([school.operator.up(), school.gateway.up()]);
  await room.make(specOf(week), STUDENTS);
  for (const id of STUDENTS) {
    const seat = await eventually(`the key of ${id}`, async () => {
      const found = await room.seat(id);
      return found.status?.secretName === undefined ? undefined : found;
    });
    students.set(id, studentWith(await credentialsOf(school.cluster.client, seat)));
  }
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
  const running = await play.student('alice').stream(LONG_QUESTION);
  await play.until('Mon 10:30:05');
  const late = await play.isRefused('bo', 'outside_session');
  expect(late).toMatchObject({ message: expect.stringContaining(play.week.date('Wed')) });
  await play.until('Mon 10:30:30');
  await play.shows({ ...CLOSED, wanted: 1, answering: 1, next: 'opens Wed 09:00' });
  expect(await running.rest()).toMatchObject({ kind: 'answered' });

  await play.until('Mon 10:35');
  await play.shows({ ...CLOSED, next: 'opens Wed 09:00' });
}
