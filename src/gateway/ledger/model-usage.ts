import type { ModelUsage, PeriodUsage } from './usage-reader.ts';

/** Requests of one model that ended in one way: a row of the account. */
export interface OutcomeSums {
  readonly model: string;
  readonly outcome: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** Waits of those that were dispatched, together; the others add nothing. */
  readonly queueWaitMs: number;
}

/** Counts of a model, or of several together. */
export type UsageCounts = Omit<ModelUsage, 'model'>;

export const NO_USAGE: UsageCounts = {
  requests: 0,
  completed: 0,
  throttled: 0,
  queueWaitMs: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
};

export function addUsage(a: UsageCounts, b: UsageCounts): UsageCounts {
  return {
    requests: a.requests + b.requests,
    completed: a.completed + b.completed,
    throttled: a.throttled + b.throttled,
    queueWaitMs: a.queueWaitMs + b.queueWaitMs,
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  };
}

/** What rows of the account sum up to. */
export function usageByModel(rows: readonly OutcomeSums[]): PeriodUsage {
  const byModel = new Map<string, UsageCounts>();
  for (const row of rows) byModel.set(row.model, addUsage(byModel.get(row.model) ?? NO_USAGE, countsOf(row)));
  return [...byModel]
    .map(([model, counts]) => ({ model, ...counts }))
    .sort((a, b) => (a.model < b.model ? -1 : 1));
}

/** What a limit or the queue refused was never let in. */
function countsOf({
  outcome,
  requests,
  promptTokens,
  cachedTokens,
  completionTokens,
  queueWaitMs,
}: OutcomeSums): UsageCounts {
  return {
    requests: outcome === 'throttled' ? 0 : requests,
    completed: outcome === 'completed' ? requests : 0,
    throttled: outcome === 'throttled' ? requests : 0,
    // Of others it is not known whether they were dispatched, which a mean would need.
    queueWaitMs: outcome === 'completed' ? queueWaitMs : 0,
    promptTokens,
    cachedTokens,
    completionTokens,
  };
}
