import type { TokenUsage } from '../token-usage.ts';

/**
 * How a request ended.
 * - `completed`: the answer was complete
 * - `refused`: the engine said no, before the first byte of an answer
 * - `unanswered`: no engine could be asked, or it failed before the first byte
 * - `client-left`: the student closed the connection
 * - `interrupted`: the answer broke off: engine gone, time-out, access ended, gateway stopped
 * - `throttled`: there was no place for it, in the queue or in time at an engine
 */
export const OUTCOME_KINDS = [
  'completed',
  'refused',
  'unanswered',
  'client-left',
  'interrupted',
  'throttled',
] as const;
export type OutcomeKind = (typeof OUTCOME_KINDS)[number];

/** What is booked when a request is over. */
export interface Settlement {
  readonly outcome: OutcomeKind;
  /** What is charged: as the engine reported it, or by the rule for answers that broke off. Undefined: nothing. */
  readonly usage: TokenUsage | undefined;
  /** The served name, or the adapter. */
  readonly model: string;
  /** From admission to dispatch, ms; undefined when it was never dispatched. */
  readonly queueWaitMs: number | undefined;
  /** From admission to the first byte of the answer, ms. */
  readonly firstTokenMs: number | undefined;
}
