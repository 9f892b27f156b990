import type { StudentQuota } from '../../api/student-quota.ts';
import { type FieldChange, ownValues, type RosterDifference } from '../../student/roster/difference.ts';
import type { RosterFault } from '../../student/roster/read.ts';
import type { Colours } from '../colours.ts';
import { textTable } from '../text-table.ts';

/** What `enroll -o json` prints: what the roster changes, student by student. */
export interface EnrolmentReport {
  readonly class: string;
  readonly namespace: string;
  /** Whether the changes were made; false with `--dry-run`. */
  readonly applied: boolean;
  readonly added: readonly StudentLine[];
  readonly changed: readonly ChangedLine[];
  readonly removed: readonly StudentLine[];
  /** Not in the roster, and left as they are, for want of `--prune`. */
  readonly unlisted: readonly StudentLine[];
  readonly unchanged: number;
}

interface StudentLine {
  readonly id: string;
  readonly name?: string;
  readonly group?: string;
  /** Name of the StudentQuota. */
  readonly seat: string;
  /** What the student has otherwise than the class. */
  readonly own: ReturnType<typeof ownValues>;
}

interface ChangedLine extends StudentLine {
  /** Null: as the class has it. */
  readonly changes: readonly {
    readonly field: string;
    readonly from: string | number | null;
    readonly to: string | number | null;
  }[];
}

/** @param prune whether seats that the roster does not list go */
export function enrolmentReport(
  { added, changed, unchanged, unlisted }: RosterDifference,
  classroom: { readonly name: string; readonly namespace: string },
  { prune, applied }: { readonly prune: boolean; readonly applied: boolean },
): EnrolmentReport {
  return {
    class: classroom.name,
    namespace: classroom.namespace,
    applied,
    added: added.map(studentLine),
    changed: changed.map(({ seat, changes }) => ({ ...studentLine(seat), changes: changes.map(written) })),
    removed: prune ? unlisted.map(studentLine) : [],
    unlisted: prune ? [] : unlisted.map(studentLine),
    unchanged: unchanged.length,
  };
}

function studentLine(seat: StudentQuota): StudentLine {
  const { metadata, spec } = seat;
  const { id, displayName, group } = spec.student;
  return {
    id,
    ...(displayName === undefined ? {} : { name: displayName }),
    ...(group === undefined ? {} : { group }),
    seat: metadata.name,
    own: ownValues(seat),
  };
}

function written({ field, from, to }: FieldChange): ChangedLine['changes'][number] {
  return { field, from: from ?? null, to: to ?? null };
}

/** The difference for a trainer: a line for each student who is not as before. */
export function enrolmentTable(report: EnrolmentReport, { green, yellow, red, dim }: Colours): string {
  const lines = [
    ...report.added.map((one) => [green('new'), one.id, detailsOf(one)]),
    ...report.changed.map((one) => [yellow('changed'), one.id, changesText(one)]),
    ...report.removed.map((one) => [red('removed'), one.id, detailsOf(one)]),
    ...report.unlisted.map((one) => [dim('unlisted'), one.id, 'not in the roster; stays without --prune']),
  ];
  return lines.length === 0 ? '' : textTable(['CHANGE', 'STUDENT', 'DETAILS'], lines);
}

function detailsOf({ name, group, own }: StudentLine): string {
  const limits = Object.entries(own).map(([field, value]) => `${field} ${value}`);
  const parts = [name, group === undefined ? undefined : `group ${group}`, ...limits];
  return parts.filter((part) => part !== undefined).join(', ') || '<none>';
}

function changesText({ changes }: ChangedLine): string {
  return changes
    .map(({ field, from, to }) => `${field} ${from ?? '<class>'} → ${to ?? '<class>'}`)
    .join(', ');
}

/** What was or would be done, in a sentence. */
export function enrolmentSummary(report: EnrolmentReport): string {
  const { added, changed, removed, unlisted, unchanged } = report;
  const counts = [
    [added.length, 'new'],
    [changed.length, 'changed'],
    [removed.length, 'removed'],
    [unchanged, 'as before'],
    [unlisted.length, 'not in the roster'],
  ] as const;
  const parts = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `Class ${report.class}: ${parts.join(', ')}${report.applied ? '' : ' (dry run: nothing was changed)'}.`;
}

/** As many as people read; the rest is counted. */
const FAULTS_SHOWN = 30;

/** Faults of a roster, a line each: `line 7, column C (tokensPerDay): must be …`. */
export function faultLines(faults: readonly RosterFault[]): string[] {
  const more = faults.length - FAULTS_SHOWN;
  return [...faults.slice(0, FAULTS_SHOWN).map(faultLine), ...(more > 0 ? [`and ${more} more`] : [])];
}

function faultLine({ line, column, message }: RosterFault): string {
  const place = [line === undefined ? '' : `line ${line}`, column === undefined ? '' : `column ${column}`];
  const where = place.filter((part) => part !== '').join(', ');
  return where === '' ? `it ${message}` : `${where}: ${message}`;
}
