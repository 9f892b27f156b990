import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { activeRowSchema, type EngineRow, engineRowSchema, usageRowSchema } from '../../report/extract.ts';
import { OUTSIDE_SESSIONS_MS } from './batch.ts';
import type { Names } from './names.ts';
import type { AccountStudent, ReportDays, ReportHours, StudentRows } from './report-reader.ts';

/** A {@link ReportReader} on SQLite. What SQLite throws is passed on. */
export interface ReportQueries {
  studentsOf(classroomKey: string): readonly AccountStudent[];
  studentRows(classroomKey: string, student: AccountStudent, days: ReportDays): StudentRows;
  firstEngineHour(classroomKey: string, to: number): number | undefined;
  engineRows(classroomKey: string, hours: ReportHours): readonly EngineRow[];
}

const STUDENTS = "SELECT student AS id FROM subjects WHERE classroom = ? AND student <> '' ORDER BY student";

const SESSION = `iif(session_ms = ${OUTSIDE_SESSIONS_MS}, NULL,
  strftime('%Y-%m-%dT%H:%M:%SZ', session_ms / 1000, 'unixepoch')) AS session`;

const USAGE = `SELECT day, ${SESSION}, name AS model, outcome, sum(requests) AS requests,
  sum(prompt_tokens) AS promptTokens, sum(cached_tokens) AS cachedTokens, sum(completion_tokens) AS completionTokens,
  sum(queue_wait_ms_sum) AS queueWaitMsSum, max(queue_wait_ms_max) AS queueWaitMsMax,
  sum(first_token_count) AS firstTokenCount, sum(first_token_ms_sum) AS firstTokenMsSum,
  max(first_token_ms_max) AS firstTokenMsMax
  FROM entries JOIN models ON models.id = entries.model
  WHERE subject = ? AND day BETWEEN ? AND ?
  GROUP BY day, session_ms, name, outcome ORDER BY day, session_ms, name, outcome`;

const ACTIVE = `SELECT day, ${SESSION}, hour, early, late FROM active_minutes
  WHERE subject = ? AND day BETWEEN ? AND ? ORDER BY day, session_ms, hour`;

const ENGINES = `SELECT engine, hour, gpus, running_early AS runningEarly, running_late AS runningLate,
  used_early AS usedEarly, used_late AS usedLate
  FROM engine_hours WHERE classroom = ? AND hour BETWEEN ? AND ? ORDER BY hour, engine`;

const FIRST_ENGINE_HOUR = 'SELECT min(hour) AS hour FROM engine_hours WHERE classroom = ? AND hour <= ?';

const firstHourSchema = z.object({ hour: z.int().nullable() });
const studentRowsSchema = z.array(z.object({ id: z.string() }));
const usageRowsSchema = z.array(usageRowSchema);
const activeRowsSchema = z.array(activeRowSchema);
const engineRowsSchema = z.array(
  z
    .object({
      engine: z.string(),
      hour: z.int(),
      gpus: z.number(),
      runningEarly: z.int(),
      runningLate: z.int(),
      usedEarly: z.int(),
      usedLate: z.int(),
    })
    .transform(({ runningEarly, runningLate, usedEarly, usedLate, ...row }) => ({
      ...row,
      running: { early: runningEarly, late: runningLate },
      used: { early: usedEarly, late: usedLate },
    }))
    .pipe(engineRowSchema),
);

/** Before all days, as text. */
const FIRST_DAY = '';

/** Prepares the queries of an open ledger. */
export function createReportQueries(db: DatabaseSync, names: Names): ReportQueries {
  const students = db.prepare(STUDENTS);
  const usage = db.prepare(USAGE);
  const active = db.prepare(ACTIVE);
  const engines = db.prepare(ENGINES);
  const firstEngineHour = db.prepare(FIRST_ENGINE_HOUR);
  return {
    studentsOf: (classroomKey) => studentRowsSchema.parse(students.all(classroomKey)),
    studentRows(classroomKey, { id }, { from = FIRST_DAY, to }) {
      const subject = names.knownSubject({ classroomKey, studentId: id });
      if (subject === undefined) return { usage: [], active: [] };
      return {
        usage: usageRowsSchema.parse(usage.all(subject, from, to)),
        active: activeRowsSchema.parse(active.all(subject, from, to)),
      };
    },
    firstEngineHour: (classroomKey, to) =>
      firstHourSchema.parse(firstEngineHour.get(classroomKey, to)).hour ?? undefined,
    engineRows: (classroomKey, { from, to }) => engineRowsSchema.parse(engines.all(classroomKey, from, to)),
  };
}
