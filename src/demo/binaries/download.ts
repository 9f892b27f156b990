import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Dispatcher, EnvHttpProxyAgent, fetch } from 'undici';
import { messageOf } from '../process/error-code.ts';
import { binariesErrors } from './errors.ts';

/** Short, because a network that is refused must be noticed before anybody gets impatient. */
const CONNECT_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 15_000;
/** Without a single byte. */
const STALLED_AFTER_MS = 30_000;
/** A connection that breaks in the middle is resumed, but not for ever; one that fails at once is not tried again. */
const MAX_ATTEMPTS = 5;

/** How requests go out: through the proxy of the usual variables, if one is set. */
export function createDispatcher(environment: Readonly<Record<string, string | undefined>>): Dispatcher {
  const get = (name: string) => environment[name.toLowerCase()] ?? environment[name];
  const [httpProxy, httpsProxy, noProxy] = [get('HTTP_PROXY'), get('HTTPS_PROXY'), get('NO_PROXY')];
  return new EnvHttpProxyAgent({
    // Given as empty, they are not read from the process's own environment.
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: noProxy ?? '',
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: STALLED_AFTER_MS,
  });
}

/** Fetches a short text. Throws BinariesError DownloadFailed. */
export async function fetchText(url: string, dispatcher: Dispatcher): Promise<string> {
  try {
    const response = await fetch(url, { dispatcher });
    if (!response.ok) throw new Error(`answered with ${response.status}`);
    return await response.text();
  } catch (error) {
    throw binariesErrors.downloadFailed(url, explain(error));
  }
}

export interface DownloadOptions {
  readonly url: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Appears only when it is whole and verified; until then there is `<target>.part`. */
  readonly target: string;
  readonly dispatcher: Dispatcher;
  readonly onBytes: (doneBytes: number, totalBytes: number | undefined) => void;
}

/**
 * Downloads a file and verifies it. What an earlier, interrupted download left in `<target>.part` is not fetched again.
 * Returns its size in bytes. Throws BinariesError DownloadFailed (call again to resume) or ChecksumMismatch.
 */
export async function download(options: DownloadOptions): Promise<number> {
  const { url, sha256, target } = options;
  const part = `${target}.part`;
  const resumed = (await sizeOf(part)) > 0;
  await fetchWhole(options, part);
  let actual = await sha256Of(part);
  if (actual !== sha256 && resumed) {
    // What was found may have been the beginning of something else.
    await rm(part);
    await fetchWhole(options, part);
    actual = await sha256Of(part);
  }
  if (actual !== sha256) {
    await rm(part);
    throw binariesErrors.checksumMismatch(url, sha256, actual);
  }
  await rename(part, target);
  return sizeOf(target);
}

async function fetchWhole(options: DownloadOptions, part: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    let answered = false;
    const onAnswer = () => {
      answered = true;
    };
    try {
      await fetchRest(options, part, await sizeOf(part), onAnswer);
      return;
    } catch (error) {
      if (!answered || attempt === MAX_ATTEMPTS)
        throw binariesErrors.downloadFailed(options.url, explain(error));
    }
  }
}

/** Appends what is missing behind `offset`. https://www.rfc-editor.org/rfc/rfc9110#name-range-requests */
async function fetchRest(
  options: DownloadOptions,
  part: string,
  offset: number,
  onAnswer: () => void,
): Promise<void> {
  const { url, dispatcher, onBytes } = options;
  const headers = {
    // Otherwise a host may call an archive's own compression a transfer's, and it would arrive unpacked.
    'accept-encoding': 'identity',
    ...(offset > 0 && { range: `bytes=${offset}-` }),
  };
  const response = await fetch(url, { dispatcher, headers });
  // "Range not satisfiable": the part is as long as the file already; its checksum decides.
  if (response.status === 416 && offset > 0) {
    await response.body?.cancel();
    return;
  }
  if (!response.ok || response.body === null) throw new Error(`answered with ${response.status}`);
  onAnswer();
  const continues = response.status === 206;
  const start = continues ? offset : 0;
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const total = Number.isNaN(length) ? undefined : start + length;
  const file = await open(part, continues ? 'a' : 'w');
  try {
    let done = start;
    for await (const chunk of response.body) {
      await file.appendFile(chunk);
      done += chunk.length;
      onBytes(done, total);
    }
  } finally {
    await file.close();
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** `fetch` says only "fetch failed"; what happened is in its cause. */
function explain(error: unknown): string {
  const cause = typeof error === 'object' && error !== null && 'cause' in error ? error.cause : undefined;
  return messageOf(cause ?? error);
}
