import { type AskedClassroom, type Demand, demandLease } from '../../api/demand.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock, Timer } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { leases } from '../../kube/resources.ts';
import { DEMAND_FIELD_MANAGER } from '../../reconcile/field-managers.ts';
import type { AskedClass, OnAsked } from './asked-class.ts';

/** Tells the operator, by a Lease for each class, that the class is asked. Traffic never waits for it. */
export interface DemandPublisher {
  readonly onAsked: OnAsked;
  /** Gives up what is under way. */
  stop(): void;
}

export interface DemandPublisherOptions {
  readonly client: Pick<KubeClient, 'apply'>;
  /** The object of a class; undefined: it is gone. */
  readonly classroomOf: (classroomKey: string) => AskedClassroom | undefined;
  /** Tells replicas apart, see `demandLease`. */
  readonly replica: string;
  /** This replica for people. */
  readonly holder: string;
  /** Hears of every write whether it succeeded. */
  readonly onWritten: (isWritten: boolean) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long a request must have waited in a class without an engine before one is asked for. */
export const WAKE_AFTER_MS = 1_000;
/** A class is written at most so often, but for the one time that wakes it. */
export const WRITE_EVERY_MS = 15_000;
/** Counts that stay the same are confirmed so often while anything waits or runs, well within the time they count. */
export const CONFIRM_EVERY_MS = 60_000;
/** How long counts may be believed: a replica that was killed holds no GPU for longer. */
export const TRUSTED_SECONDS = 150;
const LONGEST_RETRY_MS = 15_000;

interface Counts {
  readonly inFlight: number;
  readonly queued: number;
}

const NONE: Counts = { inFlight: 0, queued: 0 };

/** Nothing is written, and there is no timer, while nobody asks. */
export function createDemandPublisher(options: DemandPublisherOptions): DemandPublisher {
  const classes = new Map<string, ClassDemand>();
  const stopped = new AbortController();
  return {
    onAsked(asked) {
      let known = classes.get(asked.key);
      if (known === undefined) {
        const forget = (): void => void classes.delete(asked.key);
        known = new ClassDemand(asked, { ...options, signal: stopped.signal, forget });
        classes.set(asked.key, known);
      }
      known.hear(asked);
    },
    stop() {
      stopped.abort();
      for (const one of classes.values()) one.stop();
      classes.clear();
    },
  };
}

interface ClassDemandOptions extends DemandPublisherOptions {
  readonly signal: AbortSignal;
  /** The class is gone. */
  readonly forget: () => void;
}

/** What is known of one class, and what was written. */
class ClassDemand {
  readonly #options: ClassDemandOptions;
  #asked: AskedClass;
  /** Epoch ms. */
  #lastAskedMs = 0;
  /** At the busiest moment since the last write. */
  #peak: Counts = NONE;
  #written: Counts = NONE;
  /** On the monotonic clock. */
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #hasNews = false;
  #failures = 0;
  #isWriting = false;
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(asked: AskedClass, options: ClassDemandOptions) {
    this.#asked = asked;
    this.#options = options;
  }

  hear(asked: AskedClass): void {
    this.#asked = asked;
    if (this.#counts) {
      this.#lastAskedMs = this.#options.clock.now();
      this.#hasNews = true;
      if (sumOf(this.#now) > sumOf(this.#peak)) this.#peak = this.#now;
    } else if (differs(this.#now, this.#written)) this.#hasNews = true;
    this.#wait();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  get #now(): Counts {
    return this.#counts ? { inFlight: this.#asked.running, queued: this.#asked.waiting } : NONE;
  }

  /** A client that asks and leaves at once must not have an engine started, by whatever it is told of. */
  get #counts(): boolean {
    const { hasEngine, running, waitingSinceMs } = this.#asked;
    if (hasEngine || running > 0) return true;
    return waitingSinceMs !== undefined && this.#options.clock.monotonic() - waitingSinceMs >= WAKE_AFTER_MS;
  }

  get #isActive(): boolean {
    return sumOf(this.#now) > 0;
  }

  /** On the monotonic clock; undefined: there is nothing to say. */
  get #dueMs(): number | undefined {
    const { hasEngine, waitingSinceMs } = this.#asked;
    if (this.#failures > 0) return this.#writtenAtMs + retryMs(this.#failures);
    // Written once: what waits in vain goes on waiting without a write for every request.
    if (!hasEngine && waitingSinceMs !== undefined && this.#written.queued === 0) {
      return Math.max(waitingSinceMs + WAKE_AFTER_MS, this.#writtenAtMs + WAKE_AFTER_MS);
    }
    if (this.#hasNews) return Math.max(this.#writtenAtMs + WRITE_EVERY_MS, 0);
    return this.#isActive ? this.#writtenAtMs + CONFIRM_EVERY_MS : undefined;
  }

  #wait(): void {
    const dueMs = this.#dueMs;
    if (this.#isWriting || dueMs === undefined || dueMs >= this.#timerAtMs) return;
    this.stop();
    const { clock } = this.#options;
    this.#timerAtMs = dueMs;
    this.#timer = clock.setTimeout(() => this.#onTimer(), Math.max(0, dueMs - clock.monotonic()));
  }

  #onTimer(): void {
    this.stop();
    const dueMs = this.#dueMs;
    if (dueMs === undefined) return;
    if (dueMs > this.#options.clock.monotonic()) this.#wait();
    else void this.#write();
  }

  async #write(): Promise<void> {
    const { client, classroomOf, replica, holder, clock, log, signal, forget, onWritten } = this.#options;
    const classroom = classroomOf(this.#asked.key);
    if (classroom === undefined) return forget();
    const demand = this.#demand();
    this.#isWriting = true;
    this.#hasNews = false;
    this.#peak = this.#now;
    this.#writtenAtMs = clock.monotonic();
    try {
      const lease = demandLease(classroom, replica, holder, demand);
      await client.apply(leases, lease, { fieldManager: DEMAND_FIELD_MANAGER, signal });
      onWritten(true);
      if (this.#failures > 0) log.info({ classroom: this.#asked.key }, 'Demand can be published again');
      this.#failures = 0;
      this.#written = demand;
      // What was said is the busiest moment; that it is over must be said too.
      if (differs(this.#now, demand)) this.#hasNews = true;
    } catch (error) {
      if (signal.aborted) return;
      onWritten(false);
      const fields = { classroom: this.#asked.key, ...describeError(error) };
      if (this.#failures === 0) {
        log.warn(fields, 'Demand cannot be published now: engines of this class may not be started');
      }
      this.#failures += 1;
      this.#hasNews = true;
    } finally {
      this.#isWriting = false;
    }
    this.#wait();
  }

  /** The busiest moment, unless that was said already. */
  #demand(): Demand {
    const counts = differs(this.#peak, this.#written) ? this.#peak : this.#now;
    if (this.#isActive) this.#lastAskedMs = this.#options.clock.now();
    return { ...counts, lastAskedMs: this.#lastAskedMs, trustedSeconds: TRUSTED_SECONDS };
  }
}

function differs(a: Counts, b: Counts): boolean {
  return a.inFlight !== b.inFlight || a.queued !== b.queued;
}

function sumOf({ inFlight, queued }: Counts): number {
  return inFlight + queued;
}

function retryMs(failures: number): number {
  return Math.min(LONGEST_RETRY_MS, WAKE_AFTER_MS * 2 ** (failures - 1));
}
