import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';

/** JSON, one value a line: https://github.com/ndjson/ndjson-spec */
const CONTENT_TYPE = 'application/x-ndjson';

/**
 * Sends values as they come, with a turn for everybody else after each, and no faster than the client reads. No cache may
 * keep them.
 *
 * @param first was taken from `rest` already, so that what is wrong from the start can still be told
 * @returns whether the client has got all of them
 * @throws what `rest` throws; the connection is broken off then, so that nobody takes a part for the whole
 */
export async function sendLines(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  first: unknown,
  rest: AsyncIterable<unknown>,
): Promise<boolean> {
  response.writeHead(200, { ...headers, 'content-type': CONTENT_TYPE, 'cache-control': 'no-store' });
  try {
    await sendLine(response, first);
    for await (const value of rest) {
      if (response.destroyed) return false;
      await sendLine(response, value);
    }
  } catch (error) {
    response.destroy();
    throw error;
  }
  response.end();
  return true;
}

async function sendLine(response: ServerResponse, value: unknown): Promise<void> {
  const goesOn = response.write(`${JSON.stringify(value)}\n`);
  if (!goesOn && !response.destroyed) await drained(response);
  await setImmediate();
}

/** A client that leaves drains nothing. */
async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).finally(() =>
    over.abort(),
  );
}
