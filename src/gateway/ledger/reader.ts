import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { LimitJournal, OpenLease, SubjectState } from '../limits/journal.ts';
import { OUTSIDE_SESSIONS_MS } from './batch.ts';
import { usageByModel } from './model-usage.ts';
import type { Names } from './names.ts';
import type { Student, StudentUsage, UsageDays } from './usage-reader.ts';

/** Reads what was committed to a ledger. What SQLite throws is passed on. */
export interface LedgerReader {
  load(): ReturnType<LimitJournal['load']>;
  usageOf(student: Student, days: UsageDays): StudentUsage;
  /** A row of this subject and day is written to. */
  onBooked(subject: number, day: string): void;
}

const SELECT_SUBJECTS = `SELECT classroom AS classroomKey, student, request_tat_ms AS requestTatMs, tokens,
  tokens_at_ms AS tokensAtMs, day, day_tokens AS dayTokens, total_tokens AS totalTokens
  FROM subjects WHERE request_tat_ms IS NOT NULL`;

const SELECT_LEASES = `SELECT leases.id, classroom AS classroomKey, student AS studentId, name AS model,
  admitted_ms AS admittedMs, expected_prompt_tokens AS expectedPromptTokens, student_reserved AS studentReserved,
  classroom_reserved AS classroomReserved, leases.day, leases.session_ms AS sessionMs
  FROM leases JOIN subjects ON subjects.id = leases.subject JOIN models ON models.id = leases.model
  ORDER BY admitted_ms`;

const SUMS = `sum(requests) AS requests, sum(prompt_tokens) AS promptTokens, sum(cached_tokens) AS cachedTokens,
  sum(completion_tokens) AS completionTokens, sum(queue_wait_ms_sum) AS queueWaitMs FROM entries JOIN models ON models.id = entries.model`;

/** A day later than today is one of a class whose time zone was changed. */
const SELECT_WEEK = `SELECT name AS model, iif(day >= ?, 'today', 'week') AS period, outcome, ${SUMS}
  WHERE subject = ? AND day >= ? GROUP BY name, period, outcome`;

const SELECT_BEFORE = `SELECT name AS model, 'before' AS period, outcome, ${SUMS}
  WHERE subject = ? AND day < ? GROUP BY name, outcome`;

const subjectRowSchema = z
  .object({
    classroomKey: z.string(),
    student: z.string(),
    requestTatMs: z.number(),
    tokens: z.number(),
    tokensAtMs: z.number(),
    day: z.string(),
    dayTokens: z.int(),
    totalTokens: z.int(),
  })
  .transform(
    ({ student, ...state }): SubjectState => (student === '' ? state : { ...state, studentId: student }),
  );

const leaseRowSchema = z
  .object({
    id: z.string(),
    classroomKey: z.string(),
    studentId: z.string(),
    model: z.string(),
    admittedMs: z.number(),
    expectedPromptTokens: z.int(),
    studentReserved: z.number(),
    classroomReserved: z.number(),
    day: z.string(),
    sessionMs: z.int(),
  })
  .transform(
    ({ sessionMs, ...lease }): OpenLease =>
      sessionMs === OUTSIDE_SESSIONS_MS ? lease : { ...lease, sessionStartMs: sessionMs },
  );

const usageRowSchema = z.object({
  model: z.string(),
  period: z.enum(['today', 'week', 'before']),
  outcome: z.string(),
  requests: z.int(),
  promptTokens: z.int(),
  cachedTokens: z.int(),
  completionTokens: z.int(),
  queueWaitMs: z.number(),
});
type UsageRow = z.infer<typeof usageRowSchema>;
const usageRowsSchema = z.array(usageRowSchema);

/** Prepares the queries of an open ledger. */
export function createLedgerReader(db: DatabaseSync, names: Names): LedgerReader {
  const selectWeek = db.prepare(SELECT_WEEK);
  const selectBefore = db.prepare(SELECT_BEFORE);
  const before = new Map<number, { readonly weekStart: string; readonly rows: readonly UsageRow[] }>();

  /** A student may ask all the time, and hundreds of rows of past weeks hardly ever change. */
  const rowsBefore = (subject: number, weekStart: string): readonly UsageRow[] => {
    const known = before.get(subject);
    if (known?.weekStart === weekStart) return known.rows;
    const rows = usageRowsSchema.parse(selectBefore.all(subject, weekStart));
    before.set(subject, { weekStart, rows });
    return rows;
  };

  return {
    load: () => ({
      subjects: z.array(subjectRowSchema).parse(db.prepare(SELECT_SUBJECTS).all()),
      leases: z.array(leaseRowSchema).parse(db.prepare(SELECT_LEASES).all()),
    }),
    usageOf(student, { today, weekStart }) {
      const subject = names.knownSubject(student);
      if (subject === undefined) return usageOf([]);
      const week = usageRowsSchema.parse(selectWeek.all(today, subject, weekStart));
      return usageOf([...week, ...rowsBefore(subject, weekStart)]);
    },
    onBooked(subject, day) {
      if (day < (before.get(subject)?.weekStart ?? '')) before.delete(subject);
    },
  };
}

function usageOf(rows: readonly UsageRow[]): StudentUsage {
  return {
    today: usageByModel(rows.filter(({ period }) => period === 'today')),
    week: usageByModel(rows.filter(({ period }) => period !== 'before')),
    total: usageByModel(rows),
  };
}
