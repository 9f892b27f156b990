import type { OutcomeKind } from '../gateway/limits/settlement.ts';
import type { UsageRow } from './extract.ts';
import { addUsage, type UsageSums } from './usage-sums.ts';

/** What some requests were and took: of a student, a class, a day, a model, or all together. */
export interface Figures {
  /** Let in, however they ended. */
  readonly requests: number;
  /** Those of them whose answer was complete. */
  readonly completed: number;
  /** Those that the engine refused, that no engine answered, that broke off, and that the student gave up. */
  readonly refused: number;
  readonly unanswered: number;
  readonly interrupted: number;
  readonly clientLeft: number;
  /** Not let in, or sent away by the queue; not among `requests`. */
  readonly throttled: number;
  readonly promptTokens: number;
  /** Of the prompt's. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** Prompt and completion. */
  readonly totalTokens: number;
  /** From admission to an engine; the mean over `completed`, null without any: of others it may not be known. */
  readonly queueWaitMsMean: number | null;
  readonly queueWaitMsMax: number;
  /** From admission to the first byte of an answer; the mean over those that had one. */
  readonly firstTokenMsMean: number | null;
  readonly firstTokenMsMax: number;
}

const NOTHING: UsageSums = {
  requests: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  queueWaitMsSum: 0,
  queueWaitMsMax: 0,
  firstTokenCount: 0,
  firstTokenMsSum: 0,
  firstTokenMsMax: 0,
};

/** Sums up rows of the account. */
export function figuresOf(rows: readonly UsageRow[]): Figures {
  const { promptTokens, completionTokens, cachedTokens, ...sums } = rows.reduce<UsageSums>(addUsage, NOTHING);
  const count = (outcome: OutcomeKind): number =>
    rows.reduce((sum, row) => sum + (row.outcome === outcome ? row.requests : 0), 0);
  const throttled = count('throttled');
  const requests = sums.requests - throttled;
  const completed = rows
    .filter(({ outcome }) => outcome === 'completed')
    .reduce<UsageSums>(addUsage, NOTHING);
  return {
    requests,
    completed: completed.requests,
    refused: count('refused'),
    unanswered: count('unanswered'),
    interrupted: count('interrupted'),
    clientLeft: count('client-left'),
    throttled,
    promptTokens,
    cachedTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    queueWaitMsMean: meanOf(completed.queueWaitMsSum, completed.requests),
    queueWaitMsMax: tenths(sums.queueWaitMsMax),
    firstTokenMsMean: meanOf(sums.firstTokenMsSum, sums.firstTokenCount),
    firstTokenMsMax: tenths(sums.firstTokenMsMax),
  };
}

function meanOf(sum: number, count: number): number | null {
  return count === 0 ? null : tenths(sum / count);
}

/** Of a ms: more digits say nothing. */
function tenths(ms: number): number {
  return Math.round(10 * ms) / 10;
}
