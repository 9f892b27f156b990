import { API_GROUP_VERSION } from '../../api/group.ts';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import { isOtherUid } from '../../kube/apply.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock, Timer } from '../../kube/clock.ts';
import { KubeApiError } from '../../kube/errors.ts';
import { instantOf } from '../../kube/instant.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { type KubeObject, keyOf, type Resource } from '../../kube/object.ts';
import type { StoreChange } from '../../kube/store.ts';
import { USAGE_FIELD_MANAGER } from '../../reconcile/field-managers.ts';
import { localDayOf } from '../../timetable/local-day.ts';
import { usageDaysOf } from './usage-days.ts';
import type { ModelUsage, UsageReader } from './usage-reader.ts';

type PublishedUsage = NonNullable<NonNullable<StudentQuota['status']>['usage']>;
type Figures = Omit<PublishedUsage, 'asOf'>;

/** Keeps `status.usage` of the StudentQuotas as the account says. Traffic never waits for it. */
export interface UsagePublisher {
  /** Tells of every StudentQuota and of every change of one. */
  onStudentQuota(change: StoreChange<StudentQuota>): void;
  /** A request of this seat was booked. @param seatKey `namespace/name` */
  onSettled(seatKey: string): void;
  /** Gives up what is under way; what was not published is noticed at the next start. */
  stop(): void;
}

export interface UsagePublisherOptions {
  readonly client: Pick<KubeClient, 'apply'>;
  readonly usage: UsageReader;
  /** The time zone of a class; undefined while the class is not known. */
  readonly timeZoneOf: (classroomKey: string) => string | undefined;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** A seat is written at most so often. */
const INTERVAL_MS = 60_000;
/** How long what happens at once is spread over: the first requests of a lesson, all seats at the start, a new day. */
const SPREAD_MS = { settled: 5_000, start: 60_000, newDay: 600_000 } as const;
const TICK_MS = 1_000;
/** With all 5,000 seats of a school in use, each is written every 200 s, and the API server has 25 writes a second. */
const SEATS_PER_TICK = 25;

interface PublishedSeat {
  readonly namespace: string | undefined;
  readonly name: string;
  /** A namesake that takes the place gets nothing of this one's. */
  readonly uid: string | undefined;
  readonly classroomKey: string;
  readonly studentId: string;
  /** What its status shows. */
  readonly figures: Figures | undefined;
}

/** Nothing is written until something differs from what the status shows. */
export function createUsagePublisher(options: UsagePublisherOptions): UsagePublisher {
  const publisher = new Publisher(options);
  return {
    onStudentQuota: (change) => publisher.onStudentQuota(change),
    onSettled: (seatKey) => publisher.onSettled(seatKey),
    stop: () => publisher.stop(),
  };
}

class Publisher {
  readonly #options: UsagePublisherOptions;
  readonly #seats = new Map<string, PublishedSeat>();
  /** When each seat is looked at next, on the monotonic clock. */
  readonly #dueMs = new Map<string, number>();
  readonly #lookedAtMs = new Map<string, number>();
  readonly #stopped = new AbortController();
  #timer: Timer | undefined;
  #working = false;
  /** The API server refuses or is away: said once, until it works again. */
  #failing = false;

  constructor(options: UsagePublisherOptions) {
    this.#options = options;
  }

  onStudentQuota({ type, object }: StoreChange<StudentQuota>): void {
    const key = keyOf(object.metadata);
    if (type === 'deleted') {
      for (const map of [this.#seats, this.#dueMs, this.#lookedAtMs]) map.delete(key);
      return;
    }
    const { namespace, name, uid } = object.metadata;
    const isNew = this.#seats.get(key)?.uid !== uid;
    this.#seats.set(key, {
      namespace,
      name,
      uid,
      classroomKey: keyOf({
        ...(namespace === undefined ? {} : { namespace }),
        name: object.spec.classroomRef.name,
      }),
      studentId: object.spec.student.id,
      figures: object.status?.usage,
    });
    if (isNew) this.#lookAtIn(key, this.#options.random() * SPREAD_MS.start);
  }

  onSettled(seatKey: string): void {
    const { clock, random } = this.#options;
    const sinceMs = clock.monotonic() - (this.#lookedAtMs.get(seatKey) ?? Number.NEGATIVE_INFINITY);
    this.#lookAtIn(seatKey, Math.max(INTERVAL_MS - sinceMs, random() * SPREAD_MS.settled));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#stopped.abort();
  }

  #lookAtIn(seatKey: string, ms: number): void {
    const atMs = this.#options.clock.monotonic() + ms;
    const dueMs = this.#dueMs.get(seatKey);
    if (dueMs !== undefined && dueMs <= atMs) return;
    this.#dueMs.set(seatKey, atMs);
    if (!this.#working) this.#wait();
  }

  /** Sleeps until the first seat is due; without any, there is no timer. */
  #wait(): void {
    this.#timer?.cancel();
    if (this.#stopped.signal.aborted || this.#dueMs.size === 0) return;
    const { clock } = this.#options;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const dueMs of this.#dueMs.values()) firstMs = Math.min(firstMs, dueMs);
    this.#timer = clock.setTimeout(() => void this.#tick(), Math.max(TICK_MS, firstMs - clock.monotonic()));
  }

  async #tick(): Promise<void> {
    this.#working = true;
    const nowMs = this.#options.clock.monotonic();
    const due: string[] = [];
    for (const [seatKey, dueMs] of this.#dueMs) {
      if (dueMs <= nowMs && due.push(seatKey) === SEATS_PER_TICK) break;
    }
    await Promise.all(due.map((seatKey) => this.#look(seatKey)));
    this.#working = false;
    this.#wait();
  }

  async #look(seatKey: string): Promise<void> {
    const { clock, log } = this.#options;
    this.#dueMs.delete(seatKey);
    this.#lookedAtMs.set(seatKey, clock.monotonic());
    const seat = this.#seats.get(seatKey);
    if (seat === undefined) return;
    try {
      await this.#publish(seatKey, seat);
      if (this.#failing) log.info({}, 'The usage of students can be published again');
      this.#failing = false;
    } catch (error) {
      if (this.#stopped.signal.aborted || isGone(error)) return;
      if (!this.#failing) log.warn(describeError(error), 'The usage of students cannot be published now');
      this.#failing = true;
      this.#lookAtIn(seatKey, INTERVAL_MS * (1 + this.#options.random()));
    }
  }

  async #publish(seatKey: string, seat: PublishedSeat): Promise<void> {
    const { usage, clock, timeZoneOf, client, random } = this.#options;
    const timeZone = timeZoneOf(seat.classroomKey);
    // Its seats are looked at again when one of them asks.
    if (timeZone === undefined) return;
    const nowMs = clock.now();
    const days = usageDaysOf(timeZone, nowMs);
    const { today, total } = await usage.usageOf(seat, days);
    const figures = figuresOf(today, total);
    if (!isSame(figures, seat.figures)) {
      const written = await client.apply(
        studentQuotaUsages,
        intentOf(seat, { asOf: instantOf(nowMs), ...figures }),
        {
          fieldManager: USAGE_FIELD_MANAGER,
          subresource: 'status',
          signal: this.#stopped.signal,
        },
      );
      const latest = this.#seats.get(seatKey);
      if (latest !== undefined && latest.uid === written.metadata.uid)
        this.#seats.set(seatKey, { ...latest, figures });
    }
    if (figures.requestsToday + figures.tokensToday === 0) return;
    this.#lookAtIn(seatKey, localDayOf(timeZone, nowMs).endsMs - nowMs + random() * SPREAD_MS.newDay);
  }
}

/** All of a StudentQuota that the gateway ever writes. */
interface StudentQuotaUsage extends KubeObject {
  status?: { usage?: PublishedUsage | undefined };
}

const studentQuotaUsages: Resource<StudentQuotaUsage> = studentQuotas;

function intentOf({ namespace, name, uid }: PublishedSeat, usage: PublishedUsage): StudentQuotaUsage {
  return {
    apiVersion: API_GROUP_VERSION,
    kind: studentQuotas.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
    status: { usage },
  };
}

function figuresOf(today: readonly ModelUsage[], total: readonly ModelUsage[]): Figures {
  return {
    requestsToday: today.reduce((sum, { completed }) => sum + completed, 0),
    tokensToday: tokensOf(today),
    tokensTotal: tokensOf(total),
  };
}

function tokensOf(period: readonly ModelUsage[]): number {
  return period.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0);
}

/** A status without figures says the same as zeros. */
function isSame(figures: Figures, published: Figures | undefined): boolean {
  const { requestsToday, tokensToday, tokensTotal } = published ?? {
    requestsToday: 0,
    tokensToday: 0,
    tokensTotal: 0,
  };
  return (
    figures.requestsToday === requestsToday &&
    figures.tokensToday === tokensToday &&
    figures.tokensTotal === tokensTotal
  );
}

/** Deleted, or deleted and made anew: the watch tells of both. */
function isGone(error: unknown): boolean {
  return isOtherUid(error) || (error instanceof KubeApiError && error.isNotFound);
}
