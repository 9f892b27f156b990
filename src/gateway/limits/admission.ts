import { randomUUID } from 'node:crypto';
import type { TokenUsage } from '../answer/usage.ts';
import { type Refusal, refuse } from '../errors.ts';
import type { Seat } from '../identity/seat.ts';

/** What is known of a request before it runs. */
export interface RequestEstimate {
  /** Bytes of the request's body: an upper bound of the prompt's tokens. */
  readonly promptBytes: number;
  /** The most tokens the answer can have, after clamping; 0 for embeddings. */
  readonly maxOutputTokens: number;
}

/** The right to run one request. Must be settled exactly once. */
export interface Lease {
  readonly id: string;
  readonly seatKey: string;
}

/**
 * How a request ended.
 * - `completed`: the answer was complete
 * - `refused`: the engine said no, before the first byte of an answer
 * - `unanswered`: no engine could be asked, or it failed before the first byte
 * - `client-left`: the student closed the connection
 * - `interrupted`: the answer broke off: engine gone, time-out, access ended, gateway stopped
 */
export type OutcomeKind = 'completed' | 'refused' | 'unanswered' | 'client-left' | 'interrupted';

export interface Outcome {
  readonly kind: OutcomeKind;
  /** As the engine reported it; undefined when it did not get so far. */
  readonly usage: TokenUsage | undefined;
}

export type Admitted =
  | { readonly ok: true; readonly lease: Lease }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Decides which requests run, and hears how each ended.
 *
 * `admit` is one atomic decision over all limits: either nothing is taken, or a lease is given. `settle` is called
 * once for each lease, and the answer to the client ends only after it resolved.
 */
export interface Admission {
  admit(seat: Seat, request: RequestEstimate): Promise<Admitted>;
  settle(lease: Lease, outcome: Outcome): Promise<void>;
}

/** An {@link Admission} that can be looked into. */
export interface ConcurrencyAdmission extends Admission {
  /** Leases that are not settled. */
  readonly running: number;
}

/** Seconds after which a student is told to try again: answers of a class mostly take that long. */
const RETRY_AFTER_SECONDS = 2;

/**
 * Admission by `concurrentRequests` alone: as many leases at a time as the student's limit says, in this process.
 */
export function createConcurrencyAdmission(): ConcurrencyAdmission {
  const bySeat = new Map<string, Set<string>>();
  let running = 0;

  return {
    async admit(seat) {
      const leases = bySeat.get(seat.key) ?? new Set();
      const limit = seat.limits.concurrentRequests;
      if (leases.size >= limit) return { ok: false, refusal: tooMany(seat, leases.size, limit) };
      const lease: Lease = { id: randomUUID(), seatKey: seat.key };
      bySeat.set(seat.key, leases.add(lease.id));
      running += 1;
      return { ok: true, lease };
    },
    async settle(lease) {
      const leases = bySeat.get(lease.seatKey);
      if (!leases?.delete(lease.id)) throw new Error(`lease ${lease.id} was settled before`);
      if (leases.size === 0) bySeat.delete(lease.seatKey);
      running -= 1;
    },
    get running() {
      return running;
    },
  };
}

function tooMany({ classroom }: Seat, running: number, limit: number): Refusal {
  return refuse(
    'concurrent_requests_exceeded',
    { classroom: classroom.name, contact: classroom.contact, running, limit },
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  );
}
