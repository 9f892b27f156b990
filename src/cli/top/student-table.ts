import { oneLine } from '../one-line.ts';
import { textTable } from '../text-table.ts';
import type { StudentFigures } from './figures.ts';

/** Tokens a minute, by student. */
export type Rates = ReadonlyMap<string, number>;

/** How much room there is, and what there is to show. */
export interface TableView {
  /** Undefined: nobody has watched long enough. */
  readonly rates: Rates | undefined;
  /** Letters in a line of the screen; undefined: as many as are needed. */
  readonly columns: number | undefined;
}

interface Column {
  readonly title: string;
  /** Of what a narrow screen has no room for, the lowest goes first; undefined: it stays. */
  readonly goes?: number;
  readonly cell: (student: StudentFigures, rates: Rates) => string | number;
}

const UNKNOWN = '<unknown>';
const RATE_TITLE = 'PER MINUTE';

const COLUMNS: readonly Column[] = [
  { title: 'STUDENT', cell: ({ id }) => id },
  { title: 'RUNNING', cell: ({ running }) => running ?? UNKNOWN },
  { title: 'REQUESTS', cell: ({ requests }) => requests },
  { title: 'REFUSED', cell: ({ refused }) => refused ?? UNKNOWN },
  { title: 'MEAN WAIT', cell: waitText },
  { title: 'TOKENS IN', goes: 1, cell: ({ promptTokens }) => promptTokens ?? UNKNOWN },
  { title: 'TOKENS OUT', goes: 2, cell: ({ completionTokens }) => completionTokens ?? UNKNOWN },
  { title: 'TOKENS', cell: ({ tokens }) => tokens },
  { title: RATE_TITLE, goes: 4, cell: rateText },
  { title: 'LEFT TODAY', goes: 3, cell: leftText },
];
const MOST_GONE = Math.max(...COLUMNS.map(({ goes = 0 }) => goes));

/** A line for each student, with as many figures as fit in a line of the screen. */
export function studentTable(
  students: readonly StudentFigures[],
  { rates, columns: room = Number.POSITIVE_INFINITY }: TableView,
): string {
  const all = COLUMNS.filter(({ title }) => rates !== undefined || title !== RATE_TITLE);
  for (let gone = 0; ; gone++) {
    const shown = all.filter(({ goes = MOST_GONE + 1 }) => goes > gone);
    const table = textTable(
      shown.map(({ title }) => title),
      students.map((student) => shown.map(({ cell }) => cell(student, rates ?? new Map()))),
    );
    const lines = table.trimEnd().split('\n');
    if (gone === MOST_GONE || lines.every(({ length }) => length <= room)) {
      return lines.map((line) => oneLine(line, room)).join('\n');
    }
  }
}

/** In seconds; a dash where there is no complete answer today that could have waited. */
function waitText({ meanWaitMs, source }: StudentFigures): string {
  if (meanWaitMs !== undefined) return `${(meanWaitMs / 1000).toFixed(1)}s`;
  return source === 'Gateway' ? '-' : UNKNOWN;
}

function rateText({ id }: StudentFigures, rates: Rates): string | number {
  const rate = rates.get(id);
  return rate === undefined ? UNKNOWN : Math.round(rate);
}

function leftText({ tokensLeft, source }: StudentFigures): string | number {
  return tokensLeft ?? (source === 'Gateway' ? '<unlimited>' : UNKNOWN);
}
