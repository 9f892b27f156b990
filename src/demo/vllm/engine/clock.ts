/** Cancels a timer; harmless once it has fired. */
export type CancelTimer = () => void;

/** Time as the simulator sees it. Tests pass one that they move by hand. */
export interface Clock {
  /** Milliseconds that never run backwards, from an arbitrary start. */
  nowMs(): number;
  /** Wall clock, milliseconds since the epoch, for `created` fields and log lines. */
  wallMs(): number;
  /** Calls back once after at least `delayMs`. */
  after(delayMs: number, callback: () => void): CancelTimer;
}

/** The machine's own time. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
