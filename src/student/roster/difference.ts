import { API_GROUP_VERSION } from '../../api/group.ts';
import { APP_NAME, LABELS } from '../../api/labels.ts';
import { type StudentQuota, studentQuotaSpecSchema } from '../../api/student-quota.ts';
import { isJsonObject } from '../../json/object.ts';
import { seatName } from '../seat-name.ts';
import { type CellValue, columnOf, ROSTER_FIELDS, type RosterField } from './columns.ts';
import { type RosterFault, type RosterRow, specOf } from './read.ts';

/** Value of the label managed-by on seats that were made from a roster. */
const ROSTER_MANAGER = 'kubectl-classroom';

/** A field of a seat that the roster has otherwise; undefined: as the class has it. */
export interface FieldChange {
  readonly field: RosterField;
  readonly from: CellValue | undefined;
  readonly to: CellValue | undefined;
}

export interface SeatChange {
  readonly seat: StudentQuota;
  readonly changes: readonly FieldChange[];
  /** JSON merge patch that makes the seat so; it touches no other field. */
  readonly patch: { readonly spec: Record<string, unknown> };
}

/** What it takes to make the seats of a class those of a roster. */
export interface RosterDifference {
  readonly added: readonly StudentQuota[];
  readonly changed: readonly SeatChange[];
  readonly unchanged: readonly StudentQuota[];
  /** Seats of the class that the roster does not list. */
  readonly unlisted: readonly StudentQuota[];
  /** Rows that cannot have a seat. */
  readonly faults: readonly RosterFault[];
}

/**
 * Compares a roster with the seats there are. A field whose column the roster lacks stays as it is; an empty cell means
 * that the student has nothing of their own there. Pure.
 *
 * @param seats all of the namespace: those of other classes hold names, too
 */
export function rosterDifference(
  rows: readonly RosterRow[],
  classroom: { readonly name: string; readonly namespace: string },
  seats: readonly StudentQuota[],
): RosterDifference {
  const ofClass = seats.filter(({ spec }) => spec.classroomRef.name === classroom.name);
  const byId = new Map(ofClass.map((seat) => [seat.spec.student.id, seat]));
  const takenNames = new Map(seats.map((seat) => [seat.metadata.name, seat]));
  const added: StudentQuota[] = [];
  const changed: SeatChange[] = [];
  const unchanged: StudentQuota[] = [];
  const faults: RosterFault[] = [];
  for (const row of rows) {
    const seat = byId.get(row.id);
    if (seat !== undefined) {
      const changes = changesOf(seat, row);
      if (changes.length === 0) unchanged.push(seat);
      else changed.push({ seat, changes, patch: { spec: patchOf(changes) } });
      continue;
    }
    const made = newSeat(row, classroom);
    const holder = takenNames.get(made.metadata.name);
    if (holder === undefined) {
      added.push(made);
      takenNames.set(made.metadata.name, made);
    } else faults.push({ line: row.line, message: nameTaken(row.id, holder) });
  }
  const listed = new Set(rows.map(({ id }) => id));
  const unlisted = ofClass.filter(({ spec }) => !listed.has(spec.student.id));
  return { added, changed, unchanged, unlisted, faults };
}

function nameTaken(id: string, { metadata, spec }: StudentQuota): string {
  return `the seat of '${id}' would be called ${metadata.name}, as that of '${spec.student.id}' in the class ${spec.classroomRef.name} is: put the classes into namespaces of their own, or delete that seat`;
}

function newSeat(
  { id, values }: RosterRow,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): StudentQuota {
  const { student, ...rest } = specOf(values);
  return {
    apiVersion: API_GROUP_VERSION,
    kind: 'StudentQuota',
    metadata: {
      name: seatName(name, id),
      namespace,
      labels: { [LABELS.partOf]: APP_NAME, [LABELS.managedBy]: ROSTER_MANAGER, [LABELS.classroom]: name },
    },
    spec: studentQuotaSpecSchema.parse({
      classroomRef: { name },
      student: { id, ...(isJsonObject(student) ? student : {}) },
      ...rest,
    }),
  };
}

function changesOf(seat: StudentQuota, { values }: RosterRow): FieldChange[] {
  return [...values].flatMap(([field, given]) => {
    const from = valueIn(seat, field);
    const to = given ?? DEFAULTS[field];
    return isSame(field, from, to) ? [] : [{ field, from, to }];
  });
}

/** What the API server fills in where a seat says nothing. */
const DEFAULTS: Readonly<Partial<Record<RosterField, CellValue>>> = { weight: 1, access: 'Active' };

function valueIn({ spec }: StudentQuota, field: RosterField): CellValue | undefined {
  let value: unknown = spec;
  for (const name of columnOf(field).path)
    value = isJsonObject(value) && name !== undefined ? value[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

/** What a seat has of its own besides name and group, by field. */
export function ownValues(seat: StudentQuota): Partial<Record<RosterField, CellValue>> {
  const shown = ROSTER_FIELDS.filter((field) => !['id', 'name', 'group'].includes(field));
  const own = shown.flatMap((field) => {
    const value = valueIn(seat, field);
    return value === undefined || value === DEFAULTS[field] ? [] : [[field, value] as const];
  });
  return Object.fromEntries(own);
}

/** One instant can be written in many ways. */
function isSame(field: RosterField, from: CellValue | undefined, to: CellValue | undefined): boolean {
  if (from === to) return true;
  if (field !== 'expiresAt' || from === undefined || to === undefined) return false;
  return Date.parse(String(from)) === Date.parse(String(to));
}

/** In a merge patch null takes a field away. */
function patchOf(changes: readonly FieldChange[]): Record<string, unknown> {
  return specOf(new Map(changes.map(({ field, to }) => [field, to ?? null])));
}
