import type { Served } from './peer-report.ts';

/** Exchanges without service after which a student is forgotten. */
const FORGOTTEN_AFTER = 40;

interface Count {
  readonly epoch: number;
  total: number;
  quiet: number;
}

/** What students got from this replica, for one class. Sums, so that a report that nobody read loses nothing. */
export class OwnService {
  readonly #counts = new Map<string, Count>();
  readonly #nextEpoch: () => number;

  /** @param nextEpoch never the same number twice in the life of the replica */
  constructor(nextEpoch: () => number) {
    this.#nextEpoch = nextEpoch;
  }

  add(studentId: string, amount: number): void {
    const count = this.#counts.get(studentId);
    if (count === undefined) {
      this.#counts.set(studentId, { epoch: this.#nextEpoch(), total: amount, quiet: 0 });
    } else {
      count.total += amount;
      count.quiet = 0;
    }
  }

  /** What to tell now; called once for each exchange. */
  report(): Served[] {
    const served: Served[] = [];
    for (const [student, count] of this.#counts) {
      if (count.quiet++ >= FORGOTTEN_AFTER) this.#counts.delete(student);
      else served.push([student, count.epoch, count.total]);
    }
    return served;
  }
}

type Seen = ReadonlyMap<string, Served>;

const NOTHING: ReadonlyMap<string, number> = new Map();

/** What students got from the other replicas, for one class, as far as nobody has taken it. */
export class RemoteService {
  #seen = new Map<string, Seen>();
  #pending = new Map<string, number>();

  /**
   * Takes what the replicas say now. What one had counted before it was seen for the first time is history: it was
   * counted, or forgiven, when this replica was not there.
   */
  take(reports: ReadonlyMap<string, readonly Served[]>): void {
    const seen = new Map<string, Seen>();
    for (const [replica, served] of reports) {
      const before = this.#seen.get(replica);
      if (before !== undefined) for (const entry of served) this.#add(entry, before);
      seen.set(replica, new Map(served.map((entry) => [entry[0], entry])));
    }
    this.#seen = seen;
  }

  drain(): ReadonlyMap<string, number> {
    if (this.#pending.size === 0) return NOTHING;
    const pending = this.#pending;
    this.#pending = new Map();
    return pending;
  }

  #add([student, epoch, total]: Served, before: Seen): void {
    const last = before.get(student);
    const amount = last !== undefined && last[1] === epoch ? total - last[2] : total;
    if (amount !== 0) this.#pending.set(student, (this.#pending.get(student) ?? 0) + amount);
  }
}
