import { readText } from '../../http/read-text.ts';

const TIMEOUT_MS = 5_000;
/** A set of keys has a few kilobytes. */
const MAX_BYTES = 256 * 1024;

/**
 * Reads a JWKS over HTTP. Redirects are not followed: they would lead away from the address that somebody trusts.
 *
 * @throws Error that says what went wrong
 */
export async function fetchKeys(url: string): Promise<unknown> {
  const answer = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: { accept: 'application/jwk-set+json, application/json' },
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  if (answer.body === null) throw new Error(`${url} answered nothing`);
  return JSON.parse(await readText(answer.body, MAX_BYTES));
}
