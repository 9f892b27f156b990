import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { type OpenLease, type Subject, type SubjectState, subjectKeyOf } from '../limits/journal.ts';
import type { Batch, Booking } from './batch.ts';
import { WRITE_CHECK } from './database.ts';
import type { ModelUsage, Student, StudentUsage, UsageDays } from './usage-reader.ts';

/** The rows of a ledger. Every method throws SQLite's errors; {@link LedgerTables.write} then wrote nothing. */
export interface LedgerTables {
  load(): { readonly subjects: readonly SubjectState[]; readonly leases: readonly OpenLease[] };
  /** One transaction. */
  write(batch: Batch): void;
  /** Writes something, to see whether that works. */
  check(): void;
  usageOf(student: Student, days: UsageDays): StudentUsage;
}

const UPDATE_SUBJECT = `UPDATE subjects SET request_tat_ms = ?, tokens = ?, tokens_at_ms = ?, day = ?, day_tokens = ?,
  total_tokens = ? WHERE id = ?`;

const INSERT_LEASE = 'INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?)';

const BOOK = `INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET
    requests = requests + excluded.requests,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens,
    queue_wait_ms_sum = queue_wait_ms_sum + excluded.queue_wait_ms_sum,
    queue_wait_ms_max = max(queue_wait_ms_max, excluded.queue_wait_ms_max),
    first_token_count = first_token_count + excluded.first_token_count,
    first_token_ms_sum = first_token_ms_sum + excluded.first_token_ms_sum,
    first_token_ms_max = max(first_token_ms_max, excluded.first_token_ms_max)`;

const SELECT_SUBJECTS = `SELECT classroom AS classroomKey, student, request_tat_ms AS requestTatMs, tokens,
  tokens_at_ms AS tokensAtMs, day, day_tokens AS dayTokens, total_tokens AS totalTokens
  FROM subjects WHERE request_tat_ms IS NOT NULL`;

const SELECT_LEASES = `SELECT leases.id, classroom AS classroomKey, student AS studentId, name AS model,
  admitted_ms AS admittedMs, expected_prompt_tokens AS expectedPromptTokens, student_reserved AS studentReserved,
  classroom_reserved AS classroomReserved, leases.day
  FROM leases JOIN subjects ON subjects.id = leases.subject JOIN models ON models.id = leases.model
  ORDER BY admitted_ms`;

const SUMS = `sum(requests) AS requests, sum(prompt_tokens) AS promptTokens, sum(cached_tokens) AS cachedTokens,
  sum(completion_tokens) AS completionTokens FROM entries JOIN models ON models.id = entries.model`;

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

const leaseRowSchema = z.object({
  id: z.string(),
  classroomKey: z.string(),
  studentId: z.string(),
  model: z.string(),
  admittedMs: z.number(),
  expectedPromptTokens: z.int(),
  studentReserved: z.number(),
  classroomReserved: z.number(),
  day: z.string(),
});

const usageRowSchema = z.object({
  model: z.string(),
  period: z.enum(['today', 'week', 'before']),
  outcome: z.string(),
  requests: z.int(),
  promptTokens: z.int(),
  cachedTokens: z.int(),
  completionTokens: z.int(),
});
type UsageRow = z.infer<typeof usageRowSchema>;
const usageRowsSchema = z.array(usageRowSchema);

/** Prepares the statements of an open ledger that nobody else writes to. */
export function createLedgerTables(db: DatabaseSync): LedgerTables {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const check = db.prepare(WRITE_CHECK);
  const saveSubject = db.prepare(UPDATE_SUBJECT);
  const insertLease = db.prepare(INSERT_LEASE);
  const deleteLease = db.prepare('DELETE FROM leases WHERE id = ?');
  const book = db.prepare(BOOK);
  const selectWeek = db.prepare(SELECT_WEEK);
  const selectBefore = db.prepare(SELECT_BEFORE);
  const before = new Map<number, { readonly weekStart: string; readonly rows: readonly UsageRow[] }>();
  const subjects = createIds(
    db.prepare('INSERT INTO subjects (classroom, student) VALUES (?, ?)'),
    db.prepare(`SELECT id, classroom || char(10) || student AS key FROM subjects`),
  );
  const models = createIds(
    db.prepare('INSERT INTO models (name) VALUES (?)'),
    db.prepare('SELECT id, name AS key FROM models'),
  );

  const subjectId = (subject: Subject): number => {
    const key = subjectKeyOf(subject);
    return subjects.get(key) ?? subjects.add(key, subject.classroomKey, subject.studentId ?? '');
  };
  const modelId = (name: string): number => models.get(name) ?? models.add(name, name);

  const writeSubject = (state: SubjectState): void => {
    const { requestTatMs, tokens, tokensAtMs, day, dayTokens, totalTokens } = state;
    saveSubject.run(requestTatMs, tokens, tokensAtMs, day, dayTokens, totalTokens, subjectId(state));
  };
  const writeLease = (lease: OpenLease): void => {
    const { id, admittedMs, expectedPromptTokens, studentReserved, classroomReserved, day } = lease;
    const [subject, model] = [subjectId(lease), modelId(lease.model)];
    insertLease.run(
      id,
      subject,
      model,
      admittedMs,
      expectedPromptTokens,
      studentReserved,
      classroomReserved,
      day,
    );
  };
  const writeBooking = (booking: Booking): void => {
    const subject = subjectId(booking);
    if (booking.day < (before.get(subject)?.weekStart ?? '')) before.delete(subject);
    book.run(
      subject,
      booking.day,
      booking.hour,
      modelId(booking.model),
      booking.outcome,
      booking.requests,
      booking.promptTokens,
      booking.cachedTokens,
      booking.completionTokens,
      booking.queueWaitMsSum,
      booking.queueWaitMsMax,
      booking.firstTokenCount,
      booking.firstTokenMsSum,
      booking.firstTokenMsMax,
    );
  };
  const inTransaction = (work: () => void): void => {
    begin.run();
    try {
      work();
      commit.run();
      subjects.keep();
      models.keep();
    } catch (error) {
      // A full disk ends the transaction by itself: https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
      if (db.isTransaction) db.exec('ROLLBACK');
      subjects.forget();
      models.forget();
      throw error;
    }
  };

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
    write: (batch) =>
      inTransaction(() => {
        for (const state of batch.subjects.values()) writeSubject(state);
        for (const lease of batch.leases.values()) writeLease(lease);
        for (const id of batch.endedLeases) deleteLease.run(id);
        for (const booking of batch.bookings) writeBooking(booking);
        for (const booking of batch.throttled.values()) writeBooking(booking);
      }),
    check: () => inTransaction(() => void check.run()),
    usageOf(student, { today, weekStart }) {
      const subject = subjects.get(subjectKeyOf(student));
      if (subject === undefined) return usageOf([]);
      const week = usageRowsSchema.parse(selectWeek.all(today, subject, weekStart));
      return usageOf([...week, ...rowsBefore(subject, weekStart)]);
    },
  };
}

/** Numbers that stand for names, all in memory: nobody else writes to the file. */
interface Ids {
  get(key: string): number | undefined;
  add(key: string, ...columns: readonly string[]): number;
  /** What was added since the last call was committed, or was not. */
  keep(): void;
  forget(): void;
}

const idRowSchema = z.object({ id: z.int(), key: z.string() });

function createIds(insert: StatementSync, select: StatementSync): Ids {
  const ids = new Map<string, number>();
  for (const row of select.iterate()) {
    const { id, key } = idRowSchema.parse(row);
    ids.set(key, id);
  }
  let added: string[] = [];
  return {
    get: (key) => ids.get(key),
    add(key, ...columns) {
      const id = Number(insert.run(...columns).lastInsertRowid);
      ids.set(key, id);
      added.push(key);
      return id;
    },
    keep() {
      if (added.length > 0) added = [];
    },
    forget() {
      for (const key of added) ids.delete(key);
      added = [];
    },
  };
}

function usageOf(rows: readonly UsageRow[]): StudentUsage {
  return {
    today: byModel(rows.filter(({ period }) => period === 'today')),
    week: byModel(rows.filter(({ period }) => period !== 'before')),
    total: byModel(rows),
  };
}

type Sums = { -readonly [Field in keyof ModelUsage]: ModelUsage[Field] };

function byModel(rows: readonly UsageRow[]): ModelUsage[] {
  const sums = new Map<string, Sums>();
  for (const row of rows) {
    const sum = sums.get(row.model) ?? nothingOf(row.model);
    sums.set(row.model, sum);
    if (row.outcome === 'throttled') sum.throttled += row.requests;
    else sum.requests += row.requests;
    if (row.outcome === 'completed') sum.completed += row.requests;
    sum.promptTokens += row.promptTokens;
    sum.cachedTokens += row.cachedTokens;
    sum.completionTokens += row.completionTokens;
  }
  return [...sums.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
}

function nothingOf(model: string): Sums {
  return {
    model,
    requests: 0,
    completed: 0,
    throttled: 0,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
  };
}
