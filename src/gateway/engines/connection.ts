import type { Socket } from 'node:net';
import { buildConnector, type Dispatcher, Pool } from 'undici';

/**
 * vLLM closes idle connections after 5 s unless told otherwise
 * (https://github.com/vllm-project/vllm/blob/main/vllm/envs.py, VLLM_HTTP_TIMEOUT_KEEP_ALIVE): reusing one at that
 * moment fails, so ours are given up before.
 */
const KEEP_ALIVE_MS = 4_000;

/** The part of undici's Dispatcher that is used of the connections to one engine. */
export interface EngineConnections {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean;
  request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
  /** Ends them, and what runs on them. */
  destroy(): Promise<void>;
}

/**
 * Connections to one engine.
 *
 * A server may close an idle connection in the moment in which a request is written to it. The request was not read
 * then, so `dispatch` sends it again, once, on a new connection, and nobody hears of it
 * (https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1). An engine that dies at that moment cannot be told apart: then
 * the new connection fails, and that is heard of.
 *
 * @param origin such as `http://10.0.0.7:8000`
 */
export function connectEngine(origin: string, connectTimeoutMs: number): EngineConnections {
  const reused = new WeakSet<object>();
  const dial = buildConnector({ timeout: connectTimeoutMs, noDelay: true });
  // An answer may take long: the exchange has its own timers.
  const patient = { headersTimeout: 0, bodyTimeout: 0 };
  const kept = new Pool(origin, {
    ...patient,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A server's own Keep-Alive header must not lengthen it.
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: (target, callback) =>
      dial(target, (...result) => {
        if (result[0] === null) noteReuse(result[1], reused);
        callback(...result);
      }),
  });
  // Keeps no connection: each request has its own.
  const fresh = new Pool(origin, { ...patient, pipelining: 0, connect: dial });
  return {
    dispatch(options, handler) {
      const again = (): void => void fresh.dispatch(options, handler);
      return kept.dispatch(options, new FirstAttempt(handler, reused, again));
    },
    request: (options) => kept.request(options),
    async destroy() {
      await Promise.all([kept.destroy(), fresh.destroy()]);
    },
  };
}

/** The errors of a connection that had been answered on are known as such: not all of them say it themselves. */
function noteReuse(socket: Socket, reused: WeakSet<object>): void {
  socket.once('error', (error) => {
    if (socket.bytesRead > 0) reused.add(error);
  });
}

/** Passes everything on, except the end of a connection that was closed before it was read from. */
class FirstAttempt implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #reused: WeakSet<object>;
  readonly #again: () => void;
  #answered = false;

  constructor(handler: Dispatcher.DispatchHandler, reused: WeakSet<object>, again: () => void) {
    this.#handler = handler;
    this.#reused = reused;
    this.#again = again;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#handler.onRequestStart?.(controller, context);
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    this.#answered = true;
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#answered && !controller?.aborted && this.#wasReused(error)) this.#again();
    else this.#handler.onResponseError?.(controller, error);
  }

  #wasReused(error: Error): boolean {
    return this.#reused.has(error) || ('socket' in error && hasRead(error.socket));
  }
}

/** undici's SocketError describes its socket. */
function hasRead(socket: unknown): boolean {
  return (
    typeof socket === 'object' &&
    socket !== null &&
    'bytesRead' in socket &&
    typeof socket.bytesRead === 'number' &&
    socket.bytesRead > 0
  );
}
