import type { Clock } from '../../kube/clock.ts';
import {
  newProgress,
  type StudentCredentials,
  type StudentProgress,
  workThroughExercise,
} from './students.ts';

export interface ClassAtWork {
  readonly students: readonly StudentProgress[];
  /** Resolves when every student has ended. */
  readonly done: Promise<void>;
}

export interface AtWorkOptions {
  credentials: readonly StudentCredentials[];
  /** Tasks of each student; Infinity: until the signal aborts. */
  rounds: number;
  /** The longest pause between two tasks; the pauses of the students differ. */
  maxThinkMs: number;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  signal: AbortSignal;
}

/** All students start at once, as they do when the trainer says "go". */
export function letThemWork(options: AtWorkOptions): ClassAtWork {
  const { clock, random, rounds, signal, maxThinkMs } = options;
  const thinkMs = () => random() * maxThinkMs;
  const seats = options.credentials.map((credentials) => ({
    credentials,
    progress: newProgress(credentials.id),
  }));
  const work = seats.map((seat, index) =>
    workThroughExercise({ ...seat, index, rounds, thinkMs, clock, signal }),
  );
  return { students: seats.map(({ progress }) => progress), done: Promise.all(work).then(() => undefined) };
}

/** True when every student asked and each question was answered. */
export function everyoneAnswered(students: readonly StudentProgress[]): boolean {
  return students.every(
    ({ requests, answered, failed }) => requests > 0 && answered === requests && failed === 0,
  );
}
