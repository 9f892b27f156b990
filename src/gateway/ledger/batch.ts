import { type EngineHour, engineHourKey, joined } from '../../report/engine-hour.ts';
import { type HourMinutes, minutesBetween } from '../../report/hour-minutes.ts';
import { type LedgerEntry, type OpenLease, type SubjectState, subjectKeyOf } from '../limits/journal.ts';

/** What is added to one row of the account. */
export interface Booking
  extends Pick<LedgerEntry, 'classroomKey' | 'studentId' | 'day' | 'model' | 'outcome'> {
  /** Epoch ms of the session's beginning; 0: outside of all sessions. */
  readonly sessionMs: number;
  /** In which the student was at work. */
  readonly minutes: readonly HourMinutes[];
  /** Hours since the epoch, in which the requests ended. */
  readonly hour: number;
  requests: number;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  queueWaitMsSum: number;
  queueWaitMsMax: number;
  firstTokenCount: number;
  firstTokenMsSum: number;
  firstTokenMsMax: number;
}

const HOUR_MS = 3_600_000;
/** What takes the place of a session where there is none. */
export const OUTSIDE_SESSIONS_MS = 0;

/** The booking of one request. */
export function bookingOf(entry: LedgerEntry): Booking {
  const { classroomKey, studentId, day, active, model, outcome, queueWaitMs, firstTokenMs } = entry;
  return {
    classroomKey,
    studentId,
    day,
    sessionMs: entry.sessionStartMs ?? OUTSIDE_SESSIONS_MS,
    minutes: active === undefined ? [] : minutesBetween(active.fromMs, active.toMs),
    hour: Math.floor(entry.endedMs / HOUR_MS),
    model,
    outcome,
    requests: 1,
    promptTokens: entry.promptTokens,
    cachedTokens: entry.cachedTokens,
    completionTokens: entry.completionTokens,
    queueWaitMsSum: queueWaitMs,
    queueWaitMsMax: queueWaitMs,
    firstTokenCount: firstTokenMs === undefined ? 0 : 1,
    firstTokenMsSum: firstTokenMs ?? 0,
    firstTokenMsMax: firstTokenMs ?? 0,
  };
}

function add(to: Booking, booking: Booking): void {
  to.requests += booking.requests;
  to.promptTokens += booking.promptTokens;
  to.cachedTokens += booking.cachedTokens;
  to.completionTokens += booking.completionTokens;
  to.queueWaitMsSum += booking.queueWaitMsSum;
  to.queueWaitMsMax = Math.max(to.queueWaitMsMax, booking.queueWaitMsMax);
  to.firstTokenCount += booking.firstTokenCount;
  to.firstTokenMsSum += booking.firstTokenMsSum;
  to.firstTokenMsMax = Math.max(to.firstTokenMsMax, booking.firstTokenMsMax);
}

/**
 * What is written in one transaction. Of a subject only the newest state counts, and a lease that ends in the batch
 * in which it began is not written at all.
 */
export class Batch {
  readonly leases = new Map<string, OpenLease>();
  readonly endedLeases: string[] = [];
  readonly subjects = new Map<string, SubjectState>();
  readonly bookings: Booking[] = [];
  /** By row: a program that ignores every refusal costs no more than one row. */
  readonly throttled = new Map<string, Booking>();
  /** Joined with what is there: to write one again changes nothing. */
  readonly engineHours = new Map<string, EngineHour>();

  admitted(lease: OpenLease, subjects: readonly SubjectState[]): void {
    this.leases.set(lease.id, lease);
    this.#keep(subjects);
  }

  withdrawn(subjects: readonly SubjectState[]): void {
    this.#keep(subjects);
  }

  settled(leaseId: string, subjects: readonly SubjectState[], entry: LedgerEntry): void {
    if (!this.leases.delete(leaseId)) this.endedLeases.push(leaseId);
    this.#keep(subjects);
    this.bookings.push(bookingOf(entry));
  }

  refused(entry: LedgerEntry): void {
    const booking = bookingOf(entry);
    const { day, sessionMs, hour, model } = booking;
    const key = [subjectKeyOf(entry), day, sessionMs, hour, model].join('\n');
    const known = this.throttled.get(key);
    if (known === undefined) this.throttled.set(key, booking);
    else add(known, booking);
  }

  engines(hours: readonly EngineHour[]): void {
    for (const hour of hours) {
      const key = engineHourKey(hour);
      this.engineHours.set(key, joined(this.engineHours.get(key), hour));
    }
  }

  /** After a write that failed: the leases were not given, but what ended has ended and must still be booked. */
  withdrawLeases(): void {
    this.leases.clear();
  }

  #keep(subjects: readonly SubjectState[]): void {
    for (const subject of subjects) this.subjects.set(subjectKeyOf(subject), subject);
  }
}
