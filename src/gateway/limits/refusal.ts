import { type Refusal, refuse } from '../errors.ts';
import { type ClassroomRecord, ofClass } from '../identity/seat.ts';
import type { Denial } from './decision.ts';
import { resetTime } from './reset-time.ts';

/** After which a student is told to try again when a running request must end first: most answers take that long. */
const RUNNING_RETRY_MS = 2_000;
/**
 * OpenAI's clients wait for `Retry-After` only up to a minute, and try after a second or so where it is more. They do
 * not try at all when they are told so.
 *
 * @see https://github.com/openai/openai-node/blob/master/src/client.ts `shouldRetry` and `retryRequest`
 */
const LONGEST_RETRY_MS = 60_000;

/** What a student is told whose request is not admitted. @param nowMs epoch ms on the wall, for the time of the day */
export function refusalOf(denial: Denial, classroom: ClassroomRecord, nowMs: number): Refusal {
  const { used, limit, needed } = denial;
  const waitMs = denial.heldByRunning ? RUNNING_RETRY_MS : denial.retryMs;
  const headers = retryHeaders(waitMs);
  const when = waitMs === undefined ? undefined : resetTime(nowMs, waitMs, classroom.timeZone);
  const rate = { ...ofClass(classroom), used, limit, when: when ?? 'later' };
  const budget = { ...rate, needed, when, heldByRunning: denial.heldByRunning };
  switch (denial.name) {
    case 'concurrentRequests':
      return refuse(
        'concurrent_requests_exceeded',
        { ...ofClass(classroom), running: used, limit },
        { headers: retryHeaders(RUNNING_RETRY_MS) },
      );
    case 'requestsPerMinute':
      return refuse('requests_per_minute_exceeded', rate, { headers });
    case 'tokensPerMinute':
      return refuse('tokens_per_minute_exceeded', { ...rate, needed }, { headers });
    case 'tokensPerDay':
      return refuse('tokens_per_day_exceeded', budget, { headers });
    case 'tokensTotal':
      return refuse('tokens_total_exceeded', budget, { headers });
    case 'classroom.requestsPerMinute':
      return refuse('class_requests_per_minute_exceeded', rate, { headers });
    case 'classroom.tokensPerMinute':
      return refuse('class_tokens_per_minute_exceeded', { ...rate, needed }, { headers });
  }
}

function retryHeaders(waitMs: number | undefined): Record<string, string> {
  if (waitMs === undefined) return { 'x-should-retry': 'false' };
  return {
    'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))),
    'retry-after-ms': String(waitMs),
    ...(waitMs > LONGEST_RETRY_MS ? { 'x-should-retry': 'false' } : {}),
  };
}
