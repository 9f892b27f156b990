import { stringify } from 'csv-stringify/sync';
import type { PeriodFigures, Report, StudentFigures } from './report.ts';

/** Columns may be added behind the last. */
const COLUMNS = [
  'day',
  'session',
  'student',
  'name',
  'requests',
  'completed',
  'refused',
  'unanswered',
  'interrupted',
  'client_left',
  'throttled',
  'prompt_tokens',
  'cached_tokens',
  'completion_tokens',
  'total_tokens',
  'active_minutes',
  'queue_wait_ms_mean',
  'queue_wait_ms_max',
  'first_token_ms_mean',
  'first_token_ms_max',
  'models',
  'group',
] as const;

/** Who has not asked is in no period but the whole course. */
const WHOLE_COURSE = { day: null, session: null };

/**
 * One row for each period and student; by course also for each who has not asked. A name that a spreadsheet would take for a formula is marked as text.
 *
 * @param bom whether it begins with a byte order mark, for spreadsheets
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function reportCsv({ by, periods, notAsked }: Report, { bom }: { readonly bom: boolean }): string {
  const rows = periods.flatMap((period) => period.students.map((student) => rowOf(period, student)));
  const idle = by === 'course' ? (notAsked ?? []).map((student) => rowOf(WHOLE_COURSE, student)) : [];
  return stringify([COLUMNS, ...rows, ...idle], { bom, escape_formulas: true, record_delimiter: 'windows' });
}

function rowOf(
  { day, session }: Pick<PeriodFigures, 'day' | 'session'>,
  student: StudentFigures,
): (string | number | null)[] {
  return [
    day,
    session,
    student.student,
    student.name ?? '',
    student.requests,
    student.completed,
    student.refused,
    student.unanswered,
    student.interrupted,
    student.clientLeft,
    student.throttled,
    student.promptTokens,
    student.cachedTokens,
    student.completionTokens,
    student.totalTokens,
    student.activeMinutes,
    student.queueWaitMsMean,
    student.queueWaitMsMax,
    student.firstTokenMsMean,
    student.firstTokenMsMax,
    student.models.join(' '),
    student.group ?? '',
  ];
}
