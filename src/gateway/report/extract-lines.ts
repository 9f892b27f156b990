import { instantOf } from '../../kube/instant.ts';
import { EXTRACT_VERSION, type ExtractLine } from '../../report/extract.ts';
import type { ClassroomRecord } from '../identity/seat.ts';
import type { ReportDays, ReportReader } from '../ledger/report-reader.ts';
import { hoursOf, upToTomorrow } from './report-days.ts';

export interface ExtractOptions {
  readonly reports: ReportReader;
  readonly classroom: Pick<ClassroomRecord, 'key' | 'name' | 'timeZone'>;
  readonly days: ReportDays;
  /** Epoch ms. */
  readonly nowMs: number;
}

/**
 * What the account holds of a class, a student at a time. Students without anything on these days are left out.
 *
 * @throws JournalUnavailableError the account cannot be read (any more)
 */
export async function* extractLines(options: ExtractOptions): AsyncGenerator<ExtractLine, void, void> {
  const { reports, classroom, days, nowMs } = options;
  const { key, name, timeZone } = classroom;
  const booked = upToTomorrow(days, timeZone, nowMs);
  const students = await reports.studentsOf(key);
  yield {
    kind: 'class',
    version: EXTRACT_VERSION,
    namespace: key.slice(0, key.indexOf('/')),
    classroom: name,
    timeZone,
    from: days.from ?? null,
    to: days.to,
    asOf: instantOf(nowMs),
  };
  let told = 0;
  for (const student of students) {
    const { usage, active } = await reports.studentRows(key, student, booked);
    if (usage.length + active.length === 0) continue;
    told += 1;
    yield { kind: 'student', student: student.id, usage: [...usage], active: [...active] };
  }
  const hours = await reports.engineRows(key, hoursOf(booked, timeZone));
  yield { kind: 'engines', hours: [...hours] };
  yield { kind: 'end', students: told };
}
