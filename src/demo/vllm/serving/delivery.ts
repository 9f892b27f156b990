import type { CancelTimer } from '../engine/clock.ts';
import { type ApiError, streamErrorBody } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import type { ServingContext } from './context.ts';
import { Generation, type PreparedGeneration } from './generation.ts';

/**
 * Runs a generation to its end for an answer that is sent whole.
 *
 * @returns undefined if there is no one left to answer
 * @throws {ApiError} if the generation fails
 */
export function answerWhole(
  context: ServingContext,
  exchange: Exchange,
  prepared: PreparedGeneration,
): Promise<Generation | undefined> {
  return new Promise((resolve, reject) => {
    const generation: Generation = new Generation(context, prepared, {
      advanced: () => {},
      completed: () => resolve(generation),
      failed: reject,
      cut: (how) => {
        exchange.cut(how);
        resolve(undefined);
      },
    });
    exchange.onDisconnect(() => {
      generation.abort();
      resolve(undefined);
    });
  });
}

/** Server-sent events of one answer: headers at once, errors inside the stream, `[DONE]` also after them. */
export class EventStream {
  readonly #context: ServingContext;
  readonly #exchange: Exchange;
  /** Tokens of each choice that were not worth a chunk yet (`--stream-interval`). */
  readonly #pending = new Map<number, number>();
  #cancelKeepAlive: CancelTimer | undefined;

  constructor(context: ServingContext, exchange: Exchange) {
    this.#context = context;
    this.#exchange = exchange;
  }

  /** Sends status and headers; from here on the client's leaving aborts the generation. */
  open(generation: Generation): void {
    this.#exchange.openStream();
    this.#exchange.onDisconnect(() => {
      this.#cancelKeepAlive?.();
      generation.abort();
    });
    this.#keepAlive();
  }

  /** One event without a name. */
  data(json: string): void {
    this.#exchange.write(`data: ${json}\n\n`);
    this.#keepAlive();
  }

  /** One event with a name, as `/v1/responses` and `/v1/messages` send them. */
  event(name: string, data: object): void {
    this.#exchange.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    this.#keepAlive();
  }

  done(): void {
    this.data('[DONE]');
    this.end();
  }

  end(): void {
    this.#cancelKeepAlive?.();
    this.#exchange.end();
  }

  fail(error: ApiError): void {
    this.data(streamErrorBody(error.body));
    this.done();
  }

  cut(how: 'reset' | 'close'): void {
    this.#cancelKeepAlive?.();
    this.#exchange.cut(how);
  }

  /** Where the next chunk of a choice begins. */
  pendingFrom(choice: number, from: number): number {
    return this.#pending.get(choice) ?? from;
  }

  /** True if tokens `from` to `to` should wait for more; the first token never waits. */
  holdBack(choice: number, from: number, to: number): boolean {
    const wait = from > 0 && to - from < this.#context.options.streamInterval;
    if (wait) this.#pending.set(choice, from);
    else this.#pending.delete(choice);
    return wait;
  }

  #keepAlive(): void {
    const seconds = this.#context.options.sseKeepAliveIntervalSeconds;
    if (seconds <= 0) return;
    this.#cancelKeepAlive?.();
    this.#cancelKeepAlive = this.#context.clock.after(seconds * 1000, () => {
      this.#exchange.write(': keep-alive\n\n');
      this.#keepAlive();
    });
  }
}
