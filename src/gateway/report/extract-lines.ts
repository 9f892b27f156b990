import { instantOf } from '../../kube/instant.ts';
import { EXTRACT_VERSION, type ExtractLine } from '../../report/extract.ts';
import type { ClassroomRecord } from '../identity/seat.ts';
import type { ReportDays, ReportReader } from '../ledger/report-reader.ts';
import { type AskedHours, firstKeptDay, hoursOf, upToTomorrow } from './report-days.ts';

export interface ExtractOptions {
  readonly reports: ReportReader;
  readonly classroom: Pick<ClassroomRecord, 'key' | 'name' | 'timeZone'>;
  readonly days: ReportDays;
  /** Epoch ms. */
  readonly nowMs: number;
}

/** A week: of ten engines, it is read in some ten milliseconds. */
const HOURS_AT_ONCE = 7 * 24;

/**
 * What the account holds of a class, a student or a week of engines at a time. Students without anything on these days are left out.
 *
 * @throws JournalUnavailableError the account cannot be read (any more)
 */
export async function* extractLines(options: ExtractOptions): AsyncGenerator<ExtractLine, void, void> {
  const { reports, classroom, days, nowMs } = options;
  const { key, name, timeZone } = classroom;
  const booked = upToTomorrow(days, timeZone, nowMs);
  const students = await reports.studentsOf(key);
  const keptFrom = firstKeptDay(reports.keptDays, timeZone, nowMs);
  const isCut =
    (days.from ?? '') < keptFrom && students.some(({ firstDay = keptFrom }) => firstDay < keptFrom);
  yield {
    kind: 'class',
    version: EXTRACT_VERSION,
    namespace: key.slice(0, key.indexOf('/')),
    classroom: name,
    timeZone,
    from: days.from ?? null,
    to: days.to,
    keptFrom: isCut ? keptFrom : null,
    asOf: instantOf(nowMs),
  };
  let told = 0;
  for (const student of students) {
    const { usage, active } = await reports.studentRows(key, student, booked);
    if (usage.length + active.length === 0) continue;
    told += 1;
    yield { kind: 'student', student: student.id, usage: [...usage], active: [...active] };
  }
  yield* engineLines(reports, key, hoursOf(booked, timeZone));
  yield { kind: 'end', students: told };
}

async function* engineLines(
  reports: ReportReader,
  classroomKey: string,
  asked: AskedHours,
): AsyncGenerator<ExtractLine, void, void> {
  const first = await reports.firstEngineHour(classroomKey, asked.to);
  if (first === undefined) return;
  for (let from = Math.max(first, asked.from ?? first); from <= asked.to; from += HOURS_AT_ONCE) {
    const to = Math.min(from + HOURS_AT_ONCE - 1, asked.to);
    const hours = await reports.engineRows(classroomKey, { from, to });
    if (hours.length > 0) yield { kind: 'engines', hours: [...hours] };
  }
}
