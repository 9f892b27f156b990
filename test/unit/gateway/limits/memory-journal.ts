import {
  type LedgerEntry,
  type LimitJournal,
  type OpenLease,
  type SubjectState,
  subjectKeyOf,
} from '../../../../src/gateway/limits/journal.ts';

/** What a journal keeps, where a test can look. It outlives the admission that writes it, as a file does. */
export interface MemoryJournal extends LimitJournal {
  /** All that was booked, oldest first. */
  readonly entries: readonly LedgerEntry[];
}

/** An empty journal in memory. */
export function createMemoryJournal(): MemoryJournal {
  const states = new Map<string, SubjectState>();
  const leases = new Map<string, OpenLease>();
  const entries: LedgerEntry[] = [];
  const keep = (subjects: readonly SubjectState[]): void => {
    for (const state of subjects) states.set(subjectKeyOf(state), state);
  };
  return {
    entries,
    load: () => ({ subjects: [...states.values()], leases: [...leases.values()] }),
    async admitted(lease, subjects) {
      leases.set(lease.id, lease);
      keep(subjects);
    },
    async settled(leaseId, subjects, entry) {
      leases.delete(leaseId);
      keep(subjects);
      entries.push(entry);
    },
    withdrawn: keep,
    throttled: (entry) => void entries.push(entry),
  };
}
