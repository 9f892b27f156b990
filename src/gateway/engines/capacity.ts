/**
 * How many requests an engine is given at a time. The queue must be here and not in the engine: what waits there
 * waits in the order in which it came, and fairness ends.
 */

/** What an engine says of itself. */
export interface EngineLoad {
  /** Requests it computes. */
  readonly running: number;
  /** Requests that wait in it, for whatever reason. */
  readonly waiting: number;
  /** Share of its KV cache in use, 0 to 1. */
  readonly kvUsage: number;
  /** Tokens its KV cache holds; undefined while it does not say. */
  readonly kvTokens: number | undefined;
}

/** The bound of one engine as it was learned. */
export interface EngineWindow {
  /** Requests at a time, a whole number of at least 1 after rounding down. */
  readonly requests: number;
  /** The engine had requests waiting when it was last asked. */
  readonly waited: boolean;
}

/** The least share of the window that is left after one answer. */
const DECREASE = 0.75;
/** Share of the planned requests by which the window opens again with each answer, but at least one request. */
const INCREASE = 1 / 64;
/** Above this the next request would soon push another one out of the KV cache, which computes it twice. */
const FULL_KV_USAGE = 0.95;

/** Nothing is known: as planned. */
export function openWindow(planned: number): EngineWindow {
  return { requests: planned, waited: false };
}

/**
 * Additive increase, multiplicative decrease on what the engine says. It has to have requests waiting in two answers in
 * a row, or with a full KV cache: a request that has just arrived waits for the end of a step, and that is no queue. What
 * waits is what the window was too wide by, so it closes by that, and by a quarter at most. A window that was
 * closed stays as it is until the engine has no more than that from here: what was given before may wait in it for long.
 *
 * @param planned requests the engine computes together; the window never exceeds it
 * @param inFlight requests that the engine has from here
 */
export function adjustWindow(
  window: EngineWindow,
  load: EngineLoad,
  planned: number,
  inFlight: number,
): EngineWindow {
  const waits = load.waiting > 0;
  const isFull = load.kvUsage >= FULL_KV_USAGE;
  if (waits && inFlight > window.requests) return { requests: window.requests, waited: true };
  if (waits && (window.waited || isFull)) {
    const reached = Math.min(window.requests, load.running + load.waiting, planned);
    const surplus = isFull ? reached : load.waiting;
    return { requests: Math.max(1, reached * DECREASE, reached - surplus), waited: true };
  }
  if (waits || isFull) return { requests: window.requests, waited: waits };
  const opened = window.requests + Math.max(1, planned * INCREASE);
  return { requests: Math.min(planned, opened), waited: false };
}

/** Requests at a time that the window allows. */
export function windowOf(window: EngineWindow, planned: number): number {
  return Math.max(1, Math.floor(Math.min(window.requests, planned)));
}

/** What this gateway has running on an engine. */
export interface EngineUsage {
  readonly requests: number;
  /** The most tokens these requests can occupy. */
  readonly kvTokens: number;
}

/**
 * Whether one more request fits. One that is larger than the whole KV cache fits on an empty engine: that its prompt
 * is too long is the engine's to say.
 *
 * @param share of the engine that is this replica's, over 0 to 1
 */
export function fits(
  used: EngineUsage,
  kvTokens: number,
  allowed: number,
  kvCapacity: number | undefined,
  share: number,
): boolean {
  if (used.requests >= Math.max(1, Math.ceil(allowed * share))) return false;
  return kvCapacity === undefined || used.requests === 0 || used.kvTokens + kvTokens <= kvCapacity * share;
}
