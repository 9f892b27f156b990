import { createLocalDays, type LocalDay } from '../../timetable/local-day.ts';
import type { RequestCost } from '../limits/admission.ts';
import type { Counts, LimitsInForce, Moment } from '../limits/decision.ts';
import type { SubjectState } from '../limits/journal.ts';
import type { Settlement } from '../limits/settlement.ts';
import type { ValkeyConnection } from './connection.ts';
import type { Keyspace } from './keys.ts';
import type { Script } from './script.ts';
import type { AdmissionScripts } from './scripts/admission.ts';

/** Which class, and when its days begin. */
export interface ClassOfStore {
  readonly key: string;
  readonly timeZone: string;
}

/** How everything stood when a script had run. */
export interface Standing {
  readonly counts: Counts;
  readonly moment: Moment;
}

export type StoreDecision =
  | (Standing & { readonly admitted: true; readonly outputTokens: number })
  | (Standing & { readonly admitted: false });

/** A request of a student, under the id of its lease. */
export interface LeaseRequest {
  readonly id: string;
  readonly classroom: ClassOfStore;
  readonly studentId: string;
  readonly limits: LimitsInForce;
  readonly cost: RequestCost;
  /** After which nobody waits for its settlement unless it is renewed. */
  readonly leaseMs: number;
  /** It runs already: it is taken whatever the limits say. */
  readonly adopt: boolean;
  /** Epoch ms at which the session began in which it was let in; undefined: outside of all. */
  readonly sessionStartMs: number | undefined;
}

/** The end of a request, under the id of its lease. */
export interface LeaseEnd {
  readonly id: string;
  readonly classroom: ClassOfStore;
  readonly studentId: string;
  readonly settlement: Settlement;
  /** It may have been settled so long ago that the store does not remember. */
  readonly maybeForgotten: boolean;
  /** As that of the {@link LeaseRequest}; counts where the store does not have the lease. */
  readonly sessionStartMs: number | undefined;
  /** How long ago it was let in and ended, ms; undefined: it never was let in. */
  readonly active: { readonly letInAgoMs: number; readonly endedAgoMs: number } | undefined;
}

/**
 * Limits and ledger of classes in Valkey: each call is one script, atomic over student and class, on the server's time.
 * All may be called again with the same lease when the reply was lost.
 *
 * Every method throws StateStoreUnavailableError when the server does not answer or cannot work.
 */
export interface ClassStore {
  admit(request: LeaseRequest): Promise<StoreDecision>;
  settle(end: LeaseEnd): Promise<Standing>;
  /** @returns leases that are not open any more */
  renew(classroom: ClassOfStore, leaseIds: readonly string[], leaseMs: number): Promise<readonly string[]>;
  read(classroom: ClassOfStore, studentId: string): Promise<Standing>;
}

export interface ClassStoreOptions {
  readonly connection: Pick<ValkeyConnection, 'run'>;
  readonly keys: Keyspace;
  readonly scripts: AdmissionScripts;
  /** Epoch ms: the first guess of the day. The server's time decides. */
  readonly now: () => number;
}

/** Calls in which the server may say that it is another day; more only if its clock runs wild. */
const DAY_ATTEMPTS = 3;
/** Counts of one subject in a reply; see FIELDS in scripts/state.lua.ts. */
const FIELD_COUNT = 10;

export function createClassStore(options: ClassStoreOptions): ClassStore {
  return new ScriptedStore(options);
}

class ScriptedStore implements ClassStore {
  readonly #options: ClassStoreOptions;
  readonly #dayOf = createLocalDays();
  /** Server's time less ours, at the last reply that said that it is another day there. */
  #aheadMs = 0;

  constructor(options: ClassStoreOptions) {
    this.#options = options;
  }

  async admit(request: LeaseRequest): Promise<StoreDecision> {
    const { id, classroom, studentId, limits, cost } = request;
    const reply = await this.#run(this.#options.scripts.admit, classroom, [
      id,
      studentId,
      cost.model,
      ...limitTexts(limits),
      ...[cost.promptTokens, cost.expectedPromptTokens, cost.outputTokens, cost.answers].map(String),
      String(request.leaseMs),
      request.adopt ? 'adopt' : '',
      sessionText(request.sessionStartMs),
    ]);
    const standing = reply.standing(studentId);
    if (reply.status === 'denied') return { ...standing, admitted: false };
    return { ...standing, admitted: true, outputTokens: reply.number(2 * FIELD_COUNT) };
  }

  async settle(end: LeaseEnd): Promise<Standing> {
    const { id, classroom, studentId, settlement, maybeForgotten, sessionStartMs, active } = end;
    const { usage, model, outcome, queueWaitMs, firstTokenMs } = settlement;
    const reply = await this.#run(this.#options.scripts.settle, classroom, [
      id,
      studentId,
      model,
      outcome,
      ...[usage?.promptTokens ?? 0, usage?.cachedTokens ?? 0, usage?.completionTokens ?? 0].map(String),
      String(Math.round(queueWaitMs ?? 0)),
      firstTokenMs === undefined ? '' : String(Math.round(firstTokenMs)),
      maybeForgotten ? 'again' : '',
      sessionText(sessionStartMs),
      ...(active === undefined ? ['', ''] : [active.letInAgoMs, active.endedAgoMs].map(wholeMs)),
    ]);
    return reply.standing(studentId);
  }

  async renew(
    classroom: ClassOfStore,
    leaseIds: readonly string[],
    leaseMs: number,
  ): Promise<readonly string[]> {
    const { renew } = this.#options.scripts;
    return (await this.#run(renew, classroom, [String(leaseMs), ...leaseIds])).rest;
  }

  async read(classroom: ClassOfStore, studentId: string): Promise<Standing> {
    const reply = await this.#run(this.#options.scripts.read, classroom, [studentId]);
    return reply.standing(studentId);
  }

  /**
   * Runs a script with the day that it is probably on the server; a script does nothing when it is another one, and
   * says what time it is.
   */
  async #run(script: Script, classroom: ClassOfStore, values: readonly string[]): Promise<Reply> {
    const { connection, keys, now } = this.#options;
    const names = keys.classroom(classroom.key);
    for (let attempt = 1; attempt <= DAY_ATTEMPTS; attempt++) {
      const day = this.#dayOf(classroom.timeZone, now() + this.#aheadMs);
      const raw = await connection.run(script, names, [...dayTexts(day), ...values]);
      const reply = new Reply(script.name, raw, classroom, day);
      if (reply.status !== 'other-day') return reply;
      this.#aheadMs = reply.nowMs - now();
    }
    throw new Error(`the clock of the state store does not stay on one day`);
  }
}

/** The reply of a script: status, time, and what else it says. */
class Reply {
  readonly #texts: readonly string[];
  readonly #classroom: ClassOfStore;
  readonly #day: LocalDay;

  /** @throws Error it is none */
  constructor(name: string, raw: unknown, classroom: ClassOfStore, day: LocalDay) {
    if (!Array.isArray(raw) || raw.length < 2 || !raw.every((text) => typeof text === 'string')) {
      throw new Error(`the script ${name} gave no list of texts`);
    }
    this.#texts = raw;
    this.#classroom = classroom;
    this.#day = day;
  }

  get status(): string | undefined {
    return this.#texts[0];
  }

  get nowMs(): number {
    return Number(this.#texts[1]);
  }

  get rest(): readonly string[] {
    return this.#texts.slice(2);
  }

  /** @param index after status and time */
  number(index: number): number {
    return Number(this.#texts[2 + index]);
  }

  text(index: number): string {
    return this.#texts[2 + index] ?? '';
  }

  standing(studentId: string): Standing {
    const { nowMs } = this;
    const { day, nextDay, endsMs } = this.#day;
    return {
      counts: {
        student: this.#subject(0, studentId),
        classroom: this.#subject(FIELD_COUNT),
        held: {
          running: this.number(6),
          reserved: this.number(7),
          dayReserved: this.number(8),
          day: this.text(9),
        },
      },
      moment: { nowMs, day: { day, nextDay }, dayEndsInMs: endsMs - nowMs },
    };
  }

  #subject(from: number, studentId?: string): SubjectState {
    return {
      classroomKey: this.#classroom.key,
      studentId,
      requestTatMs: this.number(from),
      tokens: this.number(from + 1),
      tokensAtMs: this.number(from + 2),
      day: this.text(from + 3),
      dayTokens: this.number(from + 4),
      totalTokens: this.number(from + 5),
    };
  }
}

function sessionText(startMs: number | undefined): string {
  return startMs === undefined ? '' : String(startMs);
}

function wholeMs(ms: number): string {
  return String(Math.max(0, Math.round(ms)));
}

function dayTexts({ day, nextDay, startsMs, endsMs }: LocalDay): string[] {
  return [day, nextDay, String(startsMs), String(endsMs)];
}

/** In the order that the script reads them; empty where there is no limit. */
function limitTexts({ student, classroom }: LimitsInForce): string[] {
  const { concurrentRequests, requestsPerMinute, tokensPerMinute, tokensPerDay, tokensTotal } = student;
  return [
    concurrentRequests,
    requestsPerMinute,
    tokensPerMinute,
    tokensPerDay,
    tokensTotal,
    classroom.requestsPerMinute,
    classroom.tokensPerMinute,
  ].map((limit) => (limit === undefined ? '' : String(limit)));
}
