import { z } from 'zod';
import type { ServerTable, TableRow } from '../cluster/server-table.ts';
import type { ObjectFormat } from '../objects-output.ts';
import { problems } from '../problems.ts';
import type { Query, Subject } from './subject.ts';

/** What `get` was asked to show, and how. */
export interface Look extends Query {
  readonly asked: Asked;
  readonly output: ObjectFormat;
}

/** How people may name an object: a seat by the id of its student, too. */
export interface Names {
  readonly name: string;
  readonly studentId: unknown;
}

/** What was asked for by name. */
export interface Asked {
  readonly subject: Subject;
  /** None: all of them. */
  readonly names: readonly string[];
  /** That is looked at; undefined: all. */
  readonly namespace: string | undefined;
  /** Whose students or engines; undefined: of all classes. */
  readonly classroom: string | undefined;
}

/** Whether this one was named; without names all of them are. */
export function isNamed({ names }: Pick<Asked, 'names'>, item: Names): boolean {
  return names.length === 0 || names.some((word) => isCalled(item, word));
}

/**
 * Those that were named; without names all of them.
 *
 * @throws CliError when a name belongs to none
 */
export function named<Item>(asked: Asked, items: readonly Item[], namesOf: (item: Item) => Names): Item[] {
  const { subject, names, namespace } = asked;
  const missing = names.filter((word) => !items.some((item) => isCalled(namesOf(item), word)));
  if (missing.length === 0) return items.filter((item) => isNamed(asked, namesOf(item)));
  const there = items.map((item) => namesOf(item).name);
  throw problems.notFound({ subject, names: missing, namespace, there });
}

function isCalled({ name, studentId }: Names, word: string): boolean {
  return name === word || studentId === word;
}

const seatSchema = z.object({ spec: z.object({ student: z.object({ id: z.string() }) }) });

/** Of an object as it is stored. */
export function namesOfObject(object: { readonly metadata: { readonly name: string } }): Names {
  return { name: object.metadata.name, studentId: seatSchema.safeParse(object).data?.spec.student.id };
}

/** Of a row whose object comes without its spec: the table has a column for the id. */
export function namesOfRow({
  columnDefinitions,
}: Pick<ServerTable, 'columnDefinitions'>): (row: TableRow) => Names {
  const idColumn = columnDefinitions.findIndex(({ name }) => name === 'Student');
  return ({ object, cells }) => ({ name: object.metadata.name, studentId: cells[idColumn] });
}

/** As kubectl says that there is nothing. */
export function nothingText({ asked: { subject, namespace, classroom } }: Look): string {
  const whose = classroom === undefined ? '' : ` of class "${classroom}"`;
  const place = namespace === undefined ? '' : ` in namespace "${namespace}"`;
  return `No ${subject}${whose} found${place}.\n`;
}
