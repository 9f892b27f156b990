import type { Clock } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { createLocalDays } from '../../timetable/local-day.ts';
import { Chain, type Link } from '../chain.ts';
import { refuse } from '../errors.ts';
import { ofClass, type Seat } from '../identity/seat.ts';
import type { Admission, Admitted, Lease, RequestCost } from './admission.ts';
import {
  afterClockChange,
  book,
  type Counts,
  decide,
  type Grant,
  type Held,
  limitStates,
  limitsInForce,
  type Moment,
  NOTHING_HELD,
  settle,
  untouched,
  withdraw,
} from './decision.ts';
import {
  JournalUnavailableError,
  type LedgerEntry,
  type LimitJournal,
  type OpenLease,
  type Subject,
  type SubjectState,
  subjectKeyOf,
} from './journal.ts';
import type { LimitState } from './limit-state.ts';
import { refusalOf } from './refusal.ts';
import type { Settlement } from './settlement.ts';

const UNAVAILABLE_RETRY_SECONDS = 30;

export interface LocalAdmissionOptions {
  readonly clock: Clock;
  readonly journal: LimitJournal;
  readonly log: Logger;
  /** Makes the ids of leases; never the same twice, also not after a restart. */
  readonly newLeaseId: () => string;
  /**
   * After which a lease that nobody settled is charged like one of a crash. Longer than any request can take: it is
   * there so that no fault can hold a student's place for ever.
   */
  readonly leaseMs: number;
}

/**
 * Admission for the only gateway of its classes: limits are counted in memory, and every change is in the journal
 * before anybody relies on it.
 *
 * Leases that the journal still has open are those of a process that died: each is booked with the expected tokens of
 * its prompt.
 *
 * The counts of a student stay in memory as long as in the journal, because the tokens of a whole course must not be
 * forgotten: a few hundred bytes for each student who ever asked.
 *
 * @throws JournalUnavailableError the journal cannot be read
 */
export async function createLocalAdmission(options: LocalAdmissionOptions): Promise<Admission> {
  const admission = new LocalAdmission(options);
  await admission.restore();
  return admission;
}

class RunningLease implements Lease {
  readonly id: string;
  readonly seatKey: string;
  readonly classroomKey: string;
  readonly outputTokens: number;
  readonly timeZone: string;
  readonly opened: OpenLease;
  readonly grant: Grant;
  /** On the monotonic clock. */
  readonly expiresAtMs: number;
  /** Undefined once it has ended. */
  link: Link<RunningLease> | undefined;

  constructor({ key, classroom }: Seat, opened: OpenLease, grant: Grant, expiresAtMs: number) {
    this.id = opened.id;
    this.seatKey = key;
    this.classroomKey = classroom.key;
    this.outputTokens = grant.outputTokens;
    this.timeZone = classroom.timeZone;
    this.opened = opened;
    this.grant = grant;
    this.expiresAtMs = expiresAtMs;
  }
}

class LocalAdmission implements Admission {
  readonly #options: LocalAdmissionOptions;
  readonly #states = new Map<string, SubjectState>();
  /** Of students who have had running requests. */
  readonly #held = new Map<string, Held>();
  /** In the order in which they expire. */
  readonly #leases = new Chain<RunningLease>();
  readonly #localDay = createLocalDays();
  /** Makes the monotonic clock show epoch ms: buckets must not fill when the wall clock is corrected. */
  readonly #epochMs: number;

  constructor(options: LocalAdmissionOptions) {
    this.#options = options;
    this.#epochMs = options.clock.now() - options.clock.monotonic();
  }

  get running(): number {
    return this.#leases.length;
  }

  async restore(): Promise<void> {
    const { subjects, leases } = this.#options.journal.load();
    for (const state of subjects) this.#restoreState(state);
    await Promise.all(leases.map((lease) => this.#bookLost(lease)));
  }

  /** The wall clock may have been set back since it was kept. */
  #restoreState(state: SubjectState): void {
    const nowMs = Math.floor(this.#options.clock.now());
    this.#states.set(subjectKeyOf(state), afterClockChange(state, nowMs));
  }

  async admit(seat: Seat, cost: RequestCost): Promise<Admitted> {
    this.#expire();
    const limits = limitsInForce(seat);
    const moment = this.#moment(seat.classroom.timeZone);
    const counts = this.#counts(subjectOf(seat));
    const decision = decide(limits, counts, cost, moment);
    if (!decision.ok) {
      this.#options.journal.throttled(this.#throttled(seat, cost, moment));
      const refusal = refusalOf(decision.denial, seat.classroom, this.#options.clock.now());
      return { ok: false, refusal, limits: limitStates(limits, counts, moment) };
    }
    const { counts: taken, grant } = decision;
    const lease = this.#open(seat, cost, grant);
    this.#keep(taken);
    try {
      await this.#options.journal.admitted(lease.opened, [taken.student, taken.classroom]);
    } catch (error) {
      this.#close(lease);
      const returned = withdraw(limits, this.#counts(lease.opened), grant, moment);
      this.#keep(returned);
      this.#options.journal.withdrawn([returned.student, returned.classroom]);
      if (!(error instanceof JournalUnavailableError)) throw error;
      return this.#refuseUnaccounted(seat);
    }
    return { ok: true, lease, limits: limitStates(limits, taken, moment) };
  }

  async settle(lease: Lease, settlement: Settlement): Promise<void> {
    if (!(lease instanceof RunningLease)) throw new Error(`lease ${lease.id} was given by somebody else`);
    const toMs = this.#options.clock.now();
    await this.#end(lease, this.#entry(lease.opened, settlement, toMs));
  }

  async limitsOf(seat: Seat): Promise<readonly LimitState[]> {
    this.#expire();
    return this.#limitsOf(seat);
  }

  #limitsOf(seat: Seat): LimitState[] {
    const moment = this.#moment(seat.classroom.timeZone);
    return limitStates(limitsInForce(seat), this.#counts(subjectOf(seat)), moment);
  }

  #refuseUnaccounted(seat: Seat): Admitted {
    const options = { retryAfterSeconds: UNAVAILABLE_RETRY_SECONDS };
    const refusal = refuse('usage_not_counted', ofClass(seat.classroom), options);
    return { ok: false, refusal, limits: this.#limitsOf(seat) };
  }

  #open(seat: Seat, cost: RequestCost, grant: Grant): RunningLease {
    const { clock, newLeaseId, leaseMs } = this.#options;
    const opened: OpenLease = {
      id: newLeaseId(),
      classroomKey: seat.classroom.key,
      studentId: seat.studentId,
      model: cost.model,
      admittedMs: clock.now(),
      expectedPromptTokens: cost.expectedPromptTokens,
      studentReserved: grant.studentReserved,
      classroomReserved: grant.classroomReserved,
      day: grant.day,
      sessionStartMs: seat.opening.session?.startMs,
    };
    const lease = new RunningLease(seat, opened, grant, clock.monotonic() + leaseMs);
    lease.link = this.#leases.append(lease);
    return lease;
  }

  #close(lease: RunningLease): void {
    if (lease.link === undefined) throw new Error(`lease ${lease.id} was settled before, or has expired`);
    this.#leases.remove(lease.link);
    lease.link = undefined;
  }

  /** What it is charged with counts at once, whatever becomes of the journal. */
  #end(lease: RunningLease, entry: LedgerEntry): Promise<void> {
    this.#close(lease);
    const tokens = entry.promptTokens + entry.completionTokens;
    const moment = this.#moment(lease.timeZone);
    const counts = settle(this.#counts(lease.opened), lease.grant, tokens, moment);
    this.#keep(counts);
    return this.#options.journal.settled(lease.id, [counts.student, counts.classroom], entry);
  }

  #expire(): void {
    const nowMs = this.#options.clock.monotonic();
    for (let lease = this.#leases.first; lease !== undefined; lease = this.#leases.first) {
      if (lease.expiresAtMs > nowMs) return;
      const { id, opened } = lease;
      const { log } = this.#options;
      log.error({ leaseId: id }, 'A request was never settled and is charged as one that was lost');
      this.#end(lease, this.#entry(opened, lost(opened))).catch((error: unknown) => {
        log.error({ leaseId: id, ...describeError(error) }, 'A lost request could not be booked yet');
      });
    }
  }

  /** Books a lease of a process that died. */
  async #bookLost(lease: OpenLease): Promise<void> {
    const { student, classroom } = this.#counts(lease);
    const { expectedPromptTokens: tokens, day } = lease;
    const states = [
      book(student, lease.studentReserved, tokens, day),
      book(classroom, lease.classroomReserved, tokens, day),
    ];
    for (const state of states) this.#states.set(subjectKeyOf(state), state);
    try {
      await this.#options.journal.settled(lease.id, states, this.#entry(lease, lost(lease)));
    } catch (error) {
      // It counts here, and the journal goes on trying; until it can, nothing is admitted.
      if (!(error instanceof JournalUnavailableError)) throw error;
    }
  }

  #moment(timeZone: string): Moment {
    const { clock } = this.#options;
    const wallMs = clock.now();
    const day = this.#localDay(timeZone, wallMs);
    return {
      nowMs: Math.floor(this.#epochMs + clock.monotonic()),
      day,
      dayEndsInMs: Math.ceil(day.endsMs - wallMs),
    };
  }

  #counts(student: Required<Subject>): Counts {
    const classroom: Subject = { classroomKey: student.classroomKey };
    const key = subjectKeyOf(student);
    return {
      student: this.#states.get(key) ?? untouched(student),
      classroom: this.#states.get(subjectKeyOf(classroom)) ?? untouched(classroom),
      held: this.#held.get(key) ?? NOTHING_HELD,
    };
  }

  #keep({ student, classroom, held }: Counts): void {
    const key = subjectKeyOf(student);
    this.#states.set(key, student);
    this.#states.set(subjectKeyOf(classroom), classroom);
    this.#held.set(key, held);
  }

  /** @param toMs until when it is known that it ran, epoch ms; default: no longer than the moment it was let in */
  #entry(opened: OpenLease, settlement: Settlement, toMs: number = opened.admittedMs): LedgerEntry {
    const { classroomKey, studentId, day, sessionStartMs, admittedMs } = opened;
    const { usage, model, outcome, queueWaitMs, firstTokenMs } = settlement;
    return {
      endedMs: this.#options.clock.now(),
      day,
      sessionStartMs,
      active: { fromMs: admittedMs, toMs },
      classroomKey,
      studentId,
      model,
      outcome,
      promptTokens: usage?.promptTokens ?? 0,
      cachedTokens: usage?.cachedTokens ?? 0,
      completionTokens: usage?.completionTokens ?? 0,
      queueWaitMs: queueWaitMs ?? 0,
      firstTokenMs,
    };
  }

  #throttled(seat: Seat, { model }: RequestCost, { day: { day } }: Moment): LedgerEntry {
    return {
      endedMs: this.#options.clock.now(),
      day,
      sessionStartMs: seat.opening.session?.startMs,
      ...subjectOf(seat),
      model,
      outcome: 'throttled',
      promptTokens: 0,
      cachedTokens: 0,
      completionTokens: 0,
      queueWaitMs: 0,
      firstTokenMs: undefined,
    };
  }
}

function subjectOf({ classroom, studentId }: Seat): { classroomKey: string; studentId: string } {
  return { classroomKey: classroom.key, studentId };
}

/** The charge of a request about which nobody can tell any more how far it came. */
function lost({ expectedPromptTokens: promptTokens, model }: OpenLease): Settlement {
  return {
    outcome: 'interrupted',
    usage: { promptTokens, completionTokens: 0, cachedTokens: undefined },
    model,
    queueWaitMs: undefined,
    firstTokenMs: undefined,
  };
}
