import type { IncomingMessage, ServerResponse } from 'node:http';

/** Which headers every answer has. */
export interface HeaderPolicy {
  /** `--enable-request-id-headers`: echoes the client's id or this one. */
  readonly requestId: string | undefined;
}

/** One request and its answer, written with the headers that uvicorn and vLLM write, in their order. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly path: string;
  /** Set once the answer has begun: its status, for the access log and the metrics. */
  status: number | undefined;
  /** `content-length` of the answer, 0 for streams. */
  responseBytes = 0;
  readonly #response: ServerResponse;
  readonly #policy: HeaderPolicy;
  readonly #dateHeader: () => string;
  #left = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    policy: HeaderPolicy,
    dateHeader: () => string,
  ) {
    this.request = request;
    this.path = (request.url ?? '/').split('?')[0] ?? '/';
    this.#response = response;
    this.#policy = policy;
    this.#dateHeader = dateHeader;
    // uvicorn does not announce keep-alive.
    response.removeHeader('connection');
    response.sendDate = false;
  }

  /** Calls back once if the client goes before the answer is complete. */
  onDisconnect(callback: () => void): void {
    this.#response.once('close', () => {
      if (this.#response.writableFinished) return;
      this.#left = true;
      callback();
    });
  }

  /** Calls back once when the exchange is over, whichever way. */
  onClose(callback: () => void): void {
    this.#response.once('close', callback);
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  json(status: number, body: unknown, extra: readonly (readonly [string, string])[] = []): void {
    this.send(status, JSON.stringify(body), 'application/json', extra);
  }

  /** A whole answer. No content type is sent where none is given, no `vary` where that is null. */
  send(
    status: number,
    body: string,
    contentType?: string,
    extra: readonly (readonly [string, string])[] = [],
    vary: string | null = 'Origin',
  ): void {
    const bytes = Buffer.byteLength(body);
    this.responseBytes = bytes;
    const type = contentType === undefined ? [] : ['content-type', contentType];
    const headers = [...extra.flat(), 'content-length', String(bytes), ...type];
    this.#writeHead(status, headers, vary);
    this.#response.end(this.request.method === 'HEAD' ? '' : body);
  }

  /** Status and headers of an event stream; they go out at once. */
  openStream(): void {
    this.#writeHead(200, ['content-type', 'text/event-stream; charset=utf-8'], 'Origin');
    this.#response.flushHeaders();
  }

  write(text: string): void {
    if (!this.#left) this.#response.write(text);
  }

  end(): void {
    if (!this.#left) this.#response.end();
  }

  /** Ends the connection without ending the answer: with a reset, or as if the process were gone. */
  cut(how: 'reset' | 'close'): void {
    const { socket } = this.request;
    if (how === 'reset') socket.resetAndDestroy();
    else socket.destroySoon();
  }

  #writeHead(status: number, headers: readonly string[], vary: string | null): void {
    this.status = status;
    const all = ['date', this.#dateHeader(), 'server', 'uvicorn', ...headers];
    if (vary !== null) all.push('vary', vary);
    if (this.#policy.requestId !== undefined) all.push('x-request-id', this.#policy.requestId);
    if (!this.#response.shouldKeepAlive) all.push('connection', 'close');
    this.#response.writeHead(status, all);
  }
}
