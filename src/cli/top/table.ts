import { counted } from '../status/counted.ts';
import { wrapped } from '../text-table.ts';
import type { StudentFigures } from './figures.ts';
import { type Rates, studentTable, type TableView } from './student-table.ts';

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

/** A moment as it is shown. */
export interface MomentView extends TableView {
  /** Lines of the screen; undefined: as many as are needed. */
  readonly rows: number | undefined;
}

/** A moment for people, no longer and no wider than the screen. */
export function momentText(
  { name, namespace, message, engines, students, note }: Moment,
  view: MomentView,
): string {
  const { rows, columns } = view;
  const said = [
    `${name} in ${namespace}: ${message}`,
    `Engines: ${engines.ready} of ${engines.wanted}. ${sumText(students)}`,
    ...(note === undefined ? [] : [note]),
  ];
  const head = [...said.flatMap((text) => linesOf(text, columns)), ''];
  if (students.length === 0) return [...head, 'Nobody is enrolled.', ''].join('\n');
  // The titles, and the line that says how many are left out.
  const room = rows === undefined ? students.length : Math.max(1, rows - head.length - 3);
  const left = students.length - Math.min(room, students.length);
  const table = studentTable(students.slice(0, room), view);
  return [...head, table, ...(left > 0 ? [`and ${left} more`] : []), ''].join('\n');
}

function linesOf(text: string, columns: number | undefined): string[] {
  return columns === undefined ? [text] : wrapped(text, { indent: 0, columns }).trimEnd().split('\n');
}

/** What is known of no student is not said. */
function sumText(students: readonly StudentFigures[]): string {
  const sum = (pick: (student: StudentFigures) => number | undefined): number | undefined => {
    const known = students.flatMap((student) => pick(student) ?? []);
    return known.length === 0 && students.length > 0 ? undefined : known.reduce((a, b) => a + b, 0);
  };
  const refused = sum((student) => student.refused);
  const running = sum((student) => student.running);
  const today = [
    counted(sum(({ requests }) => requests) ?? 0, 'request'),
    ...(refused === undefined ? [] : [`${refused} refused`]),
    counted(sum(({ tokens }) => tokens) ?? 0, 'token'),
  ];
  return `Today ${today.join(', ')}${running === undefined ? '' : `; ${running} run or wait now`}.`;
}
