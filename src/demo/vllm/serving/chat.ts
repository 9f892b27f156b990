import { readJson } from '../http/body.ts';
import { errors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { type ChatRequest, chatRequestSchema } from '../http/request-schemas.ts';
import { encodeChat } from '../text/tokenizer.ts';
import type { ServingContext } from './context.ts';
import { answerWhole, EventStream } from './delivery.ts';
import { type Choice, Generation, type PreparedGeneration } from './generation.ts';
import { chatLogprobs } from './logprobs.ts';
import { lastQuestion, prepareGeneration, readChat } from './prepare.ts';
import { requestId } from './request-id.ts';
import { chunkUsageJson, finalUsageJson, usageMode, usageObject } from './usage.ts';

function prepare(context: ServingContext, exchange: Exchange, body: ChatRequest): PreparedGeneration {
  context.models.resolve(body.model);
  if (body.tool_choice === 'auto' && body.tools?.length) throw errors.toolChoiceAuto();
  const { messages, text } = readChat(body.messages, context);
  if ((body.top_logprobs ?? 0) > context.options.maxLogprobs) {
    throw errors.logprobsTooMany(body.top_logprobs ?? 0, context.options.maxLogprobs);
  }
  return prepareGeneration(context, body, {
    id: `chatcmpl-${requestId(context, exchange, body.request_id)}`,
    path: exchange.path,
    prompts: [{ tokens: encodeChat(messages), question: lastQuestion(messages) }],
    promptText: text,
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
  });
}

const textOf = (choice: Choice): string => choice.answer.pieces.slice(0, choice.generatedTokens).join('');

function choiceObject(choice: Choice, body: ChatRequest): object {
  const tokens = choice.answer.tokens.slice(0, choice.generatedTokens);
  return {
    index: choice.index,
    message: {
      role: 'assistant',
      content: textOf(choice),
      refusal: null,
      annotations: null,
      audio: null,
      function_call: null,
      reasoning: null,
    },
    logprobs: body.logprobs ? chatLogprobs(tokens, body.top_logprobs ?? 0) : null,
    finish_reason: choice.finishReason,
    stop_reason: choice.finishReason === 'abort' ? null : choice.answer.stopReason,
    token_ids: null,
    routed_experts: null,
  };
}

async function answer(
  context: ServingContext,
  exchange: Exchange,
  body: ChatRequest,
  prepared: PreparedGeneration,
): Promise<void> {
  const created = context.nowSeconds();
  const generation = await answerWhole(context, exchange, prepared);
  if (generation === undefined) return;
  exchange.json(200, {
    id: prepared.id,
    object: 'chat.completion',
    created,
    model: prepared.modelName,
    choices: prepared.answers.map((_, index) => choiceObject(generation.choice(index), body)),
    service_tier: null,
    system_fingerprint: context.fingerprint,
    usage: usageObject(generation.usage, context.options.promptTokensDetails),
    prompt_logprobs: null,
    prompt_token_ids: null,
    prompt_text: null,
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  });
}

/** Writes the chunks of one chat. Strings are put together by hand: this runs once per token. */
class ChatStream {
  readonly #context: ServingContext;
  readonly #stream: EventStream;
  readonly #body: ChatRequest;
  readonly #prepared: PreparedGeneration;
  readonly #usage: { final: boolean; continuous: boolean };
  readonly #head: string;
  readonly #fingerprint: string;
  #roleSent = false;
  #open: number;

  constructor(context: ServingContext, exchange: Exchange, body: ChatRequest, prepared: PreparedGeneration) {
    this.#context = context;
    this.#stream = new EventStream(context, exchange);
    this.#body = body;
    this.#prepared = prepared;
    this.#usage = usageMode(context.options.forceIncludeUsage, body.stream_options);
    this.#open = prepared.answers.length;
    const created = context.nowSeconds();
    this.#head = `{"id":${JSON.stringify(prepared.id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(prepared.modelName)},"choices":[`;
    this.#fingerprint = `,"system_fingerprint":${JSON.stringify(context.fingerprint)}`;
  }

  start(): void {
    const generation: Generation = new Generation(this.#context, this.#prepared, {
      advanced: (choice, from, to) => this.#advanced(choice, from, to),
      completed: () => this.#completed(generation),
      failed: (error) => this.#stream.fail(error),
      cut: (how) => this.#stream.cut(how),
    });
    this.#stream.open(generation);
  }

  #advanced(choice: Choice, from: number, to: number): void {
    if (!this.#roleSent) this.#sendRoles();
    const start = this.#stream.pendingFrom(choice.index, from);
    if (choice.finishReason === null && this.#stream.holdBack(choice.index, start, to)) return;
    const { index, answer, finishReason } = choice;
    const content = JSON.stringify(answer.pieces.slice(start, to).join(''));
    const logprobs = this.#body.logprobs
      ? JSON.stringify(chatLogprobs(answer.tokens.slice(start, to), this.#body.top_logprobs ?? 0))
      : 'null';
    const usage = this.#chunkUsage(to);
    if (finishReason === null) {
      this.#stream.data(
        `${this.#head}{"index":${index},"delta":{"content":${content}},"logprobs":${logprobs},"finish_reason":null,"token_ids":null}]${usage}}`,
      );
      return;
    }
    this.#open -= 1;
    const stopReason = JSON.stringify(finishReason === 'abort' ? null : answer.stopReason);
    const fingerprint = this.#open === 0 && !this.#usage.final ? this.#fingerprint : '';
    this.#stream.data(
      `${this.#head}{"index":${index},"delta":{"content":${content}},"logprobs":${logprobs},"finish_reason":"${finishReason}","stop_reason":${stopReason},"token_ids":null}]${usage}${fingerprint}}`,
    );
  }

  #sendRoles(): void {
    this.#roleSent = true;
    for (const index of this.#prepared.answers.keys()) {
      this.#stream.data(
        `${this.#head}{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]${this.#chunkUsage(0)},"prompt_token_ids":null,"prompt_text":null}`,
      );
    }
  }

  #chunkUsage(completionTokens: number): string {
    if (!this.#usage.continuous) return '';
    return `,"usage":${chunkUsageJson(this.#prepared.prompts[0]?.length ?? 0, completionTokens)}`;
  }

  #completed(generation: Generation): void {
    if (this.#usage.final) {
      const usage = finalUsageJson(generation.usage, this.#context.options.promptTokensDetails);
      this.#stream.data(`${this.#head}],"usage":${usage}${this.#fingerprint}}`);
    }
    this.#stream.done();
  }
}

/** `POST /v1/chat/completions` and `POST /invocations`. */
export async function createChatCompletion(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, chatRequestSchema);
  const prepared = prepare(context, exchange, body);
  if (body.stream) new ChatStream(context, exchange, body, prepared).start();
  else await answer(context, exchange, body, prepared);
}
