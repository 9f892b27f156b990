import type { OutcomeKind } from './settlement.ts';

/** Who a limit counts for: one student of a class, or the class as a whole. */
export interface Subject {
  /** `namespace/name` of the Classroom. */
  readonly classroomKey: string;
  /** Absent: the class. A seat that is removed and made anew goes on where the student was. */
  readonly studentId?: string | undefined;
}

/** Identifies a subject among all: no key of a class has a line break. */
export function subjectKeyOf({ classroomKey, studentId = '' }: Subject): string {
  return `${classroomKey}\n${studentId}`;
}

/** What the limits of one subject must remember. Times are epoch ms, so that they outlive the process. */
export interface SubjectState extends Subject {
  /** Theoretical arrival time of the next request, for the requests a minute. */
  readonly requestTatMs: number;
  /** Level of the bucket of tokens a minute at `tokensAtMs`; negative when in debt. */
  readonly tokens: number;
  readonly tokensAtMs: number;
  /** Local date in the class's time zone, such as 2026-11-23. */
  readonly day: string;
  /** Settled tokens of that day, and of all days. */
  readonly dayTokens: number;
  readonly totalTokens: number;
}

/** A lease that was given and is not settled: after a crash it is found here. */
export interface OpenLease {
  readonly id: string;
  readonly classroomKey: string;
  readonly studentId: string;
  readonly model: string;
  readonly admittedMs: number;
  /** Charged when nobody settles it. */
  readonly expectedPromptTokens: number;
  /** Taken from the bucket of tokens a minute of the student and of the class. */
  readonly studentReserved: number;
  readonly classroomReserved: number;
  /** Local date on which it counts. */
  readonly day: string;
  /** Epoch ms at which the session began in which it was given; absent: outside of all sessions. */
  readonly sessionStartMs?: number | undefined;
}

/** One line of the account. `throttled`: refused by a limit or by the queue. */
export interface LedgerEntry {
  readonly endedMs: number;
  /** Local date on which it counts: of the lease, or of `endedMs` where there was none. */
  readonly day: string;
  /** Of the lease, as {@link OpenLease.sessionStartMs}, or of `endedMs` where there was none. */
  readonly sessionStartMs?: number | undefined;
  /** Epoch ms between which the student's request was worked on, from its admission; absent: it never was. */
  readonly active?: { readonly fromMs: number; readonly toMs: number } | undefined;
  readonly classroomKey: string;
  readonly studentId: string;
  readonly model: string;
  readonly outcome: OutcomeKind;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly queueWaitMs: number;
  /** Undefined when no byte of an answer came. */
  readonly firstTokenMs: number | undefined;
}

/** Where limits and ledger are kept so that a crash takes nothing away. */
export interface LimitJournal {
  /** All that was kept. Called once, before anything else. */
  load(): { readonly subjects: readonly SubjectState[]; readonly leases: readonly OpenLease[] };
  /** Resolves when it is kept. @throws JournalUnavailableError nothing was kept */
  admitted(lease: OpenLease, subjects: readonly SubjectState[]): Promise<void>;
  /**
   * Ends the lease and books it, in one step. Must not be called again after a failure: the journal holds it in memory
   * and keeps it as soon as that works; a process that ends before finds the lease among the open ones.
   *
   * @throws JournalUnavailableError nothing was kept yet
   */
  settled(leaseId: string, subjects: readonly SubjectState[], entry: LedgerEntry): Promise<void>;
  /** How subjects stand when a lease that could not be kept was taken back; kept with the next write. */
  withdrawn(subjects: readonly SubjectState[]): void;
  /** Books a request that got no lease. It need not be kept at once. */
  throttled(entry: LedgerEntry): void;
}

/** The disk is full, or the file is damaged: new work must be refused, because it could not be counted. */
export class JournalUnavailableError extends Error {
  constructor(why: string, cause?: unknown) {
    super(`The account of used tokens cannot be written: ${why}`, { cause });
    this.name = 'JournalUnavailableError';
  }
}
