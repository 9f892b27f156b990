import { API_GROUP_VERSION } from '../../api/group.ts';
import type { FieldIssue } from '../../api/issue.ts';
import { parseStudentQuota } from '../../api/parse.ts';
import { closest } from '../../command-line/closest.ts';
import {
  type CellValue,
  columnLetters,
  columnOf,
  fieldNamed,
  ROSTER_FIELDS,
  type RosterField,
  type RosterSetting,
} from './columns.ts';
import { type CsvRow, csvRows } from './csv.ts';
import { textOf } from './text.ts';

/** What a roster says of one student. */
export interface RosterRow {
  readonly line: number;
  readonly id: string;
  /** By field, those whose column is there but `id`; undefined: the cell is empty. */
  readonly values: ReadonlyMap<RosterField, CellValue | undefined>;
}

/** Something in a roster that cannot be used, and where. */
export interface RosterFault {
  /** Counted from 1; absent where it concerns the file as a whole. */
  readonly line?: number | undefined;
  /** As spreadsheets and the header call it: `C (tokensPerDay)`. */
  readonly column?: string | undefined;
  readonly message: string;
}

export type ParsedRoster =
  | { readonly ok: true; readonly rows: readonly RosterRow[] }
  /** Everything that is wrong; never empty. */
  | { readonly ok: false; readonly faults: readonly RosterFault[] };

export interface RosterOptions extends RosterSetting {
  /** Headers of columns to pass over. */
  readonly ignoreColumns?: readonly string[];
}

/**
 * Reads a roster: CSV with a header, a student in each row. All that is wrong is told at once; a roster with a fault has
 * no rows, so that nobody enrols half a class.
 *
 * @param bytes of the file, as the spreadsheet saved it
 */
export function readRoster(bytes: Uint8Array, options: RosterOptions): ParsedRoster {
  const text = textOf(bytes);
  if (typeof text !== 'string') return { ok: false, faults: [text] };
  const rows = csvRows(text);
  if ('message' in rows) return { ok: false, faults: [rows] };
  const [header, ...rest] = rows;
  if (header === undefined) return { ok: false, faults: [{ message: 'is empty' }] };
  const { columns, faults } = readHeader(header, options.ignoreColumns ?? []);
  // Without a sound header, each row would be wrong in the same way.
  if (faults.length > 0) return { ok: false, faults };
  if (rest.length === 0) return { ok: false, faults: [{ message: 'has a header and no student' }] };
  return readRows(rest, { names: header.cells, columns }, options);
}

/** A column that counts. */
interface HeaderColumn {
  readonly place: number;
  readonly field: RosterField;
  /** For messages. */
  readonly title: string;
}

interface Header {
  /** All cells of it, also those of columns that do not count. */
  readonly names: readonly string[];
  readonly columns: readonly HeaderColumn[];
}

function readHeader(
  { line, cells }: CsvRow,
  ignore: readonly string[],
): { columns: readonly HeaderColumn[]; faults: readonly RosterFault[] } {
  const columns: HeaderColumn[] = [];
  const faults: RosterFault[] = [];
  cells.forEach((cell, place) => {
    // Spreadsheets write separators for columns that nobody uses.
    if (cell === '' || ignore.some((ignored) => ignored.toLowerCase() === cell.toLowerCase())) return;
    const column = `${columnLetters(place)} (${cell})`;
    const field = fieldNamed(cell);
    const twin = columns.find((other) => other.field === field);
    if (field === undefined) faults.push({ line, column, message: unknownColumn(cell) });
    else if (twin !== undefined)
      faults.push({ line, column, message: `is the same as column ${twin.title}` });
    else columns.push({ place, field, title: column });
  });
  if (!columns.some(({ field }) => field === 'id')) {
    faults.push({
      line,
      message: "has no column 'id': the first line must name the columns, such as id,name,group",
    });
  }
  return { columns, faults };
}

function unknownColumn(header: string): string {
  const meant = closest(header, ROSTER_FIELDS);
  const advice = meant === undefined ? `there is ${ROSTER_FIELDS.join(', ')}` : `did you mean ${meant}?`;
  return `is no column of a roster: ${advice} (to pass over it: --ignore-columns '${header}')`;
}

function readRows(rows: readonly CsvRow[], header: Header, setting: RosterSetting): ParsedRoster {
  const read = rows.map((row) => readRow(row, header, setting));
  const whole = read.flatMap(({ row }) => (row === undefined ? [] : [row]));
  const faults = [...read.flatMap(({ faults }) => faults), ...repeatedIds(whole, header)];
  if (faults.length === 0) return { ok: true, rows: whole };
  return { ok: false, faults: faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

interface ReadRow {
  readonly row?: RosterRow;
  readonly faults: readonly RosterFault[];
}

function readRow({ line, cells }: CsvRow, header: Header, setting: RosterSetting): ReadRow {
  const { columns } = header;
  const values = new Map<RosterField, CellValue | undefined>();
  const faults: RosterFault[] = [];
  for (const { place, field, title } of columns) {
    const cell = cells[place] ?? '';
    const read = cell === '' ? { value: undefined } : columnOf(field).read(cell, setting);
    if ('fault' in read) faults.push({ line, column: title, message: faultOf(cell, read.fault) });
    else values.set(field, read.value);
  }
  faults.push(...schemaFaults(line, values, columns), ...strayCells({ line, cells }, header));
  const id = values.get('id');
  values.delete('id');
  return typeof id === 'string' ? { row: { line, id, values }, faults } : { faults };
}

function faultOf(cell: string, message: string): string {
  return cell === '' ? message : `${message}, not '${cell}'`;
}

/** What the API says of the values, in the words of the roster. */
function schemaFaults(
  line: number,
  values: ReadonlyMap<RosterField, CellValue | undefined>,
  columns: readonly HeaderColumn[],
): RosterFault[] {
  const parsed = parseStudentQuota({
    apiVersion: API_GROUP_VERSION,
    kind: 'StudentQuota',
    metadata: { name: 'roster' },
    spec: { classroomRef: { name: 'roster' }, ...specOf(values) },
  });
  if (parsed.ok) return [];
  return parsed.issues.flatMap((issue) => {
    const column = columns.find(({ field }) => issue.path === `spec.${columnOf(field).path.join('.')}`);
    // A cell that cannot be read has been told of already.
    if (column === undefined || !values.has(column.field)) return [];
    const { field, title } = column;
    return [
      { line, column: title, message: faultOf(String(values.get(field) ?? ''), messageOf(issue, field)) },
    ];
  });
}

function messageOf({ message }: FieldIssue, field: RosterField): string {
  const { rule } = columnOf(field);
  return message === 'must be set' || rule === undefined ? message : rule;
}

/** A separator within a cell without quotation marks moves all that follows. */
function strayCells({ line, cells }: CsvRow, { names }: Header): RosterFault[] {
  return cells.flatMap((cell, place) => {
    if (cell === '' || (names[place] ?? '') !== '') return [];
    const message = `the header names no such column, and here is '${cell}': a cell with a separator in it must be in quotation marks`;
    return [{ line, column: columnLetters(place), message }];
  });
}

function repeatedIds(rows: readonly RosterRow[], { columns }: Header): RosterFault[] {
  const title = columns.find(({ field }) => field === 'id')?.title;
  const firstLines = new Map<string, number>();
  return rows.flatMap(({ id, line }) => {
    const first = firstLines.get(id);
    if (first === undefined) {
      firstLines.set(id, line);
      return [];
    }
    return [
      {
        line,
        column: title,
        message: `'${id}' is in line ${first} already: a student has one seat in a class`,
      },
    ];
  });
}

/** The part of a seat's spec that a roster says, for values that are there. */
export function specOf(
  values: ReadonlyMap<RosterField, CellValue | null | undefined>,
): Record<string, unknown> {
  const spec: Record<string, unknown> = {};
  const inner = new Map<string, Record<string, unknown>>();
  for (const [field, value] of values) {
    if (value === undefined) continue;
    const [outer, name] = columnOf(field).path;
    if (name === undefined) spec[outer] = value;
    else inner.set(outer, { ...inner.get(outer), [name]: value });
  }
  return { ...spec, ...Object.fromEntries(inner) };
}
