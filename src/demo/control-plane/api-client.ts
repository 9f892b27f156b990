import { Agent, request } from 'node:https';
import { controlPlaneErrors } from './errors.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * A few requests as one user: enough to prepare a cluster and to look at it in tests. The product's own
 * Kubernetes layer is not used here, so that its tests do not stand on what they test.
 */
export interface ApiClient {
  /** Sends one request and gives whatever the server answers; rejects only if there is no answer. */
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiAnswer>;
  /** As `request`, but throws UnexpectedAnswer unless the status is 2xx, and gives the parsed answer. */
  json(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown>;
  /** Closes its connections. */
  close(): void;
}

export interface ApiClientOptions {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
  readonly timeoutMs?: number;
}

export function createApiClient({ url, ca, token, timeoutMs = 30_000 }: ApiClientOptions): ApiClient {
  const agent = new Agent({ keepAlive: true, ca });
  const send: ApiClient['request'] = (method, path, body, contentType = 'application/json') =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const outgoing = request(new URL(path, url), {
        method,
        agent,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          // Node sends no content-length with DELETE by itself, and the server then ignores the body.
          ...(payload && { 'content-type': contentType, 'content-length': payload.length }),
        },
      });
      outgoing.once('error', reject);
      outgoing.once('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () =>
          resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
      });
      outgoing.end(payload);
    });
  return {
    request: send,
    async json(method, path, body, contentType) {
      const answer = await send(method, path, body, contentType);
      if (answer.status < 200 || answer.status > 299) {
        throw controlPlaneErrors.unexpectedAnswer(`${method} ${path}`, answer.status, answer.body);
      }
      return JSON.parse(answer.body);
    },
    close: () => agent.destroy(),
  };
}
