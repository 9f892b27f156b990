import { readJson } from '../http/body.ts';
import { errors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import {
  type RequestMessage,
  type ResponsesRequest,
  responsesRequestSchema,
} from '../http/request-schemas.ts';
import { encodeChat } from '../text/tokenizer.ts';
import type { ServingContext } from './context.ts';
import { answerWhole, EventStream } from './delivery.ts';
import { type Choice, Generation, type PreparedGeneration } from './generation.ts';
import { lastQuestion, prepareGeneration, readChat } from './prepare.ts';
import { requestId } from './request-id.ts';

function inputMessages(body: ResponsesRequest): RequestMessage[] {
  const items: RequestMessage[] =
    typeof body.input === 'string'
      ? [{ role: 'user', content: body.input }]
      : body.input.map(({ role, content }) => ({ role: role ?? 'user', content }));
  return body.instructions ? [{ role: 'system', content: body.instructions }, ...items] : items;
}

function prepare(context: ServingContext, exchange: Exchange, body: ResponsesRequest): PreparedGeneration {
  context.models.resolve(body.model);
  if (body.background) throw errors.responsesBackground();
  if (body.previous_response_id) throw errors.responseNotFound(body.previous_response_id);
  const { messages, text } = readChat(inputMessages(body), context);
  return prepareGeneration(context, body, {
    id: `resp_${requestId(context, exchange, body.request_id)}`,
    path: exchange.path,
    prompts: [{ tokens: encodeChat(messages), question: lastQuestion(messages) }],
    promptText: text,
    maxTokens: body.max_output_tokens ?? undefined,
  });
}

/** One response and its single output message; builds every object and event of the API. */
class ResponseView {
  readonly #body: ResponsesRequest;
  readonly #prepared: PreparedGeneration;
  readonly #createdAt: number;
  readonly #maxModelLen: number;
  readonly messageId: string;

  constructor(context: ServingContext, body: ResponsesRequest, prepared: PreparedGeneration) {
    this.#body = body;
    this.#prepared = prepared;
    this.#createdAt = context.nowSeconds();
    this.#maxModelLen = context.plan.maxModelLen;
    this.messageId = `msg_${context.newId()}`;
  }

  started(): object {
    return this.#response('in_progress', [], null, null);
  }

  finished(generation: Generation): object {
    const choice = generation.choice(0);
    const { promptTokens, completionTokens, cachedTokens } = generation.usage;
    const usage = {
      input_tokens: promptTokens,
      input_tokens_details: {
        cached_tokens: cachedTokens,
        cache_write_tokens: 0,
        input_tokens_per_turn: [],
        cached_tokens_per_turn: [],
      },
      output_tokens: completionTokens,
      output_tokens_details: {
        reasoning_tokens: 0,
        tool_output_tokens: 0,
        output_tokens_per_turn: [],
        tool_output_tokens_per_turn: [],
      },
      total_tokens: promptTokens + completionTokens,
    };
    const complete = choice.finishReason === 'stop';
    const reason = choice.finishReason === 'length' ? { reason: 'max_output_tokens' } : null;
    return this.#response(complete ? 'completed' : 'incomplete', [this.item(choice)], reason, usage);
  }

  item(choice: Choice): object {
    return {
      id: this.messageId,
      content: [this.part(choice)],
      role: 'assistant',
      status: 'completed',
      type: 'message',
      phase: null,
    };
  }

  part(choice: Choice): object {
    return { annotations: [], text: textOf(choice), type: 'output_text', logprobs: null };
  }

  #response(
    status: string,
    output: readonly object[],
    incomplete: object | null,
    usage: object | null,
  ): object {
    const body = this.#body;
    return {
      id: this.#prepared.id,
      created_at: this.#createdAt,
      incomplete_details: incomplete,
      instructions: body.instructions ?? null,
      metadata: body.metadata ?? null,
      model: this.#prepared.modelName,
      object: 'response',
      output,
      parallel_tool_calls: true,
      temperature: body.temperature ?? 1,
      tool_choice: 'none',
      tools: [],
      top_p: body.top_p ?? 1,
      background: false,
      max_output_tokens:
        body.max_output_tokens ?? this.#maxModelLen - (this.#prepared.prompts[0]?.length ?? 0),
      max_tool_calls: null,
      previous_response_id: null,
      prompt: null,
      reasoning: null,
      service_tier: 'auto',
      status,
      text: null,
      top_logprobs: null,
      truncation: 'disabled',
      usage,
      user: body.user ?? null,
      presence_penalty: 0,
      frequency_penalty: 0,
      kv_transfer_params: null,
      ec_transfer_params: null,
      input_messages: null,
      output_messages: null,
    };
  }
}

const textOf = (choice: Choice): string => choice.answer.pieces.slice(0, choice.generatedTokens).join('');

/** The named events of one streamed response, numbered. */
class ResponseStream {
  readonly #events: EventStream;
  readonly #view: ResponseView;
  #sequence = 0;
  #begun = false;

  constructor(events: EventStream, view: ResponseView) {
    this.#events = events;
    this.#view = view;
  }

  begin(): void {
    this.#emit('response.created', { response: this.#view.started() });
    this.#emit('response.in_progress', { response: this.#view.started() });
  }

  delta(text: string): void {
    if (!this.#begun) this.#beginItem();
    // Bytes of an unfinished character make no event here.
    if (text === '') return;
    this.#emit('response.output_text.delta', {
      content_index: 0,
      delta: text,
      item_id: this.#view.messageId,
      logprobs: [],
      output_index: 0,
    });
  }

  end(generation: Generation): void {
    const choice = generation.choice(0);
    const place = { content_index: 0, item_id: this.#view.messageId };
    this.#emit(
      'response.output_text.done',
      { ...place, logprobs: [], output_index: 0 },
      { text: textOf(choice) },
    );
    this.#emit('response.content_part.done', { ...place, output_index: 0, part: this.#view.part(choice) });
    this.#emit('response.output_item.done', { item: this.#view.item(choice), output_index: 0 });
    this.#emit('response.completed', { response: this.#view.finished(generation) });
    this.#events.end();
  }

  #beginItem(): void {
    this.#begun = true;
    const item = {
      id: this.#view.messageId,
      content: [],
      role: 'assistant',
      status: 'in_progress',
      type: 'message',
      phase: null,
    };
    this.#emit('response.output_item.added', { item, output_index: 0 });
    this.#emit('response.content_part.added', {
      content_index: 0,
      item_id: this.#view.messageId,
      output_index: 0,
      part: { annotations: [], text: '', type: 'output_text', logprobs: [] },
    });
  }

  #emit(type: string, data: object, after: object = {}): void {
    this.#events.event(type, { ...data, sequence_number: this.#sequence, ...after, type });
    this.#sequence += 1;
  }
}

function stream(
  context: ServingContext,
  exchange: Exchange,
  body: ResponsesRequest,
  prepared: PreparedGeneration,
): void {
  const events = new EventStream(context, exchange);
  const responses = new ResponseStream(events, new ResponseView(context, body, prepared));
  const generation: Generation = new Generation(context, prepared, {
    advanced: (choice, from, to) => responses.delta(choice.answer.pieces.slice(from, to).join('')),
    completed: () => responses.end(generation),
    failed: (error) => events.fail(error),
    cut: (how) => events.cut(how),
  });
  events.open(generation);
  responses.begin();
}

/** `POST /v1/responses`. */
export async function createResponse(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, responsesRequestSchema);
  const prepared = prepare(context, exchange, body);
  if (body.stream) {
    stream(context, exchange, body, prepared);
    return;
  }
  const view = new ResponseView(context, body, prepared);
  const generation = await answerWhole(context, exchange, prepared);
  if (generation !== undefined) exchange.json(200, view.finished(generation));
}

/** `GET /v1/responses/{response_id}` and its cancel: nothing is stored. */
export function findResponse(_: ServingContext, exchange: Exchange): void {
  throw errors.responseNotFound(exchange.path.split('/')[3] ?? '');
}
