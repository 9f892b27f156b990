import { expect } from '@jest/globals';
import { credentialsOf } from '../../../src/demo/class/lesson.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';
import type { CourseWeek } from './calendar.ts';
import type { Disturbance } from './disturbance.ts';
import { type Room, roomIn, type Seen } from './room.ts';
import type { School } from './school.ts';
import { type Answer, type Question, type Student, studentWith } from './students.ts';
import { STUDENTS, sessionAt, specOf, UNLUCKY } from './timetable.ts';

/** What the answers of a student came to in a session, as the client counted. */
export interface Counted {
  requests: number;
  promptTokens: number;
  completionTokens: number;
}

/** A week of a course as it is played: its class, its students, its time. */
export interface Play {
  readonly school: School;
  readonly week: CourseWeek;
  readonly room: Room;
  /** All that was seen of class and answers, to be compared with that of another week. */
  readonly diary: readonly string[];
  /** What the clients counted, by such as `Mon 09:00 alice`. */
  readonly counted: ReadonlyMap<string, Counted>;
  /** Requests of {@link UNLUCKY} that a gateway was killed with. */
  readonly brokenRequests: number;
  student(id: string): Student;
  /** Lets time pass until such as `Mon 09:00`. */
  until(moment: string): Promise<void>;
  /** Waits until the class shows that, and notes it down. */
  shows(wanted: Seen): Promise<void>;
  /** As the trainer types it after `kubectl classroom`, on a machine that has the time of the course. */
  trainer(...argv: readonly string[]): Promise<void>;
  /** The student asks and is answered. */
  isAnswered(id: string, question?: Question): Promise<Answer>;
  /** The student asks and is refused. */
  isRefused(id: string, code: string, question?: Question): Promise<Answer>;
  /** A student begins to read a long answer; the end of what is returned is its end. */
  readsLongAnswer(id: string): Promise<() => Promise<void>>;
  /** {@link UNLUCKY} asks while there is no engine, and is answered in a stream that was held. */
  isAnsweredLate(): Promise<void>;
  /** {@link UNLUCKY} reads an answer; of all, the gateway may be killed in the middle of this one. */
  mayLoseAnswer(): Promise<void>;
  /** Neither operator nor gateway is killed meanwhile. Both are up when it begins. */
  untouched(scene: () => Promise<void>): Promise<void>;
  /** Lets that minute pass, and waits until the operator has asked the engines in it. */
  enginesAreAsked(minute: string): Promise<void>;
  /** The student takes the key that is in the Secret now. */
  takesKey(id: string): Promise<void>;
}

const QUESTION: Question = { text: 'Write a Python function that sorts a list of words.' };
const LONG_QUESTION: Question = {
  text: 'Write a long Python program with many functions.',
  maxTokens: 900,
  isEndless: true,
};

/** Makes the class of a week, on its Monday at half past eight. */
export async function beginWeek(school: School, number: number, disturbance: Disturbance): Promise<Play> {
  const week = school.week(number);
  const room = roomIn(`week-${number + 1}`, school.cluster, week);
  const diary: string[] = [];
  const counted = new Map<string, Counted>();
  const students = new Map<string, Student>();
  let now = '';
  let brokenRequests = 0;

  const note = (what: string, value: unknown): void => {
    diary.push(`${now} ${what}: ${week.inWords(JSON.stringify(value))}`);
  };
  const count = (id: string, askedAt: string, answer: Answer): void => {
    if (answer.kind !== 'answered') return;
    const key = `${sessionAt(askedAt)} ${id}`;
    const sum = counted.get(key) ?? { requests: 0, promptTokens: 0, completionTokens: 0 };
    counted.set(key, {
      requests: sum.requests + 1,
      promptTokens: sum.promptTokens + answer.promptTokens,
      completionTokens: sum.completionTokens + answer.completionTokens,
    });
  };
  const student = (id: string): Student => {
    const found = students.get(id);
    if (found === undefined) throw new Error(`${id} has no seat`);
    return found;
  };
  const ask = async (id: string, question: Question): Promise<Answer> => {
    const answer = await student(id).ask(question);
    note(`${id} asks`, answer);
    count(id, now, answer);
    return answer;
  };
  const tell = (id: string, answer: Answer, askedAt: string): void => {
    note(`${id} has an answer`, answer);
    count(id, askedAt, answer);
    expect(answer).toMatchObject({ kind: 'answered' });
  };

  const play: Play = {
    school,
    week,
    room,
    diary,
    counted,
    get brokenRequests() {
      return brokenRequests;
    },
    student,
    async until(moment) {
      await disturbance.atMoment(`before ${moment}`);
      now = moment;
      await school.moveTo(week.at(moment));
      await disturbance.atMoment(`at ${moment}`);
    },
    async shows(wanted) {
      const seen = await room.shows(wanted);
      note('class', { ...seen, enginesMade: school.enginesMade(room.namespace) });
    },
    async trainer(...argv) {
      const { kubeconfigPath } = school.cluster.controlPlane;
      const where = ['-n', room.namespace, '--kubeconfig', kubeconfigPath];
      const { code, stderr } = await kubectlClassroom([...argv, ...where], { clock: school.time.clock });
      expect({ code, stderr }).toMatchObject({ code: 0 });
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
    async readsLongAnswer(id) {
      const askedAt = now;
      const stream = await student(id).stream(LONG_QUESTION);
      return async () => tell(id, await stream.rest(), askedAt);
    },
    async isAnsweredLate() {
      const disturbed = disturbance.nextHold();
      for (let wasKilled = true; wasKilled; ) {
        await school.gateway.up();
        const stream = await student(UNLUCKY).stream(QUESTION, disturbed.onHeartbeat);
        const answer = await stream.rest();
        wasKilled = answer.kind === 'refused' && disturbed.takeKill();
        if (wasKilled) brokenRequests += 1;
        else {
          expect(stream.heartbeats).toBeGreaterThan(0);
          tell(UNLUCKY, answer, now);
        }
      }
    },
    async mayLoseAnswer() {
      await school.gateway.up();
      const stream = await student(UNLUCKY).stream(QUESTION);
      const wasKilled = await disturbance.inAnswer(stream);
      const answer = await stream.rest();
      if (!wasKilled || answer.kind === 'answered') count(UNLUCKY, now, answer);
      else brokenRequests += 1;
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
    async takesKey(id) {
      const seat = await eventually(`the key of ${id}`, async () => {
        const found = await room.seat(id);
        return found.status?.secretName === undefined ? undefined : found;
      });
      students.set(id, studentWith(await credentialsOf(school.cluster.client, seat), school.gateway.up));
    },
  };
  await play.until('Mon 08:30');
  await room.make(specOf(week), STUDENTS);
  for (const id of STUDENTS) await play.takesKey(id);
  return play;
}
