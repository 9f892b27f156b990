/**
 * Virtual token counters: whose turn it is. Sheng et al., "Fairness in Serving Large Language Models", OSDI '24,
 * https://arxiv.org/abs/2401.00588, with a weight for each student.
 *
 * Each student has a counter of the service they got, divided by their weight. The student who waits with the least
 * counter is next. One who comes back after not waiting is lifted to the least counter of those who wait, so that
 * nobody saves up claims; and nobody is ever lowered, so that nobody loses the memory of what they got.
 */
import { type HeapNode, LeastHeap } from './least-heap.ts';

/** Service of one prompt token and of one output token: the paper's w_p and w_q (§4.1). */
export const PROMPT_TOKEN_SERVICE = 1;
export const OUTPUT_TOKEN_SERVICE = 2;

/** Counters are moved down together before their fractions would get lost: at 2^40 a double still tells 2^-12 apart. */
const REBASE_ABOVE = 2 ** 40;

/** What tokens count as service. */
export function serviceOf(promptTokens: number, outputTokens: number): number {
  return PROMPT_TOKEN_SERVICE * promptTokens + OUTPUT_TOKEN_SERVICE * outputTokens;
}

/** The counter of one student. Only {@link VirtualCounters} changes it. */
export interface Account {
  readonly student: string;
  /** Undefined for a student of whom only other replicas have told so far. */
  weight: number | undefined;
  /** Service by weight. */
  counter: number;
  /** Service elsewhere that still has to be divided by the weight. */
  unweighted: number;
  /** While the student waits. Its key may lag behind the counter, never be ahead of it. */
  node: HeapNode<Account> | undefined;
}

/** The counters of the students of one class. */
export class VirtualCounters {
  #accounts = new Map<string, Account>();
  readonly #waiting = new LeastHeap<Account>();
  /** Who stopped waiting last: the measure for whoever comes while nobody waits. */
  #lastLeft: Account | undefined;

  /** Students whose counters are kept. */
  get size(): number {
    return this.#accounts.size;
  }

  /** Whose turn it is, of those who wait. */
  get next(): Account | undefined {
    for (let least = this.#waiting.least; least !== undefined; least = this.#waiting.least) {
      // Service that was charged since is only looked at here, so that a streamed frame costs one addition.
      if (least.key === least.item.counter) return least.item;
      this.#waiting.move(least, least.item.counter);
    }
    return undefined;
  }

  /** The student has something waiting from now on. Does nothing to one who waits, but for the weight. */
  join(student: string, weight: number): Account {
    const account = this.#account(student);
    account.weight = weight;
    account.counter += account.unweighted / weight;
    account.unweighted = 0;
    if (account.node !== undefined) return account;
    const floor = this.#floor;
    account.counter = Math.max(account.counter, floor);
    account.node = this.#waiting.add(account, account.counter);
    if (floor > REBASE_ABOVE) this.#rebase(floor);
    return account;
  }

  /** The student has nothing waiting any more. */
  leave(account: Account): void {
    if (account.node === undefined) return;
    this.#waiting.remove(account.node);
    account.node = undefined;
    this.#lastLeft = account;
  }

  /** @param service that the student got; less than 0 takes back what was charged too much */
  charge(account: Account, service: number): void {
    if (account.weight === undefined) {
      account.unweighted += service;
      return;
    }
    account.counter += service / account.weight;
    const { node } = account;
    if (node !== undefined && account.counter < node.key) this.#waiting.move(node, account.counter);
  }

  /** Service that another replica gave. To one who does not wait here, it counts from where the others are now. */
  chargeRemote(student: string, service: number): void {
    const account = this.#account(student);
    if (account.node === undefined && account.weight !== undefined) {
      account.counter = Math.max(account.counter, this.#floor);
    }
    this.charge(account, service);
  }

  /** Forgets everybody. Nobody may wait. */
  clear(): void {
    if (this.#waiting.size > 0) throw new Error('the counters of students who wait cannot be forgotten');
    // In the place of `clear`: V8 would link the old table to the new one, see Chain.
    this.#accounts = new Map();
    this.#lastLeft = undefined;
  }

  /** The level to which newcomers are lifted. */
  get #floor(): number {
    return this.next?.counter ?? this.#lastLeft?.counter ?? 0;
  }

  #account(student: string): Account {
    const known = this.#accounts.get(student);
    if (known !== undefined) return known;
    const account = { student, weight: undefined, counter: this.#floor, unweighted: 0, node: undefined };
    this.#accounts.set(student, account);
    return account;
  }

  /** Differences are all that counts. Whoever is below the floor does not wait, and would be lifted to it anyway. */
  #rebase(floor: number): void {
    this.#waiting.shift(-floor);
    for (const account of this.#accounts.values()) account.counter = Math.max(0, account.counter - floor);
  }
}
