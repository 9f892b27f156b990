import type { Clock } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { type Refusal, refuse } from '../errors.ts';
import { ofClass, type Seat } from '../identity/seat.ts';
import type { Admission, Admitted, Lease, RequestCost } from '../limits/admission.ts';
import { decide, type LimitsInForce, limitStates, limitsInForce } from '../limits/decision.ts';
import { type SubjectState, subjectKeyOf } from '../limits/journal.ts';
import type { LimitState } from '../limits/limit-state.ts';
import { refusalOf } from '../limits/refusal.ts';
import type { Settlement } from '../limits/settlement.ts';
import type { ClassOfStore, ClassStore, LeaseEnd, Standing, StoreDecision } from './class-store.ts';
import { StateStoreUnavailableError, type ValkeyConnection } from './connection.ts';
import { createOutageAdmission, type LastKnown, type OutageAdmission } from './outage-admission.ts';
import { SETTLED_KEPT_MS } from './scripts/state.lua.ts';

export interface ValkeyAdmissionOptions {
  readonly store: ClassStore;
  readonly connection: Pick<ValkeyConnection, 'isUp' | 'onChange'>;
  /** Gateways at the last time that could be known. */
  readonly replicas: () => number;
  /** How long requests are admitted without the store. */
  readonly graceMs: number;
  /** After which a lease is booked as that of a crash, unless it is renewed; it is, three times as often. */
  readonly leaseMs: number;
  /** The most requests that may run, or have ended and are not booked, while the store is away. */
  readonly maxUnbooked: number;
  readonly newLeaseId: () => string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * - `up`: the store decides
 * - `degraded`: it is away, or what ended meanwhile is not yet booked; this replica decides with its part of the limits
 * - `down`: it has been away for too long, or too much is not booked; nothing is admitted
 */
export type StoreState = 'up' | 'degraded' | 'down';

export interface ValkeyAdmission extends Admission {
  readonly state: StoreState;
  /** Settlements that wait for the store. */
  readonly unbooked: number;
  /** Requests that were admitted without the store. */
  readonly degradedRequests: number;
  /** Keeps leases from expiring from now on. */
  start(): void;
  /** Books what can be booked and ends. What cannot is logged, and is booked by its lease's expiry. */
  stop(): Promise<void>;
}

const RETRY_SECONDS = 10;
/** What the store is told at a time after an outage. */
const BATCH = 100;

/** Admission of one of several replicas: the store decides, and while it is away this replica does, within bounds. */
export function createValkeyAdmission(options: ValkeyAdmissionOptions): ValkeyAdmission {
  return new Replica(options);
}

interface OpenLease {
  readonly id: string;
  /** On the monotonic clock. */
  readonly letInMs: number;
  readonly sessionStartMs: number | undefined;
  readonly studentId: string;
  readonly classroom: ClassOfStore;
  readonly limits: LimitsInForce;
  readonly cost: RequestCost;
  /** Given by this replica in an outage. */
  readonly given: { readonly by: OutageAdmission; readonly lease: Lease } | undefined;
  /** The store was told of it. */
  inStore: boolean;
  /** The store has booked it as one of a crash. */
  hasExpired: boolean;
}

/** A time without the store. */
interface Outage {
  /** On the monotonic clock. */
  readonly sinceMs: number;
  readonly admission: OutageAdmission;
}

interface Unbooked {
  readonly end: Omit<LeaseEnd, 'maybeForgotten' | 'active'>;
  /** On the monotonic clock: when the request was let in and when it ended; undefined: it never was let in. */
  readonly active: { readonly letInMs: number; readonly endedMs: number } | undefined;
  /** On the monotonic clock; undefined: it was not tried. */
  readonly firstTriedMs: number | undefined;
  /** Nothing is booked unless the store has the lease. */
  readonly onlyIfOpen: boolean;
  isTold: boolean;
}

class Replica implements ValkeyAdmission {
  readonly #options: ValkeyAdmissionOptions;
  readonly #leases = new Map<string, OpenLease>();
  readonly #known = new KnownStandings();
  readonly #stopping = new AbortController();
  #unbooked: Unbooked[] = [];
  #outage: Outage | undefined;
  #recovery: Promise<void> | undefined;
  #degradedRequests = 0;
  #renewing: Promise<void> | undefined;

  constructor(options: ValkeyAdmissionOptions) {
    this.#options = options;
    options.connection.onChange((isUp) => {
      if (isUp) void this.#recover();
      else this.#lose();
    });
    // Nothing is known yet with which requests could be admitted.
    if (!options.connection.isUp) this.#outage = this.#outageSince(Number.NEGATIVE_INFINITY);
  }

  get running(): number {
    return this.#leases.size;
  }

  get unbooked(): number {
    return this.#unbooked.length;
  }

  get degradedRequests(): number {
    return this.#degradedRequests;
  }

  get state(): StoreState {
    if (this.#outage === undefined) return 'up';
    const { graceMs, maxUnbooked, clock } = this.#options;
    const isOver = clock.monotonic() - this.#outage.sinceMs > graceMs;
    return isOver || this.#unbooked.length + this.#leases.size >= maxUnbooked ? 'down' : 'degraded';
  }

  start(): void {
    this.#renewing = this.#renewLoop();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#renewing;
    if (this.#options.connection.isUp) await this.#recover();
    const { log } = this.#options;
    const unbooked = this.#unbooked.length;
    if (unbooked > 0) log.error({ unbooked }, 'The gateway ends with requests that could not be booked');
  }

  async admit(seat: Seat, cost: RequestCost): Promise<Admitted> {
    const id = this.#options.newLeaseId();
    if (this.#outage !== undefined) return this.#admitWithout(id, seat, cost, false);
    const limits = limitsInForce(seat);
    const { studentId, opening } = seat;
    const sessionStartMs = opening.session?.startMs;
    const request = { id, classroom: classOf(seat), studentId, limits, cost, sessionStartMs };
    let decision: StoreDecision;
    try {
      decision = await this.#options.store.admit({
        ...request,
        leaseMs: this.#options.leaseMs,
        adopt: false,
      });
    } catch (error) {
      if (!(error instanceof StateStoreUnavailableError)) throw error;
      this.#lose();
      return this.#admitWithout(id, seat, cost, true);
    }
    const { counts, moment } = decision;
    this.#known.hear(decision);
    const states = limitStates(limits, counts, moment);
    if (!decision.admitted)
      return { ok: false, refusal: denied(seat, limits, cost, decision), limits: states };
    const letInMs = this.#options.clock.monotonic();
    this.#leases.set(id, { ...request, letInMs, given: undefined, inStore: true, hasExpired: false });
    return { ok: true, lease: leaseOf(id, seat, decision.outputTokens), limits: states };
  }

  async settle({ id }: Lease, settlement: Settlement): Promise<void> {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new Error(`lease ${id} was settled before`);
    this.#leases.delete(id);
    const { classroom, studentId, given, letInMs, sessionStartMs } = lease;
    const active = { letInMs, endedMs: this.#options.clock.monotonic() };
    await given?.by.settle(given.lease, settlement);
    const end = { id, classroom, studentId, settlement, sessionStartMs };
    if (this.#outage !== undefined) {
      this.#unbooked.push({ end, active, firstTriedMs: undefined, onlyIfOpen: false, isTold: false });
      return;
    }
    const firstTriedMs = this.#options.clock.monotonic();
    const told = { ...end, active: agoOf(active, firstTriedMs), maybeForgotten: false };
    try {
      this.#known.hear(await this.#options.store.settle(told));
    } catch (error) {
      if (!(error instanceof StateStoreUnavailableError)) throw error;
      this.#unbooked.push({ end, active, firstTriedMs, onlyIfOpen: false, isTold: false });
      this.#lose();
    }
  }

  async limitsOf(seat: Seat): Promise<readonly LimitState[]> {
    if (this.#outage !== undefined) return this.#outage.admission.limitsOf(seat);
    try {
      const standing = await this.#options.store.read(classOf(seat), seat.studentId);
      return limitStates(limitsInForce(seat), standing.counts, standing.moment);
    } catch (error) {
      if (!(error instanceof StateStoreUnavailableError)) throw error;
      return this.#lose().admission.limitsOf(seat);
    }
  }

  /** @param asked the store may have given the lease, and its reply was lost */
  async #admitWithout(id: string, seat: Seat, cost: RequestCost, asked: boolean): Promise<Admitted> {
    const outage = this.#outage ?? this.#lose();
    const admitted = this.state === 'down' ? undefined : await outage.admission.admit(seat, cost);
    const classroom = classOf(seat);
    const { studentId, opening } = seat;
    const sessionStartMs = opening.session?.startMs;
    if (admitted?.ok) {
      const given = { by: outage.admission, lease: admitted.lease };
      const limits = limitsInForce(seat);
      this.#leases.set(id, {
        id,
        letInMs: this.#options.clock.monotonic(),
        sessionStartMs,
        studentId,
        classroom,
        limits,
        cost,
        given,
        inStore: false,
        hasExpired: false,
      });
      this.#degradedRequests += 1;
      if (this.#outage !== outage) void this.#recover();
      return { ...admitted, degraded: true, lease: leaseOf(id, seat, admitted.lease.outputTokens) };
    }
    if (asked) {
      const end = { id, classroom, studentId, settlement: neverRan(cost), sessionStartMs };
      const unbooked = { end, active: undefined, firstTriedMs: undefined };
      this.#unbooked.push({ ...unbooked, onlyIfOpen: true, isTold: false });
    }
    return { ...(admitted ?? { ok: false, refusal: unavailable(seat), limits: [] }), degraded: true };
  }

  #lose(): Outage {
    const { clock, log, replicas, graceMs, connection } = this.#options;
    if (this.#outage !== undefined) return this.#outage;
    log.warn({ replicas: replicas(), graceMs }, 'Requests are admitted without the state store');
    this.#outage = this.#outageSince(clock.monotonic());
    if (connection.isUp) void this.#recover();
    return this.#outage;
  }

  #outageSince(sinceMs: number): Outage {
    const lastKnown = this.#known;
    const admission = createOutageAdmission({
      ...this.#options,
      replicas: this.#options.replicas(),
      lastKnown,
    });
    return { sinceMs, admission };
  }

  /** Tells the store what happened without it; only when it knows all, it decides again. */
  #recover(): Promise<void> {
    this.#recovery ??= this.#tellAll().finally(() => {
      this.#recovery = undefined;
    });
    return this.#recovery;
  }

  async #tellAll(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#renew();
      for (;;) {
        const leases = [...this.#leases.values()].filter(({ inStore }) => !inStore).slice(0, BATCH);
        const ended = this.#unbooked.slice(0, BATCH);
        // Between this look and the end of the outage nothing can come in.
        if (leases.length + ended.length === 0) break;
        await Promise.all([
          ...leases.map((lease) => this.#adopt(lease)),
          ...ended.map((end) => this.#book(end)),
        ]);
        this.#unbooked = this.#unbooked.filter(({ isTold }) => !isTold);
      }
      if (this.#outage !== undefined) log.info({}, 'The state store decides again');
      this.#outage = undefined;
    } catch (error) {
      // Lost again: the connection tells when it is back.
      if (error instanceof StateStoreUnavailableError) return;
      log.error(describeError(error), 'The state store could not be told what happened without it');
    }
  }

  async #adopt(lease: OpenLease): Promise<void> {
    const { store, leaseMs, log } = this.#options;
    try {
      await store.admit({ ...lease, leaseMs, adopt: true });
    } catch (error) {
      if (error instanceof StateStoreUnavailableError) throw error;
      log.error({ leaseId: lease.id, ...describeError(error) }, 'A running request could not be counted');
    }
    lease.inStore = true;
  }

  async #book(unbooked: Unbooked): Promise<void> {
    const { store, clock, log } = this.#options;
    const { end, firstTriedMs, onlyIfOpen } = unbooked;
    const nowMs = clock.monotonic();
    const isOld = firstTriedMs !== undefined && nowMs - firstTriedMs > SETTLED_KEPT_MS / 2;
    const active = unbooked.active && agoOf(unbooked.active, nowMs);
    try {
      await store.settle({ ...end, active, maybeForgotten: onlyIfOpen || isOld });
    } catch (error) {
      if (error instanceof StateStoreUnavailableError) throw error;
      // One that can never be booked must not keep all others waiting.
      log.error({ leaseId: end.id, ...describeError(error) }, 'A request could not be booked');
    }
    unbooked.isTold = true;
  }

  async #renewLoop(): Promise<void> {
    const { clock, leaseMs, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(leaseMs / 3, signal).catch(() => {});
      if (signal.aborted) return;
      if (this.#outage !== undefined) {
        if (this.#options.connection.isUp) await this.#recover();
        continue;
      }
      try {
        await this.#renew();
      } catch (error) {
        if (!(error instanceof StateStoreUnavailableError)) {
          log.error(describeError(error), 'Leases could not be renewed');
        }
      }
    }
  }

  async #renew(): Promise<void> {
    const { store, leaseMs, log } = this.#options;
    const byClass = new Map<string, { classroom: ClassOfStore; ids: string[] }>();
    for (const { id, classroom, inStore, hasExpired } of this.#leases.values()) {
      if (!inStore || hasExpired) continue;
      const known = byClass.get(classroom.key);
      if (known === undefined) byClass.set(classroom.key, { classroom, ids: [id] });
      else known.ids.push(id);
    }
    const renewals = [...byClass.values()].map(({ classroom, ids }) => store.renew(classroom, ids, leaseMs));
    let expired = 0;
    for (const id of (await Promise.all(renewals)).flat()) {
      const lease = this.#leases.get(id);
      if (lease === undefined) continue;
      lease.hasExpired = true;
      expired += 1;
    }
    if (expired > 0) log.warn({ expired }, 'Leases expired; they are corrected when their requests end');
  }
}

/** By student, and by class. A student is some 300 bytes, and stays: the tokens of a day must be known in an outage. */
class KnownStandings implements LastKnown {
  readonly #students = new Map<string, Standing>();
  readonly #classes = new Map<string, SubjectState>();

  hear(standing: Standing): void {
    const { student, classroom } = standing.counts;
    this.#students.set(subjectKeyOf(student), standing);
    this.#classes.set(classroom.classroomKey, classroom);
  }

  standingOf({ classroom, studentId }: Seat): Standing | undefined {
    return this.#students.get(subjectKeyOf({ classroomKey: classroom.key, studentId }));
  }

  *states(): Iterable<SubjectState> {
    for (const { counts } of this.#students.values()) yield counts.student;
    yield* this.#classes.values();
  }
}

/** The refusal of a request that the script did not admit: by the same decision on the same counts. */
function denied(seat: Seat, limits: LimitsInForce, cost: RequestCost, { counts, moment }: Standing): Refusal {
  const decision = decide(limits, counts, cost, moment);
  if (decision.ok) throw new Error('the script refused a request that fits');
  return refusalOf(decision.denial, seat.classroom, moment.nowMs);
}

/** Replicas and the store have clocks of their own: what they agree on is how long ago something was. */
function agoOf(
  { letInMs, endedMs }: NonNullable<Unbooked['active']>,
  nowMs: number,
): NonNullable<LeaseEnd['active']> {
  return { letInAgoMs: nowMs - letInMs, endedAgoMs: nowMs - endedMs };
}

function unavailable({ classroom }: Seat): Refusal {
  const options = { retryAfterSeconds: RETRY_SECONDS };
  return refuse('state_store_unavailable', ofClass(classroom), options);
}

function neverRan({ model }: RequestCost): Settlement {
  return { outcome: 'unanswered', usage: undefined, model, queueWaitMs: undefined, firstTokenMs: undefined };
}

function leaseOf(id: string, seat: Seat, outputTokens: number): Lease {
  return { id, seatKey: seat.key, classroomKey: seat.classroom.key, outputTokens };
}

function classOf({ classroom: { key, timeZone } }: Seat): ClassOfStore {
  return { key, timeZone };
}
