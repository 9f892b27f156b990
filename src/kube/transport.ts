import { errors } from 'undici';
import { z } from 'zod';
import { parseJson } from '../json/parse.ts';
import { type CallScope, openCallScope } from './call-scope.ts';
import type { Clock } from './clock.ts';
import { createConnectionPool } from './connection-pool.ts';
import type { CredentialMaterial, Credentials } from './credentials.ts';
import { KubeApiError } from './errors.ts';
import { describeError, type Logger } from './log.ts';
import type { KubeMetrics } from './metrics.ts';
import { createTokenBucket } from './token-bucket.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'apply' | 'patch' | 'delete' | 'raw';

export interface HttpRequest {
  verb: Verb;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With query. */
  path: string;
  /** Plural name for metrics and messages; the path's first part for raw calls. */
  resource: string;
  body?: unknown;
  contentType?: string;
  /** Default: JSON. */
  accept?: string | undefined;
  /** Besides the transport's own, which win. */
  headers?: Readonly<Record<string, string>> | undefined;
  signal?: AbortSignal | undefined;
  deadlineMs?: number | undefined;
}

export interface Transport {
  /** The parsed answer. Throws KubeApiError for every answer that is not 2xx and for no answer. */
  send(request: HttpRequest): Promise<unknown>;
  /**
   * Opens a stream. `deadlineMs` bounds the wait for its headers, `lifetimeMs` the whole. The caller must iterate
   * `body` to its end or call `close`.
   */
  open(request: HttpRequest, lifetimeMs: number): Promise<OpenStream>;
  close(): Promise<void>;
}

export interface OpenStream {
  body: AsyncIterable<Uint8Array>;
  /** What a failure while reading means; the stream's own abort is told from the caller's. */
  explain(error: unknown): KubeApiError;
  close(): void;
}

export interface TransportOptions {
  credentials: Credentials;
  clock: Clock;
  log: Logger;
  metrics: KubeMetrics;
  defaultDeadlineMs: number;
  userAgent: string;
  /** Client-side limit over all requests; absent: none, API Priority and Fairness is the server's business. */
  rateLimit?: { ratePerSecond: number; burst: number } | undefined;
}

interface Answer {
  statusCode: number;
  headers: Record<string, string | string[] | undefined>;
  body: AsyncIterable<Uint8Array> & { text(): Promise<string>; dump(): Promise<void>; destroy(): unknown };
}

const statusSchema = z.object({
  kind: z.literal('Status'),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z.unknown().optional(),
});

/** Verbs that leave the same world when sent twice. */
const idempotentVerbs: ReadonlySet<Verb> = new Set(['get', 'list', 'watch', 'update', 'apply', 'delete']);
const retryableStatuses: ReadonlySet<number> = new Set([429, 503]);
const maxAttempts = 5;
const maxRetryAfterMs = 60_000;

/** HTTP to one API server: pooled, authenticated, bounded in time, with typed errors. */
export function createTransport(options: TransportOptions): Transport {
  const { credentials, clock, log, metrics } = options;
  const base = new URL(credentials.server);
  const basePath = base.pathname.replace(/\/$/, '');
  const connections = createConnectionPool(base.origin);
  const bucket = options.rateLimit && createTokenBucket({ clock, ...options.rateLimit });

  const scopeOf = (request: HttpRequest): CallScope =>
    openCallScope({
      clock,
      signal: request.signal,
      deadlineMs: request.deadlineMs ?? options.defaultDeadlineMs,
    });

  async function exchange(request: HttpRequest, signal: AbortSignal, fresh: boolean): Promise<Answer> {
    const material = await readCredentials(credentials, fresh);
    signal.throwIfAborted();
    return connections.for(material).request({
      method: request.method,
      path: basePath + request.path,
      signal,
      headers: {
        ...request.headers,
        ...material.headers,
        'user-agent': options.userAgent,
        accept: request.accept ?? 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
  }

  async function measured(request: HttpRequest, signal: AbortSignal, fresh: boolean): Promise<Answer> {
    const startedMs = clock.monotonic();
    let status = 0;
    try {
      const answer = await exchange(request, signal, fresh);
      status = answer.statusCode;
      return answer;
    } finally {
      const seconds = (clock.monotonic() - startedMs) / 1000;
      metrics.requestDone({ verb: request.verb, resource: request.resource, status, seconds });
    }
  }

  /** A 2xx answer. A 401 is tried once more with credentials read afresh: the token may have been rotated. */
  async function answerOf(request: HttpRequest, signal: AbortSignal): Promise<Answer> {
    let fresh = false;
    for (let attempt = 1; ; attempt++) {
      const waitMs = bucket?.reserve() ?? 0;
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      const answer = await measured(request, signal, fresh);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
      if (answer.statusCode === 401 && !fresh) {
        fresh = true;
        await answer.body.dump();
        continue;
      }
      const error = await refusal(request, answer);
      if (!mayRetry(request, error) || attempt >= maxAttempts) throw error;
      log.debug({ ...describeError(error), path: request.path }, 'API server asks to come back later');
      await clock.sleep(error.retryAfterMs ?? 0, signal);
    }
  }

  const explainer =
    (request: HttpRequest, scope: CallScope) =>
    (error: unknown): KubeApiError => {
      if (error instanceof KubeApiError) return error;
      const what = `${request.method} ${pathOnly(request.path)}`;
      if (scope.endedBy === 'deadline') {
        return failure('DeadlineExceeded', `${what}: no answer before the deadline`, error);
      }
      if (scope.endedBy === 'signal') return failure('Aborted', `${what}: aborted`, error);
      return failure('Unreachable', `${what}: ${base.origin} is unreachable (${causeOf(error)})`, error);
    };

  return {
    async send(request) {
      const scope = scopeOf(request);
      try {
        const answer = await answerOf(request, scope.signal);
        return bodyOf(request, answer, await answer.body.text());
      } catch (error) {
        throw explainer(request, scope)(error);
      } finally {
        scope.close();
      }
    },
    async open(request, lifetimeMs) {
      const scope = scopeOf(request);
      const explain = explainer(request, scope);
      try {
        const { body } = await answerOf(request, scope.signal);
        scope.arm(lifetimeMs);
        const close = (): void => {
          scope.close();
          body.destroy();
        };
        return { body, explain, close };
      } catch (error) {
        scope.close();
        throw explain(error);
      }
    },
    close: () => connections.close(),
  };
}

/** Unreadable credentials are no network failure: said as what they are, before anything is sent. */
async function readCredentials(credentials: Credentials, fresh: boolean): Promise<CredentialMaterial> {
  try {
    return await credentials.current({ fresh });
  } catch (error) {
    throw failure(
      'CredentialsUnavailable',
      `No credentials for ${credentials.server}: ${causeOf(error)}`,
      error,
    );
  }
}

function mayRetry(request: HttpRequest, error: KubeApiError): boolean {
  return (
    idempotentVerbs.has(request.verb) &&
    retryableStatuses.has(error.status) &&
    error.retryAfterMs !== undefined &&
    error.retryAfterMs <= maxRetryAfterMs
  );
}

function bodyOf(request: HttpRequest, answer: Answer, text: string): unknown {
  if (!String(answer.headers['content-type'] ?? '').includes('json')) {
    if (request.verb === 'raw') return text;
    throw failure('InvalidBody', `${request.method} ${pathOnly(request.path)}: the answer is not JSON`);
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may be a Secret.
    throw failure('InvalidBody', `${request.method} ${pathOnly(request.path)}: the answer is broken JSON`);
  }
}

async function refusal(request: HttpRequest, answer: Answer): Promise<KubeApiError> {
  const text = await answer.body.text();
  const status = statusSchema.safeParse(parseJson(text)).data;
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after']);
  // A 400 to a malformed Secret may quote the bytes around the fault.
  const quotesSecret = request.resource === 'secrets' && answer.statusCode === 400;
  const said = quotesSecret
    ? 'the Secret is malformed (message withheld: it may quote data)'
    : status?.message;
  // Whoever answers without a Status behind the API server's proxy has words of its own.
  const details = status === undefined && request.verb === 'raw' ? text : status?.details;
  return new KubeApiError({
    status: answer.statusCode,
    reason: status?.reason ?? 'Unknown',
    message: said ?? `${request.method} ${pathOnly(request.path)}: HTTP ${answer.statusCode}`,
    ...(quotesSecret ? {} : { details }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The API server sends whole seconds; a date in `Retry-After` is treated as absent. */
function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  const seconds = typeof header === 'string' && header !== '' ? Number(header) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function failure(reason: string, message: string, cause?: unknown): KubeApiError {
  return new KubeApiError({ status: 0, reason, message, ...(cause === undefined ? {} : { cause }) });
}

function pathOnly(path: string): string {
  return path.split('?', 1)[0] ?? path;
}

function causeOf(error: unknown): string {
  if (error instanceof errors.UndiciError)
    return error.code === 'UND_ERR_SOCKET' ? 'connection lost' : error.code;
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}
