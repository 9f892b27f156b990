/**
 * Requests a minute by the generic cell rate algorithm: a minute's requests may come at once, and then each comes
 * back after its share of the minute. What is remembered is the theoretical arrival time (TAT): the moment at which
 * all requests will have come back.
 *
 * Computed in whole µs, so that nothing is lost to rounding however many requests there were.
 *
 * @see https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */

const MINUTE_US = 60_000_000;

export type RequestDecision =
  | { readonly ok: true; readonly tatMs: number }
  /** `retryMs`: the same request is admitted after exactly that time if nothing else comes. */
  | { readonly ok: false; readonly retryMs: number };

/**
 * Takes one request.
 *
 * @param tatMs epoch ms; 0 for one that never asked
 * @param nowMs epoch ms, whole
 */
export function takeRequest(tatMs: number, limit: number, nowMs: number): RequestDecision {
  const stepUs = stepOf(limit);
  const waitUs = owedUs(tatMs, limit, nowMs) + stepUs - limit * stepUs;
  if (waitUs > 0) return { ok: false, retryMs: Math.ceil(waitUs / 1000) };
  return { ok: true, tatMs: nowMs + (owedUs(tatMs, limit, nowMs) + stepUs) / 1000 };
}

/** Gives a request back that was taken and came to nothing. */
export function returnRequest(tatMs: number, limit: number): number {
  return tatMs - stepOf(limit) / 1000;
}

/** How many requests may come now, and after how many ms all may. */
export function requestsLeft(
  tatMs: number,
  limit: number,
  nowMs: number,
): { readonly remaining: number; readonly resetMs: number } {
  const owed = owedUs(tatMs, limit, nowMs);
  return { remaining: limit - Math.ceil(owed / stepOf(limit)), resetMs: Math.ceil(owed / 1000) };
}

/**
 * A TAT that was kept, by a clock that may have been set back since: without this a student would be shut out until
 * the clock has caught up.
 */
export function tatAfterClockChange(tatMs: number, nowMs: number): number {
  return Math.min(tatMs, nowMs + MINUTE_US / 1000);
}

/** Rounded up, so that a minute never has more than the limit. */
function stepOf(limit: number): number {
  return Math.ceil(MINUTE_US / limit);
}

/** How far the TAT lies ahead, at most a whole burst. Of a changed limit the same part is used as of the old one. */
function owedUs(tatMs: number, limit: number, nowMs: number): number {
  const ahead = Math.round((tatMs - nowMs) * 1000);
  return Math.min(Math.max(0, ahead), limit * stepOf(limit));
}
