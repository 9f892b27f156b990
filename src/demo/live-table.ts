import Table from 'cli-table3';
import type { EngineStatus } from '../api/classroom.ts';
import type { StudentProgress } from './class/students.ts';

/** What the live table shows: one moment of the class. */
export interface ClassSnapshot {
  name: string;
  /** Message of the Classroom's `Ready` condition. */
  readyMessage: string;
  engines: readonly EngineView[];
  students: readonly StudentProgress[];
  elapsedMs: number;
}

export interface EngineView extends EngineStatus {
  /** From the engine's own metrics; undefined while it does not answer. */
  running?: number;
  waiting?: number;
  generatedTokens?: number;
}

const STYLE = { head: [], border: [], compact: true };
const DOING_WIDTH = 34;

/** The class as text: a line about the class, a table of engines, a table of students, and the sums. */
export function renderClass(snapshot: ClassSnapshot): string {
  return [
    `Class ${snapshot.name}: ${snapshot.readyMessage}`,
    engineTable(snapshot.engines),
    ...(snapshot.students.length > 0 ? [studentTable(snapshot.students), sumLine(snapshot)] : []),
  ].join('\n');
}

function engineTable(engines: readonly EngineView[]): string {
  const table = new Table({
    head: ['ENGINE', 'NODE', 'STATE', 'RUNNING', 'WAITING', 'TOKENS OUT'],
    style: STYLE,
  });
  for (const engine of engines) {
    table.push([
      engine.name,
      engine.node ?? '<none>',
      engine.state,
      figure(engine.running),
      figure(engine.waiting),
      figure(engine.generatedTokens),
    ]);
  }
  return table.toString();
}

function studentTable(students: readonly StudentProgress[]): string {
  const table = new Table({
    head: ['STUDENT', 'ASKED', 'ANSWERED', 'TOKENS IN', 'TOKENS OUT', 'FIRST TEXT', 'ANSWER', 'DOING'],
    style: STYLE,
  });
  for (const student of students) {
    table.push([
      student.id,
      student.requests,
      student.answered,
      student.promptTokens,
      student.completionTokens,
      mean(student.firstTextMs, student.streamed),
      mean(student.answerMs, student.answered),
      clip(student.doing, DOING_WIDTH),
    ]);
  }
  return table.toString();
}

function sumLine({ students, elapsedMs }: ClassSnapshot): string {
  const sum = (pick: (student: StudentProgress) => number) =>
    students.reduce((total, student) => total + pick(student), 0);
  const failed = sum((student) => student.failed);
  const answered = sum((student) => student.answered);
  return (
    `${students.length} students, ${answered} answers, ${failed} failed, ` +
    `${sum((student) => student.promptTokens)} tokens in, ${sum((student) => student.completionTokens)} tokens out, ` +
    `first text after ${mean(
      sum((student) => student.firstTextMs),
      sum((student) => student.streamed),
    )}, ` +
    `answer after ${mean(
      sum((student) => student.answerMs),
      answered,
    )}, ${seconds(elapsedMs)} in class`
  );
}

function figure(value: number | undefined): string {
  return value === undefined ? '<none>' : String(value);
}

function mean(totalMs: number, count: number): string {
  return count === 0 ? '<none>' : seconds(totalMs / count);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
