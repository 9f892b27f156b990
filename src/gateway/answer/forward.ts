import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock, Timer } from '../../kube/clock.ts';
import type { EngineFault } from '../engines/circuit.ts';
import {
  type EngineError,
  isUnknownModel,
  parseEngineError,
  refusalOfEngineError,
} from '../engines/errors.ts';
import type { EngineUse } from '../engines/registry.ts';
import { type OfClass, type Refusal, refuse } from '../errors.ts';
import { REQUEST_ID_HEADER } from '../http/respond.ts';
import { ofClass, type Seat } from '../identity/seat.ts';
import { type Charge, type ChargeBasis, chargeOf } from '../limits/charge.ts';
import type { OutcomeKind, Settlement } from '../limits/settlement.ts';
import type { DispatchQueue, Turn, Waiting } from '../queue/dispatch-queue.ts';
import type { PreparedRequest } from '../request/prepare.ts';
import type { TokenUsage } from '../token-usage.ts';
import { type AnswerRelay, createJsonRelay } from './answer-relay.ts';
import { type AnswerForm, ClientAnswer } from './client-answer.ts';
import { createHeartbeat, type Heartbeat } from './heartbeat.ts';
import { createSseRelay, hasChoices } from './sse-relay.ts';

/** How long the gateway waits for an engine, or for a client that does not read. */
export interface Patience {
  /** From the dispatch to an engine to the first byte of the answer's body. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer. */
  readonly idleMs: number;
  /** For the whole answer. */
  readonly totalMs: number;
  /** Between two comments to a client that waits for its stream to begin; 0: none. */
  readonly heartbeatMs: number;
}

export interface ForwardOptions {
  readonly request: PreparedRequest;
  readonly seat: Seat;
  readonly requestId: string;
  /** Makes the engine's spans children of ours. */
  readonly traceparent: string | undefined;
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
  /** What was charged. */
  readonly usage: TokenUsage | undefined;
  readonly chargeBasis: ChargeBasis;
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
  /** No engine has it yet. */
  readonly waiting: boolean;
}

/** Enough of an engine's error to understand it. */
const MAX_ERROR_BYTES = 64 * 1024;
const UNREACHABLE_RETRY_SECONDS = 2;
const ADAPTER_RETRY_SECONDS = 2;
/** An engine that has just started is told of its adapters a moment later. */
const ADAPTER_WAIT_MS = 15_000;
const ADAPTER_LOOK_MS = 1_000;
/** What vLLM says while it lets running requests end; its `/health` is still 200 then. */
const SHUTTING_DOWN = 'cannot schedule new futures after shutdown';

/** How vLLM's message begins when its engine has died; with some settings the API server lives on. */
const DEAD = 'EngineCore encountered an issue';

/** Sends one admitted request to an engine and streams the answer to the client. */
export function forward(options: ForwardOptions): Forwarding {
  const exchange = new Exchange(options);
  exchange.start();
  return exchange;
}

type Answer =
  | { readonly kind: 'body'; readonly relay: AnswerRelay; readonly form: AnswerForm }
  | { readonly kind: 'error'; readonly status: number; readonly chunks: Buffer[]; bytes: number };

class Exchange implements Forwarding {
  readonly done: Promise<Forwarded>;
  readonly #options: ForwardOptions;
  readonly #resolve: (forwarded: Forwarded) => void;
  readonly #startedMs: number;
  #waiting: Waiting | undefined;
  #turn: Turn | undefined;
  #retried = false;
  /** The engine whose answer counts; undefined when the request is over. */
  #asked: EngineUse | undefined;
  #reachedEngine = false;
  #controller: Dispatcher.DispatchController | undefined;
  #answer: Answer | undefined;
  #toldTokens = 0;
  readonly #heartbeat: Heartbeat;
  readonly #client: ClientAnswer;
  #firstByteMs: number | undefined;
  /** Of the dispatch to an engine; the waits of the queue are the queue's to bound. */
  #dispatchedMs: number;
  #lastMoveMs: number;
  #paused = false;
  #finished = false;
  #timer: Timer | undefined;
  /** Until when it is waited for the adapter; undefined: no engine has lacked it yet. */
  #adapterByMs: number | undefined;

  constructor(options: ForwardOptions) {
    const { promise, resolve } = Promise.withResolvers<Forwarded>();
    this.done = promise;
    this.#resolve = resolve;
    this.#options = options;
    this.#startedMs = options.clock.monotonic();
    this.#dispatchedMs = this.#startedMs;
    this.#lastMoveMs = this.#startedMs;
    const { clock, request, response, headers, patience } = options;
    this.#client = new ClientAnswer({ response, headers, path: request.path });
    const everyMs = request.streaming ? patience.heartbeatMs : 0;
    this.#heartbeat = createHeartbeat(clock, everyMs, (comment) => this.#client.write('events', comment));
  }

  start(): void {
    const { response } = this.#options;
    response.on('close', this.#onClientGone);
    response.on('drain', this.#onDrain);
    // A client that closes its half of the connection has left: it can be told nothing that it waits for.
    response.socket?.on('end', this.#onClientGone);
    if (response.destroyed) {
      this.#onClientGone();
      return;
    }
    this.#enter();
  }

  #enter(): void {
    const { queue, seat, request } = this.#options;
    const waiting = queue.enter(
      { seat, ...request.ticket },
      {
        onTurn: (turn) => this.#onTurn(turn),
        onRefused: (refusal) => this.#onTurnedAway(refusal),
      },
    );
    this.#waiting = waiting;
    if (this.#finished) waiting.cancel();
  }

  end(refusal: Refusal): void {
    this.#breakOff(refusal);
  }

  get waiting(): boolean {
    return this.#turn === undefined;
  }

  #onTurn(turn: Turn): void {
    this.#turn = turn;
    this.#dispatchedMs = this.#options.clock.monotonic();
    this.#lastMoveMs = this.#dispatchedMs;
    this.#watchTime();
    this.#attempt(turn.engine);
  }

  #attempt(use: EngineUse): void {
    const { request, requestId, traceparent } = this.#options;
    let reached = false;
    this.#asked = use;
    const current = (): boolean => this.#asked === use;
    use.dispatcher.dispatch(
      {
        method: 'POST',
        path: request.path,
        headers: upstreamHeaders(requestId, traceparent),
        body: request.body,
      },
      {
        onRequestStart: (controller) => {
          reached = true;
          this.#reachedEngine = true;
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
    const { path, usageShown, cost } = this.#options.request;
    if (!String(contentType).startsWith('text/event-stream')) {
      const relay = createJsonRelay({ saysWhyFinished: hasChoices(path) });
      return { kind: 'body', form: 'json', relay };
    }
    const relay = createSseRelay({ path, usageShown, answers: cost.answers });
    return { kind: 'body', form: 'events', relay };
  }

  #onData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const answer = this.#answer;
    if (answer === undefined) return;
    this.#lastMoveMs = this.#options.clock.monotonic();
    if (answer.kind === 'error') {
      if (answer.bytes < MAX_ERROR_BYTES) answer.chunks.push(chunk);
      answer.bytes += chunk.length;
      return;
    }
    const { relay } = answer;
    const ready = relay.push(chunk);
    if (relay.begun) this.#onTokens(relay);
    if (ready !== undefined) this.#write(answer.form, ready, controller);
    if (relay.failure !== undefined) this.#onEngineError(relay.failure);
  }

  #onTokens(relay: AnswerRelay): void {
    if (this.#firstByteMs === undefined) {
      this.#firstByteMs = this.#lastMoveMs - this.#startedMs;
      this.#heartbeat.stop();
      this.#watchTime();
    }
    const tokens = relay.seenTokens;
    if (tokens <= this.#toldTokens) return;
    this.#turn?.generated(tokens - this.#toldTokens);
    this.#toldTokens = tokens;
  }

  #write(form: AnswerForm, chunk: Buffer, controller: Dispatcher.DispatchController): void {
    if (!this.#client.takes(form)) {
      this.#onWrongForm();
      return;
    }
    if (this.#client.write(form, chunk)) return;
    // The client reads slower than the engine writes: the engine's socket waits until `drain` (or `close`).
    this.#paused = true;
    controller.pause();
  }

  /** Comments have begun a stream of events, and then the engine answers in one piece. */
  #onWrongForm(): void {
    this.#breakOff(refuse('engine_failed', this.#ofClass), 'failed');
  }

  #onEnd(): void {
    this.#controller = undefined;
    const answer = this.#answer;
    if (answer === undefined) {
      this.#breakOff(refuse('engine_failed', this.#ofClass), 'failed');
      return;
    }
    if (answer.kind === 'error') {
      this.#onEngineError(parseEngineError(answer.status, Buffer.concat(answer.chunks).toString('utf8')));
      return;
    }
    const { relay, form } = answer;
    const { rest, complete } = relay.end();
    if (relay.failure !== undefined) this.#onEngineError(relay.failure);
    else if (!complete) this.#breakOff(refuse('engine_failed', this.#ofClass), 'failed');
    else if (!this.#client.takes(form)) this.#onWrongForm();
    else this.#finish('completed', undefined, () => this.#client.complete(form, rest));
  }

  /** The engine said no, in the place of an answer or in the middle of one. */
  #onEngineError(error: EngineError): void {
    if (this.#hasBegun()) {
      this.#breakOff(this.#refusalOf(error), faultOf(error));
      return;
    }
    if (this.#lacksAdapter(error)) this.#asked?.lacks(this.#options.request.servedModel);
    const mayAskAnother = refusedUnheard(error) || this.#lacksAdapter(error);
    if (mayAskAnother && this.#tryAnother(faultOf(error))) return;
    if (this.#lacksAdapter(error) && this.#awaitAdapter()) return;
    const refusal = this.#refusalOf(error);
    const outcome = refusal.status < 500 ? 'refused' : 'unanswered';
    this.#finish(outcome, refusal, () => this.#client.refuse(refusal), faultOf(error));
  }

  #refusalOf(error: EngineError): Refusal {
    const { seat, request } = this.#options;
    if (!this.#lacksAdapter(error)) return refusalOfEngineError(error, seat, request.path);
    const details = { ...this.#ofClass, model: request.servedModel };
    return refuse('adapter_not_loaded', details, { retryAfterSeconds: ADAPTER_RETRY_SECONDS });
  }

  /** An engine that has just started knows the base model and not yet the adapter. */
  #lacksAdapter(error: EngineError): boolean {
    return this.#options.request.adapter !== undefined && isUnknownModel(error);
  }

  /** Something of the answer came, so that it is charged if it breaks off, and not asked for again. */
  #hasBegun(): boolean {
    return this.#answer?.kind === 'body' && this.#answer.relay.begun;
  }

  /** Asks another engine in the place of this one: once, and only while nothing of an answer has come. */
  #tryAnother(fault: EngineFault | undefined): boolean {
    if (this.#retried) return false;
    const before = this.#controller;
    const other = this.#turn?.another(fault);
    if (other === undefined) return false;
    this.#retried = true;
    this.#controller = undefined;
    this.#answer = undefined;
    this.#reachedEngine = false;
    this.#asked = undefined;
    before?.abort(new Error('another engine is asked'));
    this.#attempt(other);
    return true;
  }

  /** Whoever has waited for an engine waits for its adapter as well, and enters the queue again. */
  #awaitAdapter(): boolean {
    const { clock } = this.#options;
    const nowMs = clock.monotonic();
    if (this.#adapterByMs === undefined && nowMs - this.#startedMs < ADAPTER_LOOK_MS) return false;
    this.#adapterByMs ??= nowMs + ADAPTER_WAIT_MS;
    if (nowMs >= this.#adapterByMs) return false;
    this.#timer?.cancel();
    this.#timer = clock.setTimeout(() => this.#enter(), ADAPTER_LOOK_MS);
    const turn = this.#turn;
    this.#turn = undefined;
    this.#controller = undefined;
    this.#answer = undefined;
    this.#reachedEngine = false;
    this.#retried = false;
    this.#asked = undefined;
    turn?.done(undefined);
    return true;
  }

  #onEngineLost(reached: boolean): void {
    this.#controller = undefined;
    // One that was reached may have begun to compute: asking another one then could run the request twice.
    if (!reached && this.#tryAnother('unreachable')) return;
    const code = reached ? 'engine_failed' : 'engine_unreachable';
    const refusal = refuse(code, this.#ofClass, { retryAfterSeconds: UNREACHABLE_RETRY_SECONDS });
    this.#breakOff(refusal, reached ? 'failed' : 'unreachable');
  }

  #breakOff(refusal: Refusal, fault?: EngineFault): void {
    const outcome = this.#hasBegun() ? 'interrupted' : 'unanswered';
    this.#finish(outcome, refusal, () => this.#client.refuse(refusal), fault);
  }

  /** By the queue: because it is full, or because there is no engine. */
  #onTurnedAway(refusal: Refusal): void {
    if (refusal.code === 'adapter_not_loaded' && this.#awaitAdapter()) return;
    const outcome = refusal.status === 429 ? 'throttled' : 'unanswered';
    this.#finish(outcome, refusal, () => this.#client.refuse(refusal));
  }

  readonly #onClientGone = (): void => {
    this.#finish('client-left', undefined, () => this.#options.response.destroy());
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
      this.#breakOff(refuse('engine_silent', { ...this.#ofClass, seconds: silenceMs / 1000 }), 'silent');
    }
  }

  /** A client that reads nothing would hold an engine's sequence for ever. It cannot be told anything either. */
  #dropStalledClient(): void {
    this.#finish('client-left', undefined, () => this.#options.response.destroy());
  }

  /** @param close ends the answer, once it is settled */
  #finish(outcome: OutcomeKind, refusal: Refusal | undefined, close: () => void, fault?: EngineFault): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#asked = undefined;
    const { response, settle, request, clock, patience } = this.#options;
    this.#timer?.cancel();
    this.#heartbeat.stop();
    response.off('close', this.#onClientGone);
    response.off('drain', this.#onDrain);
    response.socket?.off('end', this.#onClientGone);
    this.#controller?.abort(new Error(`the request ended: ${refusal?.code ?? outcome}`));
    const { usage, basis } = this.#charge(outcome);
    this.#waiting?.cancel();
    this.#turn?.done(usage, fault);
    const queueWaitMs = this.#turn && this.#dispatchedMs - this.#startedMs;
    const firstByteMs = this.#firstByteMs;
    const { servedModel: model } = request;
    void settle({ outcome, usage, model, queueWaitMs, firstTokenMs: firstByteMs }).then(() => {
      close();
      this.#client.boundFlush(clock, patience.idleMs);
      this.#resolve({
        kind: outcome,
        usage,
        chargeBasis: basis,
        status: response.headersSent ? response.statusCode : undefined,
        refusal,
        engineId: this.#turn?.engine.id,
        queueWaitMs,
        firstByteMs,
      });
    });
  }

  #charge(outcome: OutcomeKind): Charge {
    const { cost, ticket } = this.#options.request;
    const relay = this.#answer?.kind === 'body' ? this.#answer.relay : undefined;
    return chargeOf({
      outcome,
      reachedEngine: this.#reachedEngine,
      reported: relay?.usage,
      seenTokens: relay?.seenTokens ?? 0,
      expectedPromptTokens: ticket.promptTokens,
      reserved: { promptTokens: cost.promptTokens, outputTokens: cost.outputTokens * cost.answers },
    });
  }

  get #ofClass(): OfClass {
    return ofClass(this.#options.seat.classroom);
  }
}

/** All that goes upstream: nothing of the client's headers does. */
function upstreamHeaders(requestId: string, traceparent: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'accept-encoding': 'identity',
    [REQUEST_ID_HEADER]: requestId,
  };
  if (traceparent !== undefined) headers.traceparent = traceparent;
  return headers;
}

/**
 * The engine has not begun with the request, and another one may take it. Not so after other errors: a request may
 * have killed its engine, and must not kill the next one as well.
 */
function refusedUnheard(error: EngineError): boolean {
  return error.status === 503 || isShuttingDown(error);
}

function isShuttingDown({ status, message }: EngineError): boolean {
  return status === 500 && message?.includes(SHUTTING_DOWN) === true;
}

function isDead({ status, message }: EngineError): boolean {
  return status === 500 && message?.startsWith(DEAD) === true;
}

/** A full engine is none that failed; one that shuts down, or is dead, refuses everything from now on. */
function faultOf(error: EngineError): EngineFault | undefined {
  if (isShuttingDown(error) || isDead(error)) return 'unreachable';
  return error.status >= 500 && error.status !== 503 ? 'failed' : undefined;
}
