import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { type Refusal, refuse } from '../errors.ts';

/** The JSON object of a request, as it was parsed. */
export type JsonObject = Record<string, unknown>;

export type BodyResult =
  | { readonly ok: true; readonly body: JsonObject; readonly bytes: number }
  | { readonly ok: false; readonly refusal: Refusal }
  /** The client left before the body was complete. */
  | { readonly ok: false; readonly refusal?: undefined };

/**
 * After a refusal the rest of the body is still read, up to this many times the limit: a client that writes on while
 * the connection is closed under it often never sees the answer.
 */
const DRAIN_FACTOR = 8;

/** Reads the body of a request, at most `limitBytes`, and parses it once. Resolves always. */
export async function readJsonBody(request: IncomingMessage, limitBytes: number): Promise<BodyResult> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return { ok: false, refusal: refuse('unsupported_encoding', { encoding }) };
  }
  const read = await readBytes(request, limitBytes);
  if (read === undefined) return { ok: false };
  if (read === 'too large') return { ok: false, refusal: refuse('request_too_large', { limitBytes }) };
  return parseJsonObject(read);
}

function parseJsonObject(bytes: Buffer): BodyResult {
  const invalid = (why: string): BodyResult => ({ ok: false, refusal: refuse('invalid_json', { why }) });
  if (bytes.length === 0) return invalid('it is empty');
  // Decoding would silently put U+FFFD in the place of bytes that are no text.
  if (!isUtf8(bytes)) return invalid('it is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return invalid('it is not valid JSON');
    throw error;
  }
  if (typeof value !== 'object' || value === null)
    return invalid(`it is a ${value === null ? 'null' : typeof value}`);
  if (Array.isArray(value)) return invalid('it is an array');
  return { ok: true, body: value as JsonObject, bytes: bytes.length };
}

/** What listens to the request keeps nothing of its body afterwards: the request lives as long as its answer. */
function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer | 'too large' | undefined> {
  return new Promise((resolve) => {
    // Who left while their token was verified closes no second time.
    if (request.closed) return resolve(undefined);
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limitBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      resolve('too large');
      if (size > limitBytes * DRAIN_FACTOR) request.destroy();
    };
    const onEnd = (): void => finish(joined(chunks));
    const onClose = (): void => finish(undefined);
    const finish = (read: Buffer | undefined): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(read);
    };
    // After an error comes the close.
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', ignore);
  });
}

function ignore(): void {}

/** Most bodies come in one piece, which need not be copied. */
function joined(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}
