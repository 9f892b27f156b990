import type { Refusal } from '../errors.ts';
import type { Seat } from '../identity/seat.ts';
import type { LimitState } from './limit-state.ts';
import type { Settlement } from './settlement.ts';

/** What a request can cost at most, in tokens. Known before it runs. */
export interface RequestCost {
  /** The served name, or the adapter. */
  readonly model: string;
  /** Never fewer than the engine will count. */
  readonly promptTokens: number;
  /** What the engine will probably count: charged when the gateway dies before it knows. */
  readonly expectedPromptTokens: number;
  /** The most tokens one answer can have, after clamping; 0 for embeddings. */
  readonly outputTokens: number;
  /** Answers that were asked for (`n`). */
  readonly answers: number;
}

/** The right to run one request. Must be settled exactly once. */
export interface Lease {
  readonly id: string;
  readonly seatKey: string;
  readonly classroomKey: string;
  /**
   * Tokens one answer may have: less than was asked for when the day's budget is nearly used up. The engine must be
   * held to it.
   */
  readonly outputTokens: number;
}

export type Admitted = (
  | { readonly ok: true; readonly lease: Lease }
  | { readonly ok: false; readonly refusal: Refusal }
) & {
  readonly limits: readonly LimitState[];
  /** Decided without the store that the replicas share, by this replica's part of the limits. */
  readonly degraded?: boolean | undefined;
};

/**
 * Decides which requests run, and hears how each ended.
 *
 * `admit` is one atomic decision over all limits of student and class: either nothing is taken, or a lease is given.
 * `settle` is called once for each lease; when it resolves, the charge is where a crash cannot take it away, and only
 * then the answer to the client ends.
 */
export interface Admission {
  admit(seat: Seat, cost: RequestCost): Promise<Admitted>;
  settle(lease: Lease, settlement: Settlement): Promise<void>;
  /** The limits of a seat as they stand now; nothing is taken. */
  limitsOf(seat: Seat): Promise<readonly LimitState[]>;
  /** Leases of this process that are not settled. */
  readonly running: number;
}
