import { randomUUID } from 'node:crypto';
import { type Refusal, refuse } from '../errors.ts';
import type { Seat } from '../identity/seat.ts';
import type { Admission, Lease } from './admission.ts';

/** Seconds after which a student is told to try again: answers of a class mostly take that long. */
const RETRY_AFTER_SECONDS = 2;

/** Admission by `concurrentRequests` alone: as many leases at a time as the student's limit says, in this process. */
export function createConcurrencyAdmission(): Admission {
  const bySeat = new Map<string, Set<string>>();
  let running = 0;

  return {
    async admit(seat, cost) {
      const leases = bySeat.get(seat.key) ?? new Set();
      const limit = seat.limits.concurrentRequests;
      if (leases.size >= limit) return { ok: false, refusal: tooMany(seat, leases.size, limit), limits: [] };
      const lease: Lease = {
        id: randomUUID(),
        seatKey: seat.key,
        classroomKey: seat.classroom.key,
        outputTokens: cost.outputTokens,
      };
      bySeat.set(seat.key, leases.add(lease.id));
      running += 1;
      return { ok: true, lease, limits: [] };
    },
    async settle(lease) {
      const leases = bySeat.get(lease.seatKey);
      if (!leases?.delete(lease.id)) throw new Error(`lease ${lease.id} was settled before`);
      if (leases.size === 0) bySeat.delete(lease.seatKey);
      running -= 1;
    },
    limitsOf: async () => [],
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
