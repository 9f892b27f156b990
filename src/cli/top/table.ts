import { counted } from '../status/counted.ts';
import { textTable } from '../text-table.ts';
import type { StudentFigures } from './figures.ts';

/** One moment of a class. */
export interface Moment {
  readonly name: string;
  readonly namespace: string;
  /** RFC 3339. */
  readonly time: string;
  /** The message of the condition Ready. */
  readonly message: string;
  readonly engines: { readonly ready: number; readonly wanted: number };
  readonly students: readonly StudentFigures[];
  /** Why some figures are older; undefined: all are of this moment. */
  readonly note?: string | undefined;
}

/** How students can be sorted: the most first, or by id. */
export const ORDERS = ['tokens', 'rate', 'requests', 'refused', 'wait', 'running', 'student'] as const;
export type Order = (typeof ORDERS)[number];

type Rates = ReadonlyMap<string, number>;

/** The students in an order; those that are alike in it by id. */
export function sorted(students: readonly StudentFigures[], by: Order, rates: Rates): StudentFigures[] {
  const byId = students.toSorted((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
  if (by === 'student') return byId;
  return byId.toSorted((a, b) => (figureOf(b, by, rates) ?? 0) - (figureOf(a, by, rates) ?? 0));
}

function figureOf(student: StudentFigures, by: Exclude<Order, 'student'>, rates: Rates): number | undefined {
  switch (by) {
    case 'rate':
      return rates.get(student.id);
    case 'wait':
      return student.meanWaitMs;
    default:
      return student[by];
  }
}

/**
 * A moment for people, no longer than the screen.
 *
 * @param rates tokens a minute by student; undefined: nobody has watched long enough
 * @param rows of the screen; undefined: as many as are needed
 */
export function momentText(
  { name, namespace, message, engines, students, note }: Moment,
  { rates, rows }: { rates: Rates | undefined; rows: number | undefined },
): string {
  const head = [
    `${name} in ${namespace}: ${message}`,
    `Engines: ${engines.ready} of ${engines.wanted}. ${sumText(students)}`,
    ...(note === undefined ? [] : [note]),
    '',
  ];
  if (students.length === 0) return [...head, 'Nobody is enrolled.', ''].join('\n');
  // The titles, and the line that says how many are left out.
  const room = rows === undefined ? students.length : Math.max(1, rows - head.length - 3);
  const shown = students.slice(0, room);
  const left = students.length - shown.length;
  return [
    ...head,
    textTable(
      titlesOf(rates),
      shown.map((student) => cellsOf(student, rates)),
    ).trimEnd(),
    ...(left > 0 ? [`and ${left} more`] : []),
    '',
  ].join('\n');
}

function titlesOf(rates: Rates | undefined): string[] {
  return [
    'STUDENT',
    'RUNNING',
    'REQUESTS',
    'REFUSED',
    'MEAN WAIT',
    'TOKENS IN',
    'TOKENS OUT',
    'TOKENS',
    ...(rates === undefined ? [] : ['PER MINUTE']),
    'LEFT TODAY',
  ];
}

const UNKNOWN = '<unknown>';

function cellsOf(student: StudentFigures, rates: Rates | undefined): (string | number)[] {
  const { id, source, tokensLeft } = student;
  const rate = rates?.get(id);
  return [
    id,
    student.running ?? UNKNOWN,
    student.requests,
    student.refused ?? UNKNOWN,
    waitText(student),
    student.promptTokens ?? UNKNOWN,
    student.completionTokens ?? UNKNOWN,
    student.tokens,
    ...(rates === undefined ? [] : [rate === undefined ? UNKNOWN : Math.round(rate)]),
    tokensLeft ?? (source === 'Gateway' ? '<unlimited>' : UNKNOWN),
  ];
}

/** In seconds; a dash where there is no complete answer today that could have waited. */
function waitText({ meanWaitMs, source }: StudentFigures): string {
  if (meanWaitMs !== undefined) return `${(meanWaitMs / 1000).toFixed(1)}s`;
  return source === 'Gateway' ? '-' : UNKNOWN;
}

function sumText(students: readonly StudentFigures[]): string {
  const sum = (pick: (student: StudentFigures) => number | undefined): number =>
    students.reduce((total, student) => total + (pick(student) ?? 0), 0);
  return `Today ${counted(
    sum(({ requests }) => requests),
    'request',
  )}, ${sum(({ refused }) => refused)} refused, ${counted(
    sum(({ tokens }) => tokens),
    'token',
  )}; ${sum(({ running }) => running)} run or wait now.`;
}
