import type { UsageRow } from './extract.ts';

/** What rows of the account count, apart from whose they are. */
export type UsageSums = Omit<UsageRow, 'day' | 'session' | 'model' | 'outcome'>;

/** The sums with one row more; of waits also the longest. */
export function addUsage(sums: UsageSums, row: UsageSums): UsageSums {
  return {
    requests: sums.requests + row.requests,
    promptTokens: sums.promptTokens + row.promptTokens,
    cachedTokens: sums.cachedTokens + row.cachedTokens,
    completionTokens: sums.completionTokens + row.completionTokens,
    queueWaitMsSum: sums.queueWaitMsSum + row.queueWaitMsSum,
    queueWaitMsMax: Math.max(sums.queueWaitMsMax, row.queueWaitMsMax),
    firstTokenCount: sums.firstTokenCount + row.firstTokenCount,
    firstTokenMsSum: sums.firstTokenMsSum + row.firstTokenMsSum,
    firstTokenMsMax: Math.max(sums.firstTokenMsMax, row.firstTokenMsMax),
  };
}
