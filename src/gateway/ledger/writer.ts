import type { DatabaseSync } from 'node:sqlite';
import type { OpenLease, SubjectState } from '../limits/journal.ts';
import { type Batch, type Booking, OUTSIDE_SESSIONS_MS } from './batch.ts';
import { WRITE_CHECK } from './database.ts';
import { createEngineHourWriter, createMinuteWriter } from './minute-writer.ts';
import type { Names } from './names.ts';

/** Writes to a ledger, each call in one transaction. What SQLite throws is passed on; nothing was written then. */
export interface LedgerWriter {
  write(batch: Batch): void;
  /** Writes something, to see whether that works. */
  check(): void;
}

/** @param onBooked told of each row that is added to */
export function createLedgerWriter(
  db: DatabaseSync,
  names: Names,
  onBooked: (subject: number, day: string) => void,
): LedgerWriter {
  const saveSubject = createSubjectWriter(db, names);
  const saveLease = createLeaseWriter(db, names);
  const minutes = createMinuteWriter(db);
  const saveEngineHour = createEngineHourWriter(db);
  const book = createBookingWriter(db, names, minutes.save, onBooked);
  const deleteLease = db.prepare('DELETE FROM leases WHERE id = ?');
  const check = db.prepare(WRITE_CHECK);
  const inTransaction = createTransaction(db, names, minutes.forget);
  return {
    write: (batch) =>
      inTransaction(() => {
        for (const state of batch.subjects.values()) saveSubject(state);
        for (const lease of batch.leases.values()) saveLease(lease);
        for (const id of batch.endedLeases) deleteLease.run(id);
        for (const booking of batch.bookings) book(booking);
        for (const booking of batch.throttled.values()) book(booking);
        for (const hour of batch.engineHours.values()) saveEngineHour(hour);
      }),
    check: () => inTransaction(() => void check.run()),
  };
}

/** @param onFailed told that nothing of the transaction was kept */
function createTransaction(db: DatabaseSync, names: Names, onFailed: () => void): (work: () => void) => void {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  return (work) => {
    begin.run();
    try {
      work();
      commit.run();
    } catch (error) {
      // A full disk ends the transaction by itself: https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
      if (db.isTransaction) db.exec('ROLLBACK');
      names.forget();
      onFailed();
      throw error;
    }
    names.keep();
  };
}

const UPDATE_SUBJECT = `UPDATE subjects SET request_tat_ms = ?, tokens = ?, tokens_at_ms = ?, day = ?, day_tokens = ?,
  total_tokens = ? WHERE id = ?`;

function createSubjectWriter(db: DatabaseSync, names: Names): (state: SubjectState) => void {
  const statement = db.prepare(UPDATE_SUBJECT);
  return (state) => {
    const { requestTatMs, tokens, tokensAtMs, day, dayTokens, totalTokens } = state;
    statement.run(requestTatMs, tokens, tokensAtMs, day, dayTokens, totalTokens, names.subject(state));
  };
}

const INSERT_LEASE = 'INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';

function createLeaseWriter(db: DatabaseSync, names: Names): (lease: OpenLease) => void {
  const statement = db.prepare(INSERT_LEASE);
  return (lease) => {
    const { id, admittedMs, expectedPromptTokens, studentReserved, classroomReserved, day } = lease;
    const [subject, model] = [names.subject(lease), names.model(lease.model)];
    statement.run(
      id,
      subject,
      model,
      admittedMs,
      expectedPromptTokens,
      studentReserved,
      classroomReserved,
      day,
      lease.sessionStartMs ?? OUTSIDE_SESSIONS_MS,
    );
  };
}

const BOOK = `INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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

function createBookingWriter(
  db: DatabaseSync,
  names: Names,
  saveMinutes: (subject: number, booking: Booking) => void,
  onBooked: (subject: number, day: string) => void,
): (booking: Booking) => void {
  const statement = db.prepare(BOOK);
  return (booking) => {
    const subject = names.subject(booking);
    onBooked(subject, booking.day);
    saveMinutes(subject, booking);
    statement.run(
      subject,
      booking.day,
      booking.sessionMs,
      booking.hour,
      names.model(booking.model),
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
}
