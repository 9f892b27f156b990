import type { ServerResponse } from 'node:http';
import { errorBody, type Refusal } from '../errors.ts';

export const REQUEST_ID_HEADER = 'x-request-id';

/** Sends a complete JSON answer. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/**
 * Sends a refusal; only before the headers are sent.
 *
 * @param endpoint the path that was called: it decides the shape
 */
export function sendRefusal(
  response: ServerResponse,
  refusal: Refusal,
  headers: Readonly<Record<string, string>>,
  endpoint?: string,
): void {
  sendJson(response, refusal.status, errorBody(refusal, endpoint), { ...headers, ...refusal.headers });
}
