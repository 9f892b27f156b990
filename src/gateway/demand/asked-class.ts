/** A class that is asked, as those see it who have engines started for it. */
export interface AskedClass {
  /** `namespace/name`. */
  readonly key: string;
  /** Requests that wait for an engine. */
  readonly waiting: number;
  /** Requests that engines have from here. */
  readonly running: number;
  /** There is an engine that can be asked. */
  readonly hasEngine: boolean;
  /** Since when the one that waits longest does, ms of the monotonic clock; undefined: nothing waits. */
  readonly waitingSinceMs: number | undefined;
}

/** Hears of each request that comes and of each that ends, and of each class that loses or gets its only engine. */
export type OnAsked = (asked: AskedClass) => void;
