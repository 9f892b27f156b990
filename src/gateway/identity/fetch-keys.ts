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
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`${url} sent more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
