/** The limits there are; the names are those of the API's fields. Those of the class count all students together. */
export const LIMIT_NAMES = [
  'concurrentRequests',
  'requestsPerMinute',
  'tokensPerMinute',
  'tokensPerDay',
  'tokensTotal',
  'classroom.requestsPerMinute',
  'classroom.tokensPerMinute',
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** How one limit stands. */
export interface LimitState {
  readonly name: LimitName;
  readonly limit: number;
  /** What is left now, never below 0; what running requests have reserved is not. */
  readonly remaining: number;
  /** Of a budget: what requests that have ended used of it. */
  readonly used?: number | undefined;
  /** Ms until all of it is there again; Infinity for one that nothing refills. */
  readonly resetMs: number;
}
