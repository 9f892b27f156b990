/** Whose use is asked for. A seat that is removed and made anew goes on where the student was. */
export interface Student {
  /** `namespace/name` of the Classroom. */
  readonly classroomKey: string;
  readonly studentId: string;
}

/** Local dates in the class's time zone, such as 2026-11-23. */
export interface UsageDays {
  readonly today: string;
  /** The Monday of this week; not after `today`. */
  readonly weekStart: string;
}

/** What a student used of one model in some period. Counts of requests that are over. */
export interface ModelUsage {
  /** The served name, or the adapter. */
  readonly model: string;
  /** Requests that were let in, however they ended. */
  readonly requests: number;
  /** Those of them whose answer was complete. */
  readonly completed: number;
  /** Requests that a limit or the queue refused; not among `requests`. */
  readonly throttled: number;
  /** How long the complete ones waited in the queue, from admission to dispatch, together, ms. */
  readonly queueWaitMs: number;
  /** Tokens that were charged. `cachedTokens` are among the prompt's. */
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** One entry for each model that was asked for in the period, by name. */
export type PeriodUsage = readonly ModelUsage[];

export interface StudentUsage {
  readonly today: PeriodUsage;
  /** From `weekStart` to now; `today` is in it. */
  readonly week: PeriodUsage;
  readonly total: PeriodUsage;
}

/**
 * Reads what was booked. A request counts on the `day` of its ledger entry, and is seen as soon as its settlement was
 * kept.
 */
export interface UsageReader {
  /** A student without entries has empty periods. @throws JournalUnavailableError the account cannot be read */
  usageOf(student: Student, days: UsageDays): Promise<StudentUsage>;
}
