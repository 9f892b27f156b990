import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock, Timer } from '../../kube/clock.ts';
import { parseEngineError, refusalOfEngineError } from '../engines/errors.ts';
import type { EngineUse } from '../engines/registry.ts';
import { type Refusal, refuse } from '../errors.ts';
import { REQUEST_ID_HEADER, sendRefusal } from '../http/respond.ts';
import type { Seat } from '../identity/seat.ts';
import type { OutcomeKind, Settlement } from '../limits/settlement.ts';
import type { DispatchQueue, EngineFault, Turn, Waiting } from '../queue/dispatch-queue.ts';
import type { PreparedRequest } from '../request/prepare.ts';
import { type AnswerRelay, createJsonRelay } from './answer-relay.ts';
import { createSseRelay, errorEvent } from './sse-relay.ts';
import type { TokenUsage } from './usage.ts';

/** How long the gateway waits for an engine, or for a client that does not read. */
export interface Patience {
  /** From the dispatch to an engine to the first byte of the answer's body. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer. */
  readonly idleMs: number;
  /** For the whole answer. */
  readonly totalMs: number;
}

export interface ForwardOptions {
  readonly request: PreparedRequest;
  readonly seat: Seat;
  readonly requestId: string;
  readonly response: ServerResponse;
  /** Headers of the answer, whatever it will be. */
  readonly headers: Readonly<Record<string, string>>;
  readonly queue: DispatchQueue;
  readonly clock: Clock;
  readonly patience: Patience;
  /** Called once; the answer ends after it resolved. Must not reject. */
  readonly settle: (settlement: Settlement) => Promise<void>;
}

/** How it went, for the log and the metrics. */
export interface Forwarded {
  readonly kind: OutcomeKind;
  readonly usage: TokenUsage | undefined;
  /** Status the client was sent; undefined when it left before. */
  readonly status: number | undefined;
  /** What the client was told when the answer did not complete. */
  readonly refusal: Refusal | undefined;
  readonly engineId: string | undefined;
  /** From admission to dispatch. */
  readonly queueWaitMs: number | undefined;
  /** From admission to the first byte of the answer's body. */
  readonly firstByteMs: number | undefined;
}

/** One request on its way to an engine and back. */
export interface Forwarding {
  readonly done: Promise<Forwarded>;
  /** Ends it early and tells the client why. */
  end(refusal: Refusal): void;
}

/** Enough of an engine's error to understand it. */
const MAX_ERROR_BYTES = 64 * 1024;
const UNREACHABLE_RETRY_SECONDS = 2;

/** Sends one admitted request to an engine and streams the answer to the client. */
export function forward(options: ForwardOptions): Forwarding {
  const exchange = new Exchange(options);
  exchange.start();
  return { done: exchange.done, end: (refusal) => exchange.end(refusal) };
}

type Answer =
  | { readonly kind: 'body'; readonly relay: AnswerRelay; readonly status: number; readonly events: boolean }
  | { readonly kind: 'error'; readonly status: number; readonly chunks: Buffer[]; bytes: number };

class Exchange {
  readonly done: Promise<Forwarded>;
  readonly #options: ForwardOptions;
  readonly #resolve: (forwarded: Forwarded) => void;
  readonly #startedMs: number;
  #waiting: Waiting | undefined;
  #turn: Turn | undefined;
  #retried = false;
  #controller: Dispatcher.DispatchController | undefined;
  #answer: Answer | undefined;
  #firstByteMs: number | undefined;
  /** Of the dispatch to an engine; the waits of the queue are the queue's to bound. */
  #dispatchedMs: number;
  #lastMoveMs: number;
  #paused = false;
  #finished = false;
  #timer: Timer | undefined;

  constructor(options: ForwardOptions) {
    const { promise, resolve } = Promise.withResolvers<Forwarded>();
    this.done = promise;
    this.#resolve = resolve;
    this.#options = options;
    this.#startedMs = options.clock.monotonic();
    this.#dispatchedMs = this.#startedMs;
    this.#lastMoveMs = this.#startedMs;
  }

  start(): void {
    const { response } = this.#options;
    response.on('close', this.#onClientGone);
    response.on('drain', this.#onDrain);
    if (response.destroyed) {
      this.#onClientGone();
      return;
    }
    const { queue, seat, request } = this.#options;
    const waiting = queue.enter(
      { seat, ...request.ticket },
      {
        onTurn: (turn) => this.#onTurn(turn),
        onRefused: (refusal) => this.#breakOff(refusal),
      },
    );
    this.#waiting = waiting;
    if (this.#finished) waiting.cancel();
  }

  end(refusal: Refusal): void {
    this.#breakOff(refusal);
  }

  #onTurn(turn: Turn): void {
    this.#turn = turn;
    this.#dispatchedMs = this.#options.clock.monotonic();
    this.#lastMoveMs = this.#dispatchedMs;
    this.#watchTime();
    this.#attempt(turn.engine);
  }

  #attempt(use: EngineUse): void {
    const { request, requestId } = this.#options;
    let reached = false;
    const current = (): boolean => !this.#finished && this.#turn?.engine === use;
    use.dispatcher.dispatch(
      { method: 'POST', path: request.path, headers: upstreamHeaders(requestId), body: request.body },
      {
        onRequestStart: (controller) => {
          reached = true;
          if (current()) this.#controller = controller;
          else controller.abort(new Error('the request ended before it was sent'));
        },
        onResponseStart: (_, status, headers) => {
          if (current() && status >= 200) this.#answer = this.#answerOf(status, headers['content-type']);
        },
        onResponseData: (controller, chunk) => {
          if (current()) this.#onData(controller, chunk);
        },
        onResponseEnd: () => {
          if (current()) this.#onEnd();
        },
        onResponseError: () => {
          if (current()) this.#onEngineLost(reached);
        },
      },
    );
  }

  #answerOf(status: number, contentType: string | string[] | undefined): Answer {
    if (status >= 300) return { kind: 'error', status, chunks: [], bytes: 0 };
    const { path, hideUsage } = this.#options.request;
    const events = String(contentType).startsWith('text/event-stream');
    return {
      kind: 'body',
      status,
      events,
      relay: events ? createSseRelay({ path, hideUsage }) : createJsonRelay(),
    };
  }

  #onData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const answer = this.#answer;
    if (answer === undefined) return;
    this.#lastMoveMs = this.#options.clock.monotonic();
    if (this.#firstByteMs === undefined) {
      this.#firstByteMs = this.#lastMoveMs - this.#startedMs;
      this.#watchTime();
    }
    if (answer.kind === 'error') {
      if (answer.bytes < MAX_ERROR_BYTES) answer.chunks.push(chunk);
      answer.bytes += chunk.length;
      return;
    }
    const ready = answer.relay.push(chunk);
    if (ready !== undefined) this.#write(answer, ready, controller);
    const { failure } = answer.relay;
    if (failure === undefined) return;
    const refusal = refusalOfEngineError(failure, this.#options.seat, this.#options.request.path);
    this.#breakOff(refusal);
  }

  #write(answer: Answer & { kind: 'body' }, chunk: Buffer, controller: Dispatcher.DispatchController): void {
    const { response } = this.#options;
    this.#sendHead(answer);
    if (response.write(chunk)) return;
    // The client reads slower than the engine writes: the engine's socket waits until `drain` (or `close`).
    this.#paused = true;
    controller.pause();
  }

  #sendHead({ status, events }: Answer & { kind: 'body' }): void {
    const { response, headers } = this.#options;
    if (response.headersSent) return;
    response.writeHead(status, {
      ...headers,
      ...(events
        ? // The last one keeps nginx from collecting frames.
          {
            'content-type': 'text/event-stream; charset=utf-8',
            'cache-control': 'no-cache',
            'x-accel-buffering': 'no',
          }
        : { 'content-type': 'application/json' }),
    });
  }

  #onEnd(): void {
    this.#controller = undefined;
    const answer = this.#answer;
    if (answer === undefined) {
      this.#breakOff(refuse('engine_failed', this.#named()), 'failed');
      return;
    }
    if (answer.kind === 'error') {
      this.#onEngineRefusal(answer.status, Buffer.concat(answer.chunks).toString('utf8'));
      return;
    }
    const { rest, complete } = answer.relay.end();
    if (!complete) this.#breakOff(refuse('engine_failed', this.#named()), 'failed');
    else this.#finish('completed', undefined, () => this.#complete(answer, rest));
  }

  #complete(answer: Answer & { kind: 'body' }, rest: Buffer | undefined): void {
    const { response } = this.#options;
    // A short answer leaves in one write, with its length.
    if (!response.headersSent && rest !== undefined) response.setHeader('content-length', rest.length);
    this.#sendHead(answer);
    response.end(rest);
  }

  #onEngineRefusal(status: number, body: string): void {
    const { seat, request } = this.#options;
    const refusal = refusalOfEngineError(parseEngineError(status, body), seat, request.path);
    this.#finish(refusal.status < 500 ? 'refused' : 'unanswered', refusal, () => this.#tell(refusal));
  }

  #onEngineLost(reached: boolean): void {
    this.#controller = undefined;
    // One that was reached may have begun to compute: asking another one then could run the request twice.
    const other = reached || this.#retried ? undefined : this.#turn?.another();
    if (other !== undefined) {
      this.#retried = true;
      this.#attempt(other);
      return;
    }
    const code = reached ? 'engine_failed' : 'engine_unreachable';
    const refusal = refuse(code, this.#named(), { retryAfterSeconds: UNREACHABLE_RETRY_SECONDS });
    this.#breakOff(refusal, reached ? 'failed' : 'unreachable');
  }

  #breakOff(refusal: Refusal, fault?: EngineFault): void {
    this.#finish(
      this.#options.response.headersSent ? 'interrupted' : 'unanswered',
      refusal,
      () => this.#tell(refusal),
      fault,
    );
  }

  readonly #onClientGone = (): void => {
    this.#finish('client-left', undefined, () => {});
  };

  readonly #onDrain = (): void => {
    if (!this.#paused) return;
    this.#paused = false;
    this.#lastMoveMs = this.#options.clock.monotonic();
    this.#controller?.resume();
  };

  /** One timer for all time-outs, set anew at the first byte and when it fires: a frame must not cost a timer. */
  #watchTime(): void {
    const { clock, patience } = this.#options;
    this.#timer?.cancel();
    const totalAtMs = this.#dispatchedMs + patience.totalMs;
    const silenceMs = this.#firstByteMs === undefined ? patience.firstByteMs : patience.idleMs;
    const atMs = Math.min(totalAtMs, this.#lastMoveMs + silenceMs);
    const nowMs = clock.monotonic();
    if (nowMs < atMs) {
      this.#timer = clock.setTimeout(() => this.#watchTime(), atMs - nowMs);
      return;
    }
    if (this.#paused) this.#dropStalledClient();
    else if (nowMs >= totalAtMs) {
      this.#breakOff(refuse('answer_too_slow', { seconds: patience.totalMs / 1000 }));
    } else {
      this.#breakOff(refuse('engine_silent', { ...this.#named(), seconds: silenceMs / 1000 }), 'silent');
    }
  }

  /** A client that reads nothing would hold an engine's sequence for ever. It cannot be told anything either. */
  #dropStalledClient(): void {
    this.#finish('client-left', undefined, () => this.#options.response.destroy());
  }

  /** @param close ends the answer, once it is settled */
  #finish(kind: OutcomeKind, refusal: Refusal | undefined, close: () => void, fault?: EngineFault): void {
    if (this.#finished) return;
    this.#finished = true;
    const { response, settle, request } = this.#options;
    this.#timer?.cancel();
    response.off('close', this.#onClientGone);
    response.off('drain', this.#onDrain);
    this.#controller?.abort(new Error(`the request ended: ${refusal?.code ?? kind}`));
    const usage = this.#answer?.kind === 'body' ? this.#answer.relay.usage : undefined;
    this.#waiting?.cancel();
    this.#turn?.done(usage, fault);
    const queueWaitMs = this.#turn?.waitedMs;
    const firstByteMs = this.#firstByteMs;
    const { servedModel: model } = request;
    void settle({ outcome: kind, usage, model, queueWaitMs, firstTokenMs: firstByteMs }).then(() => {
      close();
      this.#boundFlush();
      this.#resolve({
        kind,
        usage,
        status: response.headersSent ? response.statusCode : undefined,
        refusal,
        engineId: this.#turn?.engine.id,
        queueWaitMs,
        firstByteMs,
      });
    });
  }

  #tell(refusal: Refusal): void {
    const { response, headers, request } = this.#options;
    if (!response.headersSent) sendRefusal(response, refusal, headers);
    else if (this.#answer?.kind === 'body' && this.#answer.events)
      response.end(errorEvent(refusal, request.path));
    // Half a JSON document cannot be repaired; a cut connection is an error that every client notices.
    else response.destroy();
  }

  /** A client that no longer reads must not keep what it was sent, and its connection, for ever. */
  #boundFlush(): void {
    const { response, clock, patience } = this.#options;
    if (response.writableLength === 0 || response.destroyed) return;
    const timer = clock.setTimeout(() => response.destroy(), patience.idleMs);
    response.once('finish', () => timer.cancel());
    response.once('close', () => timer.cancel());
  }

  #named(): { classroom: string; contact: string | undefined } {
    const { classroom } = this.#options.seat;
    return { classroom: classroom.name, contact: classroom.contact };
  }
}

/** All that goes upstream: nothing of the client's headers does. */
function upstreamHeaders(requestId: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'accept-encoding': 'identity',
    [REQUEST_ID_HEADER]: requestId,
  };
}
