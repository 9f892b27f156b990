import type { Clock, Timer } from '../../kube/clock.ts';
import type { AskedClass, OnAsked } from '../demand/asked-class.ts';
import { DEFAULT_MAX_NUM_SEQS, type EngineRegistry, type EngineUse } from '../engines/registry.ts';
import { type ErrorDetails, type Refusal, refuse } from '../errors.ts';
import type { ClassMoment } from '../identity/class-moment.ts';
import { type AdapterRecord, type ClassroomRecord, ofClass } from '../identity/seat.ts';
import { ActiveTurn, type TurnEnding, type TurnKeeper } from './active-turn.ts';
import type { Ticket, TicketHandlers, Waiting } from './dispatch-queue.ts';
import { jainIndex } from './fairness-index.ts';
import type { ClassActivity, Peers } from './peers.ts';
import { type Account, VirtualCounters } from './vtc.ts';
import { Line, type Passed, type Place, type RoomBounds, WaitingRoom } from './waiting-room.ts';

/** How much may wait, and for how long. */
export interface QueueBounds extends RoomBounds {
  /** Of request bodies that all classes hold together. */
  readonly bytesOfAll: number;
  /** For a place at an engine of the class, ms. */
  readonly busyWaitMs: number;
  /** For the class to have an engine at all, ms, while nothing says that one is to come. */
  readonly engineWaitMs: number;
  /** For an engine that is being started, ms. */
  readonly wakeWaitMs: number;
}

/** How a wait ended. */
export type WaitEnd = 'dispatched' | 'refused' | 'left';

export interface ClassQueueOptions {
  readonly engines: EngineRegistry;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly bounds: QueueBounds;
  /** Hears of every request how its wait ended. */
  readonly onWaited: (end: WaitEnd, seconds: number) => void;
  /** Default: nobody has engines started. */
  readonly onAsked?: OnAsked | undefined;
  /** What holds for a class now; default: what held when its last request came. */
  readonly momentOf?: ((classroomKey: string) => ClassMoment | undefined) | undefined;
}

/** A class as the metrics show it. */
export interface ClassFigures {
  readonly waiting: number;
  readonly running: number;
  /** Requests that this replica may have running at a time. */
  readonly capacity: number;
  /** Jain's index over the students who waited all through the last full window, of their service by weight. */
  readonly fairness: number;
}

/** A student who has had requests since the class was idle. */
interface Student {
  readonly id: string;
  readonly account: Account;
  readonly line: Line<Request>;
  weight: number;
  /** That wait or run. */
  requests: number;
  /** Since when there was always something waiting, ms. */
  waitingSinceMs: number | undefined;
  /** Service by weight in this window. */
  served: number;
}

interface Request {
  readonly ticket: Ticket;
  readonly handlers: TicketHandlers;
  readonly student: Student;
}

/** Over which fairness is measured: long enough for several answers of each student. */
const FAIRNESS_WINDOW_MS = 60_000;
const NO_ENGINE_RETRY_SECONDS = 10;
/** Where it is not known how long an engine takes to start, and where it takes longer than the last time. */
const WAKE_RETRY_SECONDS = 30;
/** About as long as an engine that answers takes to load it. */
const ADAPTER_RETRY_SECONDS = 2;
const LONGEST_RETRY_SECONDS = 60;
/** Of an answer, until one was seen. */
const FIRST_SERVICE_GUESS_MS = 5_000;
/** Weight of the newest answer in the mean. */
const SERVICE_SMOOTHING = 0.1;

/** The queue of one class, in front of its engines. */
export class ClassQueue implements AskedClass {
  readonly #options: ClassQueueOptions;
  #classroom: ClassroomRecord;
  readonly #room: WaitingRoom<Request>;
  readonly #counters = new VirtualCounters();
  #students = new Map<string, Student>();
  /** That wait or run. */
  #requests = 0;
  readonly #keeper: TurnKeeper<Student> = {
    charge: (student, service) => this.#charge(student, service),
    otherThan: (engine, student, ticket) => this.#otherEngine(engine, student, ticket),
    ended: (student, engine, ending) => this.#finish(student, engine, ending),
  };
  #running = 0;
  #dispatching = false;
  #hasEngine: boolean;
  /** Since when there is an engine, or none. */
  #sinceMs: number;
  #timer: Timer | undefined;
  #serviceMs = FIRST_SERVICE_GUESS_MS;
  #windowStartMs: number;
  #fairness = 1;

  constructor(classroom: ClassroomRecord, options: ClassQueueOptions) {
    this.#options = options;
    this.#classroom = classroom;
    this.#room = new WaitingRoom(options.bounds);
    this.#hasEngine = options.engines.readyCount(classroom.key) > 0;
    this.#sinceMs = options.clock.monotonic();
    this.#windowStartMs = this.#sinceMs;
  }

  get key(): string {
    return this.#classroom.key;
  }

  get waiting(): number {
    return this.#room.size;
  }

  /** Of request bodies that wait. */
  get waitingBytes(): number {
    return this.#room.bytes;
  }

  get running(): number {
    return this.#running;
  }

  get hasEngine(): boolean {
    return this.#hasEngine;
  }

  get waitingSinceMs(): number | undefined {
    return this.#room.oldest?.arrivedMs;
  }

  /** Nothing waits and nothing runs. */
  get idle(): boolean {
    return this.#requests === 0;
  }

  get figures(): ClassFigures {
    this.#measureFairness(this.#options.clock.monotonic());
    const { allowed } = this.#allowance();
    return { waiting: this.waiting, running: this.#running, capacity: allowed, fairness: this.#fairness };
  }

  /** What the other replicas hear. */
  get activity(): ClassActivity | undefined {
    if (this.idle) return undefined;
    const weights = new Map<string, number>();
    for (const { id, weight, requests } of this.#students.values()) {
      if (requests > 0) weights.set(id, weight);
    }
    return { requests: this.waiting + this.#running, weights };
  }

  enter(ticket: Ticket, handlers: TicketHandlers): Waiting {
    const nowMs = this.#options.clock.monotonic();
    this.#classroom = ticket.seat.classroom;
    const student = this.#arrive(ticket);
    const place = this.#room.add(student.line, { ticket, handlers, student }, ticket.bodyBytes, nowMs);
    student.waitingSinceMs ??= nowMs;
    this.dispatch();
    this.#refuseOverflow(place);
    this.#expire();
    this.#options.onAsked?.(this);
    return { cancel: () => this.#cancel(place) };
  }

  /** What is said of the class has changed: whether it is open, or whether an engine is to come. */
  classroomChanged(): void {
    this.#stopTimer();
    this.#expire();
  }

  /** The engines, or this replica's share of them, may have changed. */
  changed(): void {
    const { engines, clock } = this.#options;
    const hasEngine = engines.readyCount(this.#classroom.key) > 0;
    const isNews = hasEngine !== this.#hasEngine;
    if (isNews) {
      this.#hasEngine = hasEngine;
      this.#sinceMs = clock.monotonic();
      this.#stopTimer();
    }
    this.dispatch();
    this.#expire();
    if (isNews && !this.idle) this.#options.onAsked?.(this);
  }

  /** Gives engines to those whose turn it is, as long as there is room. */
  dispatch(): void {
    // Handlers are called from here, and may end a request at once.
    if (this.#dispatching) return;
    this.#dispatching = true;
    try {
      this.#hearPeers();
      while (this.#dispatchNext());
    } finally {
      this.#dispatching = false;
    }
    if (this.#room.size === 0) this.#stopTimer();
  }

  close(): void {
    this.#stopTimer();
  }

  #arrive({ seat }: Ticket): Student {
    const { peers } = this.#options;
    // Everybody starts anew: what others got elsewhere while nobody was here is no claim of those who come now.
    if (this.idle) peers.drainRemoteService(this.#classroom.key);
    const account = this.#counters.join(seat.studentId, seat.weight);
    let student = this.#students.get(seat.studentId);
    if (student === undefined) {
      const line = new Line<Request>(seat.studentId);
      student = {
        id: line.student,
        account,
        line,
        weight: 1,
        requests: 0,
        waitingSinceMs: undefined,
        served: 0,
      };
      this.#students.set(student.id, student);
    }
    student.weight = seat.weight;
    student.requests += 1;
    this.#requests += 1;
    return student;
  }

  #depart(student: Student): void {
    student.requests -= 1;
    this.#requests -= 1;
    this.#options.onAsked?.(this);
    if (!this.idle) return;
    // Students stay until then: what every request enters and leaves must not be a Map, see Chain.
    this.#students = new Map();
    this.#counters.clear();
  }

  #hearPeers(): void {
    for (const [student, service] of this.#options.peers.drainRemoteService(this.#classroom.key)) {
      this.#counters.chargeRemote(student, service);
    }
  }

  #dispatchNext(): boolean {
    const next = this.#counters.next;
    const place = next === undefined ? undefined : this.#students.get(next.student)?.line.places.first;
    if (place === undefined) return false;
    const { ticket, handlers, student } = place.item;
    if (this.#lacks(ticket.adapter)) return this.#refuseUnloaded(place, ticket.adapter);
    const { allowed, share } = this.#allowance();
    if (this.#running >= allowed) return false;
    const demand = { student: student.id, kvTokens: ticket.kvTokens, share, adapter: ticket.adapter };
    const engine = this.#options.engines.take(this.#classroom.key, demand);
    if (engine === undefined) return false;
    this.#takeOut(place);
    this.#running += 1;
    const times = { startedMs: this.#options.clock.monotonic(), enteredMs: place.arrivedMs };
    const turn = new ActiveTurn(this.#keeper, student, ticket, engine, times);
    this.#options.onWaited('dispatched', turn.waitedMs / 1000);
    handlers.onTurn(turn);
    return true;
  }

  /** There are engines, and none of them can be asked for the adapter: nobody must wait behind this request. */
  #lacks(adapter: AdapterRecord | undefined): adapter is AdapterRecord {
    if (adapter === undefined) return false;
    const { engines } = this.#options;
    const { key } = this.#classroom;
    return engines.readyCount(key) > 0 && !engines.mayServe(key, adapter);
  }

  /** @returns true: the next one may be dispatched */
  #refuseUnloaded(place: Place<Request>, { model }: AdapterRecord): boolean {
    this.#takeOut(place);
    const refusal = refuse(
      'adapter_not_loaded',
      { ...ofClass(this.#classroom), model },
      { retryAfterSeconds: ADAPTER_RETRY_SECONDS },
    );
    this.#endWait(place, 'refused');
    place.item.handlers.onRefused(refusal);
    return true;
  }

  /** Requests that may run at a time, and which share of all that is. */
  #allowance(): { allowed: number; share: number } {
    const { engines, peers } = this.#options;
    const { key, engine } = this.#classroom;
    engines.plan(key, engine?.maxNumSeqs ?? DEFAULT_MAX_NUM_SEQS);
    const capacity = engines.capacityOf(key);
    if (capacity === 0) return { allowed: 0, share: 1 };
    const allowed = peers.shareOf(key, capacity);
    return { allowed, share: allowed / capacity };
  }

  #otherEngine(engine: EngineUse, student: Student, { kvTokens, adapter }: Ticket): EngineUse | undefined {
    const demand = { student: student.id, kvTokens, share: 1, except: new Set([engine.id]), adapter };
    return this.#options.engines.take(this.#classroom.key, demand);
  }

  #finish(student: Student, engine: EngineUse, { usage, fault, startedMs }: TurnEnding): void {
    if (usage !== undefined) {
      const tookMs = this.#options.clock.monotonic() - startedMs;
      this.#serviceMs += SERVICE_SMOOTHING * (tookMs - this.#serviceMs);
    }
    this.#running -= 1;
    this.#depart(student);
    engine.release(fault ?? (usage === undefined ? undefined : 'answered'));
    this.dispatch();
  }

  #charge(student: Student, service: number): void {
    if (service === 0) return;
    this.#counters.charge(student.account, service);
    student.served += service / student.weight;
    this.#options.peers.served(this.#classroom.key, student.id, service);
  }

  /** It no longer waits. @returns false when it did not before */
  #takeOut(place: Place<Request>): boolean {
    if (!this.#room.remove(place)) return false;
    const { student } = place.item;
    if (student.line.places.length === 0) {
      this.#counters.leave(student.account);
      student.waitingSinceMs = undefined;
    }
    return true;
  }

  #cancel(place: Place<Request>): void {
    if (!this.#takeOut(place)) return;
    this.#endWait(place, 'left');
  }

  #endWait(place: Place<Request>, end: WaitEnd): void {
    this.#options.onWaited(end, (this.#options.clock.monotonic() - place.arrivedMs) / 1000);
    this.#depart(place.item.student);
    if (this.#room.size === 0) this.#stopTimer();
    // The one that could not be placed may have held up others.
    this.dispatch();
  }

  #refuseOverflow(arrived: Place<Request>): void {
    for (
      let over = this.#room.overflow(arrived);
      over !== undefined && this.#takeOut(over.place);
      over = this.#room.overflow(arrived)
    ) {
      this.#refuseFull(over.place, wordsOf(over.passed));
    }
  }

  /** Gives up the newest of the student who has most bytes waiting. @returns false when nothing waits */
  refuseLargest(): boolean {
    const place = this.#room.largest;
    if (place === undefined || !this.#takeOut(place)) return false;
    this.#refuseFull(place, { whose: 'gateway', what: `${this.#options.bounds.bytesOfAll} bytes` });
    return true;
  }

  #refuseFull(place: Place<Request>, words: FullWords): void {
    const { handlers, student } = place.item;
    const refusal = refuse(
      'queue_full',
      { ...ofClass(this.#classroom), ...words },
      { retryAfterSeconds: this.#expectedWaitSeconds(student) },
    );
    this.#endWait(place, 'refused');
    handlers.onRefused(refusal);
  }

  /** Refuses what has waited too long, and sets the timer for what has not. */
  #expire(): void {
    const nowMs = this.#options.clock.monotonic();
    this.#measureFairness(nowMs);
    for (let oldest = this.#room.oldest; oldest !== undefined; oldest = this.#room.oldest) {
      const leftMs = Math.min(this.#deadlineOf(oldest) - nowMs, this.#closesInMs());
      if (leftMs > 0) {
        this.#timer ??= this.#options.clock.setTimeout(() => {
          this.#timer = undefined;
          this.#expire();
        }, leftMs);
        return;
      }
      this.#refuseLate(oldest, nowMs);
    }
    this.#stopTimer();
  }

  #refuseLate(place: Place<Request>, nowMs: number): void {
    this.#takeOut(place);
    const { handlers, student } = place.item;
    const waitedSeconds = Math.round((nowMs - place.arrivedMs) / 1000);
    const refusal = this.#hasEngine
      ? refuse(
          'queue_timeout',
          { ...ofClass(this.#classroom), seconds: waitedSeconds },
          { retryAfterSeconds: this.#expectedWaitSeconds(student) },
        )
      : this.#noEngine(waitedSeconds);
    this.#endWait(place, 'refused');
    handlers.onRefused(refusal);
  }

  #noEngine(waitedSeconds: number): Refusal {
    const moment = this.#moment();
    if (moment?.closed !== undefined) return moment.closed;
    const named = ofClass(this.#classroom);
    const start = this.#engineStart();
    if (start === undefined) {
      return refuse('no_engine_ready', named, { retryAfterSeconds: NO_ENGINE_RETRY_SECONDS });
    }
    const { loadSeconds } = start;
    const leftSeconds = loadSeconds === undefined ? 0 : loadSeconds - waitedSeconds;
    const retryAfterSeconds = leftSeconds > 0 ? leftSeconds : WAKE_RETRY_SECONDS;
    const details = { ...named, loadSeconds, waitedSeconds, retrySeconds: retryAfterSeconds };
    return refuse('engine_starting', details, { retryAfterSeconds });
  }

  #moment(): ClassMoment | undefined {
    return this.#options.momentOf?.(this.#classroom.key);
  }

  /** Undefined: nothing says that an engine is to come. */
  #engineStart(): ClassroomRecord['engineStart'] {
    return (this.#moment()?.classroom ?? this.#classroom).engineStart;
  }

  /** Until a class without engines is closed, in which nobody starts one any more. What has an engine is served. */
  #closesInMs(): number {
    const moment = this.#hasEngine ? undefined : this.#moment();
    if (moment === undefined) return Number.POSITIVE_INFINITY;
    if (moment.closed !== undefined) return 0;
    const closesMs = moment.opening.nextChangeMs;
    return closesMs === undefined ? Number.POSITIVE_INFINITY : closesMs - this.#options.clock.now();
  }

  /**
   * The two waits have budgets of their own, each from when it began; with engines that come and go, both together are
   * the most. Whoever came first has the first deadline, so one timer is enough.
   */
  #deadlineOf({ arrivedMs }: Place<Request>): number {
    const { busyWaitMs, engineWaitMs, wakeWaitMs } = this.#options.bounds;
    const noEngineMs = (): number => (this.#engineStart() === undefined ? engineWaitMs : wakeWaitMs);
    const budgetMs = this.#hasEngine ? busyWaitMs : noEngineMs();
    const longestMs = busyWaitMs + Math.max(engineWaitMs, wakeWaitMs);
    return Math.min(Math.max(arrivedMs, this.#sinceMs) + budgetMs, arrivedMs + longestMs);
  }

  /** When a request that this student sends then would have its turn, if answers take as long as they did lately. */
  #expectedWaitSeconds({ line }: Student): number {
    const own = line.places.length;
    // Students take turns, so whoever has more waiting does not stand before the others.
    const ahead = Math.min(this.#room.size, (own + 1) * this.#room.students);
    const slots = Math.max(1, this.#allowance().allowed);
    const seconds = ((ahead / slots) * this.#serviceMs) / 1000;
    return Math.min(LONGEST_RETRY_SECONDS, Math.max(1, Math.ceil(seconds)));
  }

  #measureFairness(nowMs: number): void {
    if (nowMs - this.#windowStartMs < FAIRNESS_WINDOW_MS) return;
    const shares: number[] = [];
    for (const student of this.#students.values()) {
      const { waitingSinceMs, served } = student;
      if (waitingSinceMs !== undefined && waitingSinceMs <= this.#windowStartMs) shares.push(served);
      student.served = 0;
    }
    this.#fairness = jainIndex(shares);
    this.#windowStartMs = nowMs;
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

type FullWords = Pick<ErrorDetails<'queue_full'>, 'whose' | 'what'>;

/** What the message of a full queue says of the bound. */
function wordsOf({ bound, limit }: Passed): FullWords {
  const whose = bound === 'requestsPerStudent' || bound === 'bytesPerStudent' ? 'student' : 'class';
  const isCount = bound === 'requestsPerStudent' || bound === 'requestsPerClass';
  return { whose, what: isCount ? `${limit} ${limit === 1 ? 'request' : 'requests'}` : `${limit} bytes` };
}
