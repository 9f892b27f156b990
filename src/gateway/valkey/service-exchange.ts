import type { Clock } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import type { ActivitySource, ClassActivity, Peers } from '../queue/peers.ts';
import { type ActiveReplica, divideCapacity } from './capacity-shares.ts';
import { StateStoreUnavailableError } from './connection.ts';
import type { Keyspace } from './keys.ts';
import { formatReport, parseReport } from './peer-report.ts';
import type { ReplicaBoard } from './replica-board.ts';
import { OwnService, RemoteService } from './service-counts.ts';

export interface ServiceExchangeOptions {
  readonly board: ReplicaBoard;
  readonly keys: Keyspace;
  readonly replicaId: string;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The other replicas, by way of the state store. */
export interface ServiceExchange {
  readonly peers: Peers;
  /** Replicas at the last exchange that succeeded, this one among them. */
  readonly replicas: number;
  start(): void;
  /** Ends it and says goodbye, so that the others need not wait until this replica counts as gone. */
  stop(): Promise<void>;
}

interface ClassExchange {
  readonly own: OwnService;
  readonly remote: RemoteService;
  others: readonly ActiveReplica[];
  share: { readonly capacity: number; readonly slots: number } | undefined;
}

/**
 * Tells the others every `intervalMs` what students got here and who waits, and hears the same from them; for each
 * class that has requests here or had some a moment ago.
 *
 * While the store cannot be reached, what was heard last holds: a replica that took itself for the only one would give
 * the engines more than they can take.
 */
export function createServiceExchange(options: ServiceExchangeOptions): ServiceExchange {
  return new Exchange(options);
}

class Exchange implements ServiceExchange {
  readonly peers: Peers;
  readonly #options: ServiceExchangeOptions;
  readonly #classes = new Map<string, ClassExchange>();
  readonly #stopping = new AbortController();
  #local: ActivitySource | undefined;
  #loop: Promise<void> | undefined;
  #replicas = 1;
  #epochs = 0;

  constructor(options: ServiceExchangeOptions) {
    this.#options = options;
    this.peers = {
      observe: (local) => {
        this.#local = local;
      },
      served: (classroomKey, studentId, amount) => this.#classOf(classroomKey).own.add(studentId, amount),
      shareOf: (classroomKey, capacity) => this.#shareOf(classroomKey, Math.floor(capacity)),
      drainRemoteService: (classroomKey) => this.#classOf(classroomKey).remote.drain(),
    };
  }

  get replicas(): number {
    return this.#replicas;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    const classes = [...this.#classes.keys()];
    const { board, keys } = this.#options;
    try {
      await Promise.all([this.#count(''), ...classes.map((key) => board.exchange(keys.peers(key), ''))]);
    } catch (error) {
      // The others find out by themselves.
      if (!(error instanceof StateStoreUnavailableError)) throw error;
    }
  }

  async #run(): Promise<void> {
    const { clock, intervalMs, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await Promise.all([this.#count('here'), ...this.#toExchange().map((key) => this.#exchange(key))]);
      } catch (error) {
        // That the store is lost is told by its connection.
        if (!(error instanceof StateStoreUnavailableError)) {
          log.error(describeError(error), 'The replicas could not be told of service');
        }
      }
      await clock.sleep(intervalMs, signal).catch(() => {});
    }
  }

  async #count(text: string): Promise<void> {
    const { board, keys } = this.#options;
    this.#replicas = 1 + (await board.exchange(keys.replicas, text)).size;
  }

  #toExchange(): string[] {
    return [...new Set([...(this.#local?.activeClassrooms() ?? []), ...this.#classes.keys()])];
  }

  async #exchange(classroomKey: string): Promise<void> {
    const { board, keys } = this.#options;
    const known = this.#classOf(classroomKey);
    const activity = this.#local?.activityOf(classroomKey);
    const served = known.own.report();
    const isOver = activity === undefined && served.length === 0;
    const text = isOver ? '' : formatReport({ activity, served });
    const replies = await board.exchange(keys.peers(classroomKey), text);
    if (isOver && this.#local?.activityOf(classroomKey) === undefined) this.#classes.delete(classroomKey);
    this.#hear(known, replies);
    if (!isOver) this.#local?.shareChanged(classroomKey);
  }

  #hear(known: ClassExchange, replies: ReadonlyMap<string, string>): void {
    const heard = [...replies].flatMap(([id, text]) => {
      const report = parseReport(text);
      return report === undefined ? [] : [{ id, ...report }];
    });
    known.remote.take(new Map(heard.map(({ id, served }) => [id, served])));
    known.others = heard.flatMap(({ id, activity }) => (activity === undefined ? [] : [{ id, activity }]));
    known.share = undefined;
  }

  #shareOf(classroomKey: string, capacity: number): number {
    const known = this.#classOf(classroomKey);
    if (known.others.length === 0) return capacity;
    if (known.share?.capacity === capacity) return known.share.slots;
    const activity = this.#local?.activityOf(classroomKey) ?? NO_REQUESTS;
    const slots = this.#divide(capacity, activity, known.others);
    // Who has nothing yet may have its first request the next moment.
    if (activity.requests > 0) known.share = { capacity, slots };
    return slots;
  }

  #divide(capacity: number, activity: ClassActivity, others: readonly ActiveReplica[]): number {
    const { replicaId } = this.#options;
    return divideCapacity(capacity, [{ id: replicaId, activity }, ...others]).get(replicaId) ?? capacity;
  }

  #classOf(classroomKey: string): ClassExchange {
    const known = this.#classes.get(classroomKey);
    if (known !== undefined) return known;
    const fresh = {
      own: new OwnService(() => this.#epochs++),
      remote: new RemoteService(),
      others: [],
      share: undefined,
    };
    this.#classes.set(classroomKey, fresh);
    return fresh;
  }
}

const NO_REQUESTS: ClassActivity = { requests: 0, weights: new Map() };
