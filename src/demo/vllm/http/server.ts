import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Clock } from '../engine/clock.ts';
import type { HttpMetrics } from '../metrics/http-metrics.ts';
import type { ServingContext } from '../serving/context.ts';
import { ApiError, DetailError, errors } from './errors.ts';
import { Exchange } from './exchange.ts';
import { type Route, Router } from './router.ts';

/** How the HTTP server behaves, apart from what its routes do. */
export interface ServerSettings {
  /** Bearer keys; none means no key is asked for. */
  readonly apiKeys: readonly string[];
  readonly requestIdHeaders: boolean;
  readonly keepAliveSeconds: number;
  readonly newId: () => string;
  /** One line for each answered request; undefined switches it off. */
  readonly logAccess: ((line: string, path: string) => void) | undefined;
  /** A client closed or completed a request that counts as load. */
  readonly trackLoad: boolean;
}

/** Paths that `--api-key` guards. Everything else is open to anyone who reaches the port, `/invocations` included. */
const GUARDED = ['/v1', '/v2', '/inference', '/cohere'];
const UNAUTHORIZED = '{"error":"Unauthorized"}';
const NO_VARY = null;
const PREFLIGHT_VARY =
  'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network';
const MAX_HEADER_BYTES = 4 * 1024 * 1024;

const isGuarded = (path: string): boolean =>
  GUARDED.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));

/** Any case of the word Bearer is taken. */
function hasKey(header: string | undefined, keys: readonly string[]): boolean {
  const [scheme, key] = (header ?? '').split(' ');
  return scheme?.toLowerCase() === 'bearer' && key !== undefined && keys.includes(key);
}

/** vLLM's API server: keys, routing, errors and the access log around the handlers. */
export class ApiServer {
  readonly #server: Server;
  readonly #router: Router;
  readonly #context: ServingContext;
  readonly #settings: ServerSettings;
  readonly #metrics: HttpMetrics;
  readonly #clock: Clock;
  #load = 0;
  #dateHeader = '';
  #dateSecond = -1;

  constructor(
    context: ServingContext,
    routes: readonly Route[],
    metrics: HttpMetrics,
    settings: ServerSettings,
  ) {
    this.#context = context;
    this.#router = new Router(routes);
    this.#settings = settings;
    this.#metrics = metrics;
    this.#clock = context.clock;
    this.#server = createServer(
      { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0, headersTimeout: 0, noDelay: true },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxHeadersCount = 0;
    this.#server.keepAliveTimeout = settings.keepAliveSeconds * 1000;
    this.#server.keepAliveTimeoutBuffer = 0;
  }

  /** Requests that run or wait, if `--enable-server-load-tracking` is on; else 0. */
  get load(): number {
    return this.#load;
  }

  /**
   * Opens the port.
   *
   * @returns the port, also where 0 was asked for
   * @throws {NodeJS.ErrnoException} if the address is taken or not ours
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Takes no new connection and closes idle ones; calls back when the last one is gone. */
  stopListening(onAllClosed: () => void): void {
    this.#server.close(() => onAllClosed());
    this.#server.closeIdleConnections();
  }

  /** Ends every connection at once. */
  destroyConnections(): void {
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fromClient = request.headers['x-request-id'];
    const requestId = this.#settings.requestIdHeaders
      ? String(fromClient ?? this.#settings.newId() + this.#settings.newId())
      : undefined;
    const exchange = new Exchange(request, response, { requestId }, () => this.#date());
    const route = this.#router.find(exchange.path);
    this.#observe(exchange, route);
    try {
      await this.#dispatch(exchange, route);
    } catch (error) {
      this.#sendError(exchange, error);
    }
  }

  async #dispatch(exchange: Exchange, route: Route | undefined): Promise<void> {
    const { method = 'GET' } = exchange.request;
    const keys = this.#settings.apiKeys;
    if (keys.length > 0 && method !== 'OPTIONS' && isGuarded(exchange.path)) {
      if (!hasKey(exchange.header('authorization'), keys)) {
        exchange.send(401, UNAUTHORIZED, 'application/json', [], NO_VARY);
        return;
      }
    }
    if (method === 'OPTIONS' && exchange.header('origin') !== undefined) {
      const allowed: [string, string][] = [
        ['access-control-allow-methods', 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY'],
        ['access-control-max-age', '600'],
      ];
      exchange.send(400, 'Disallowed CORS origin', 'text/plain; charset=utf-8', allowed, PREFLIGHT_VARY);
      return;
    }
    if (route === undefined) throw errors.notFound();
    await Router.handler(route, method)(this.#context, exchange);
  }

  #sendError(exchange: Exchange, error: unknown): void {
    if (exchange.status !== undefined) return;
    if (error instanceof DetailError) {
      const allow: [string, string][] = error.allow === undefined ? [] : [['allow', error.allow]];
      exchange.json(error.status, { detail: error.message }, allow);
      return;
    }
    const known = error instanceof ApiError ? error : errors.internal(String(error));
    exchange.json(known.status, { error: known.body });
  }

  #observe(exchange: Exchange, route: Route | undefined): void {
    const started = this.#clock.nowMs();
    const { method = 'GET', headers, socket } = exchange.request;
    const client = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    const counts = this.#settings.trackLoad && route?.loads === true;
    if (counts) this.#load += 1;
    exchange.onClose(() => {
      if (counts) this.#load -= 1;
      if (exchange.status === undefined) return;
      this.#metrics.observe({
        handler: route?.pattern ?? 'none',
        method,
        status: exchange.status,
        requestBytes: Number(headers['content-length'] ?? 0),
        responseBytes: exchange.responseBytes,
        seconds: (this.#clock.nowMs() - started) / 1000,
      });
      this.#settings.logAccess?.(
        `${client} - "${method} ${exchange.request.url} HTTP/${exchange.request.httpVersion}" ${exchange.status} ${STATUS_CODES[exchange.status] ?? ''}`,
        exchange.path,
      );
    });
  }

  /** The `date` header; made once a second. */
  #date(): string {
    const second = Math.floor(this.#clock.wallMs() / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateHeader = new Date(second * 1000).toUTCString();
    }
    return this.#dateHeader;
  }
}
