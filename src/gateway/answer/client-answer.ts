import type { ServerResponse } from 'node:http';
import type { Clock } from '../../kube/clock.ts';
import type { Refusal } from '../errors.ts';
import { sendRefusal } from '../http/respond.ts';
import { ChunkedBody } from './chunked-body.ts';
import { errorEvent } from './sse-relay.ts';

/** What an answer consists of: server-sent events, or one piece of JSON. */
export type AnswerForm = 'events' | 'json';

export interface ClientAnswerOptions {
  readonly response: ServerResponse;
  /** Headers of the answer, whatever it will be. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the endpoint. */
  readonly path: string;
}

const FORM_HEADERS: Record<AnswerForm, Readonly<Record<string, string>>> = {
  events: {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    // Keeps nginx from collecting frames.
    'x-accel-buffering': 'no',
  },
  json: { 'content-type': 'application/json' },
};

/** The answer to one client: begun by the first byte that is sent, in one of two forms, and ended in that form. */
export class ClientAnswer {
  readonly #options: ClientAnswerOptions;
  #form: AnswerForm | undefined;
  #body: ChunkedBody | undefined;

  constructor(options: ClientAnswerOptions) {
    this.#options = options;
  }

  /** Whether an answer of this form can still be sent: comments may have begun a stream of events. */
  takes(form: AnswerForm): boolean {
    return this.#form === undefined || this.#form === form;
  }

  /** @returns false when the client reads too slowly: wait for `drain` */
  write(form: AnswerForm, data: Buffer): boolean {
    if (this.#form === undefined) this.#begin(form, {});
    return this.#body === undefined ? this.#options.response.write(data) : this.#body.write(data);
  }

  complete(form: AnswerForm, rest: Buffer | undefined): void {
    // A short answer leaves in one write, with its length.
    if (this.#form === undefined) this.#begin(form, { 'content-length': String(rest?.length ?? 0) });
    this.#end(rest);
  }

  /** Says why there is no answer, or no more of it: with a status while that is possible. */
  refuse(refusal: Refusal): void {
    const { response, headers, path } = this.#options;
    switch (this.#form) {
      case undefined:
        sendRefusal(response, refusal, headers, path);
        return;
      case 'events':
        this.#end(Buffer.from(errorEvent(refusal, path)));
        return;
      case 'json':
        // Half a JSON document cannot be repaired; a cut connection is an error that every client notices.
        response.destroy();
    }
  }

  /** A client that no longer reads must not keep what it was sent, and its connection, for ever. */
  boundFlush(clock: Clock, idleMs: number): void {
    const { response } = this.#options;
    if (response.writableLength === 0 || response.destroyed) return;
    const timer = clock.setTimeout(() => response.destroy(), idleMs);
    response.once('finish', () => timer.cancel());
    response.once('close', () => timer.cancel());
  }

  #begin(form: AnswerForm, headers: Readonly<Record<string, string>>): void {
    const { response, headers: common } = this.#options;
    this.#form = form;
    response.writeHead(200, { ...common, ...FORM_HEADERS[form], ...headers });
    if (form === 'events') this.#body = new ChunkedBody(response);
  }

  #end(rest: Buffer | undefined): void {
    if (this.#body === undefined) this.#options.response.end(rest);
    else this.#body.end(rest);
  }
}
