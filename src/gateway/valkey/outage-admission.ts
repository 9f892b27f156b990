import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/log.ts';
import { createLocalDays } from '../../timetable/local-day.ts';
import type { Seat } from '../identity/seat.ts';
import type { Admission, Admitted, Lease, RequestCost } from '../limits/admission.ts';
import type { LimitJournal, SubjectState } from '../limits/journal.ts';
import type { LimitState } from '../limits/limit-state.ts';
import { createLocalAdmission } from '../limits/local-admission.ts';
import type { Settlement } from '../limits/settlement.ts';
import type { Standing } from './class-store.ts';
import { partOfSeat, partOfState } from './outage-limits.ts';

/** How students and classes stood when the store was heard last. */
export interface LastKnown {
  standingOf(seat: Seat): Standing | undefined;
  states(): Iterable<SubjectState>;
}

export interface OutageAdmissionOptions {
  readonly lastKnown: LastKnown;
  /** When the store was lost. */
  readonly replicas: number;
  readonly newLeaseId: () => string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Admission by this replica's part of the limits, for one outage of the store. */
export interface OutageAdmission {
  /** Undefined: the seat has a budget of which nothing is known. */
  admit(seat: Seat, cost: RequestCost): Promise<Admitted | undefined>;
  settle(lease: Lease, settlement: Settlement): Promise<void>;
  limitsOf(seat: Seat): Promise<readonly LimitState[]>;
}

/** Longer than any request takes: whoever asked knows which of them have ended. */
const LEASE_MS = 24 * 3_600_000;

/** Goes on from what was last known. */
export function createOutageAdmission(options: OutageAdmissionOptions): OutageAdmission {
  const { lastKnown, replicas, clock } = options;
  const dayOf = createLocalDays();
  const local: Promise<Admission> = createLocalAdmission({
    ...options,
    leaseMs: LEASE_MS,
    journal: volatile(options),
  });
  const partOf = (seat: Seat): Seat | undefined => {
    const { day } = dayOf(seat.classroom.timeZone, clock.now());
    return partOfSeat(seat, lastKnown.standingOf(seat), replicas, day);
  };
  return {
    async admit(seat, cost) {
      const part = partOf(seat);
      return part === undefined ? undefined : (await local).admit(part, cost);
    },
    settle: async (lease, settlement) => (await local).settle(lease, settlement),
    async limitsOf(seat) {
      const part = partOf(seat);
      return part === undefined ? [] : (await local).limitsOf(part);
    },
  };
}

/** Nothing is kept: what ends during the outage is booked in the store when that is back. */
function volatile({ lastKnown, replicas }: OutageAdmissionOptions): LimitJournal {
  return {
    load: () => ({
      subjects: [...lastKnown.states()].map((state) => partOfState(state, replicas)),
      leases: [],
    }),
    async admitted() {},
    async settled() {},
    withdrawn() {},
    throttled() {},
  };
}
