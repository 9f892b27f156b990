import type { ActiveRow, EngineRow, UsageRow } from '../../report/extract.ts';
import type { Student } from './usage-reader.ts';

/** Local days, the last one included; without a first one from where the account begins. */
export interface ReportDays {
  readonly from: string | undefined;
  readonly to: string;
}

/** UTC hours since the epoch, the last one included. */
export interface ReportHours {
  readonly from: number | undefined;
  readonly to: number;
}

/**
 * Reads the account for a report, a student at a time: so that whoever reads a whole term lets others have their turn.
 *
 * All methods throw JournalUnavailableError when the account cannot be read.
 */
export interface ReportReader {
  /** Ids of the students who ever asked, by id. */
  studentsOf(classroomKey: string): Promise<readonly string[]>;
  usageRows(student: Student, days: ReportDays): Promise<readonly UsageRow[]>;
  activeRows(student: Student, days: ReportDays): Promise<readonly ActiveRow[]>;
  engineRows(classroomKey: string, hours: ReportHours): Promise<readonly EngineRow[]>;
}
