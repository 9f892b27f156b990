/**
 * Tokens a minute by a bucket that holds a minute's tokens, fills evenly, and may be in debt: what a request used
 * beyond its reservation is taken when it is known, and must have flowed in again before the next one.
 *
 * Computed in whole shares of a token (one is what a limit of 1 gains in 1 ms), so that fractions are kept and nothing
 * is lost to rounding.
 */

const SHARES = 60_000;

/** The level of a bucket nobody has used: full, however large it is. Finite, because it is stored as a number. */
export const UNTOUCHED = Number.MAX_SAFE_INTEGER;

export interface Bucket {
  /** Negative when in debt. */
  readonly tokens: number;
  /** Epoch ms at which that was the level. */
  readonly tokensAtMs: number;
}

export type TokenDecision =
  | { readonly ok: true; readonly bucket: Bucket; readonly reserved: number }
  /** `retryMs`: the same request is admitted after exactly that time if nothing else comes. */
  | { readonly ok: false; readonly level: number; readonly retryMs: number };

/**
 * Takes the tokens that a request may need. One that needs more than the bucket holds takes a full bucket: else it
 * could never run.
 *
 * @param limit size of the bucket, tokens, and what flows in a minute
 * @param nowMs epoch ms, whole
 */
export function takeTokens(bucket: Bucket, limit: number, wanted: number, nowMs: number): TokenDecision {
  const reserved = Math.min(wanted, limit);
  const level = levelShares(bucket, limit, nowMs);
  const missing = reserved * SHARES - level;
  if (missing > 0) return { ok: false, level: level / SHARES, retryMs: Math.ceil(missing / limit) };
  return { ok: true, bucket: at(level - reserved * SHARES, nowMs), reserved };
}

/**
 * Books what a request really used instead of what was reserved for it, as of the moment at which the bucket was last
 * drawn from: what flowed in while an answer ran counts for it. Never refused, and needs no limit: what was used must
 * be booked, whatever the limit is by now.
 */
export function settleTokens({ tokens, tokensAtMs }: Bucket, reserved: number, used: number): Bucket {
  return { tokens: tokens + reserved - used, tokensAtMs };
}

/** Whole tokens that are there now, and after how many ms the bucket is full. */
export function tokensLeft(
  bucket: Bucket,
  limit: number,
  nowMs: number,
): { readonly remaining: number; readonly resetMs: number } {
  const level = levelShares(bucket, limit, nowMs);
  return {
    remaining: Math.max(0, Math.floor(level / SHARES)),
    resetMs: Math.ceil((limit * SHARES - level) / limit),
  };
}

function at(shares: number, tokensAtMs: number): Bucket {
  return { tokens: shares / SHARES, tokensAtMs };
}

/**
 * A limit that was changed leaves what is in the bucket, as far as it holds it, and what is owed. Time that ran
 * backwards fills nothing and takes nothing.
 */
function levelShares({ tokens, tokensAtMs }: Bucket, limit: number, nowMs: number): number {
  const full = limit * SHARES;
  if (tokens >= limit) return full;
  const shares = Math.round(tokens * SHARES);
  // Longer than this would only fill what is full, in numbers too large to be exact.
  const elapsedMs = Math.min(Math.max(0, nowMs - tokensAtMs), Math.ceil((full - shares) / limit));
  return Math.min(full, shares + elapsedMs * limit);
}
