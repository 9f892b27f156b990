import type { LimitName, LimitState } from './limit-state.ts';

/**
 * Limits that are shown together under one name: that of the student, and that of the class.
 *
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers the first two; the others follow them
 */
const SHOWN: Partial<Record<LimitName, string>> = {
  requestsPerMinute: 'requests',
  'classroom.requestsPerMinute': 'requests',
  tokensPerMinute: 'tokens',
  'classroom.tokensPerMinute': 'tokens',
  tokensPerDay: 'tokens-day',
  tokensTotal: 'tokens-total',
  concurrentRequests: 'concurrent-requests',
};

/** `x-ratelimit-limit-…`, `-remaining-…` and `-reset-…` of every limit, of two alike the one that has less left. */
export function rateLimitHeaders(limits: readonly LimitState[]): Record<string, string> {
  const tightest = new Map<string, LimitState>();
  for (const limit of limits) {
    const shown = SHOWN[limit.name];
    if (shown === undefined) continue;
    const other = tightest.get(shown);
    if (other === undefined || limit.remaining < other.remaining) tightest.set(shown, limit);
  }
  const headers: Record<string, string> = {};
  for (const [name, { limit, remaining, resetMs }] of tightest) {
    headers[`x-ratelimit-limit-${name}`] = String(limit);
    headers[`x-ratelimit-remaining-${name}`] = String(remaining);
    if (Number.isFinite(resetMs)) headers[`x-ratelimit-reset-${name}`] = durationText(resetMs);
  }
  return headers;
}

/** A duration as OpenAI writes it, never too short: `0s`, `120ms`, `1s`, `6m0s`, `1h0m0s`. @param ms whole */
export function durationText(ms: number): string {
  if (ms > 0 && ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds % 60}s`;
}
