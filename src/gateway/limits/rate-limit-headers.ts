import type { LimitName, LimitState } from './limit-state.ts';

interface HeaderNames {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
}

function named(what: string): HeaderNames {
  return {
    limit: `x-ratelimit-limit-${what}`,
    remaining: `x-ratelimit-remaining-${what}`,
    reset: `x-ratelimit-reset-${what}`,
  };
}

/** @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers for those by the minute */
const REQUESTS = named('requests');
const TOKENS = named('tokens');
const NAMES: Readonly<Record<LimitName, HeaderNames>> = {
  concurrentRequests: named('concurrent-requests'),
  requestsPerMinute: REQUESTS,
  'classroom.requestsPerMinute': REQUESTS,
  tokensPerMinute: TOKENS,
  'classroom.tokensPerMinute': TOKENS,
  tokensPerDay: named('tokens-day'),
  tokensTotal: named('tokens-total'),
};

/** The headers of every limit; of the student's and the class's those of the one that has less left. */
export function rateLimitHeaders(limits: readonly LimitState[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, limit, remaining, resetMs } of limits) {
    const names = NAMES[name];
    const shown = headers[names.remaining];
    if (shown !== undefined && Number(shown) <= remaining) continue;
    headers[names.limit] = String(limit);
    headers[names.remaining] = String(remaining);
    if (Number.isFinite(resetMs)) headers[names.reset] = durationText(resetMs);
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
