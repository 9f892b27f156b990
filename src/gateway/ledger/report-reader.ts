import type { ActiveRow, EngineRow, UsageRow } from '../../report/extract.ts';

/** Local days, the last one included; without a first one from where the account begins. */
export interface ReportDays {
  readonly from: string | undefined;
  readonly to: string;
}

/** UTC hours since the epoch, the last one included. */
export interface ReportHours {
  readonly from: number;
  readonly to: number;
}

/** A student of the account. */
export interface AccountStudent {
  readonly id: string;
  /** No row is of an earlier day; undefined: not known. */
  readonly firstDay?: string | undefined;
}

/** What the account holds of one student and some days. */
export interface StudentRows {
  readonly usage: readonly UsageRow[];
  readonly active: readonly ActiveRow[];
}

/**
 * Reads the account for a report, a student or some hours at a time: so that whoever reads a whole term lets others have their turn.
 *
 * All methods throw JournalUnavailableError when the account cannot be read.
 */
export interface ReportReader {
  /** For how many days what was booked on a day is kept; undefined: for ever. */
  readonly keptDays: number | undefined;
  /** The students who ever asked, by id. */
  studentsOf(classroomKey: string): Promise<readonly AccountStudent[]>;
  studentRows(classroomKey: string, student: AccountStudent, days: ReportDays): Promise<StudentRows>;
  /** No hour of an engine up to `to` is earlier; undefined where there is none. Hours since the epoch. */
  firstEngineHour(classroomKey: string, to: number): Promise<number | undefined>;
  /** Of hours that are few: they are read at once. */
  engineRows(classroomKey: string, hours: ReportHours): Promise<readonly EngineRow[]>;
}
