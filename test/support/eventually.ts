import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * Waits until the condition gives something other than false, null or undefined, and returns that.
 * The time-out is generous and only for a test that would fail anyway; its error says what was waited for.
 */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  timeoutMs = 120_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const result = await condition();
    if (result !== false && result !== null && result !== undefined) return result;
    if (performance.now() > deadline) {
      throw new Error(`still waiting after ${timeoutMs / 1000} s: ${what}`);
    }
    await delay(POLL_MS);
  }
}
