import { readJson } from '../http/body.ts';
import { ApiError } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import {
  countTokensRequestSchema,
  type MessagesRequest,
  messagesRequestSchema,
  type RequestMessage,
} from '../http/request-schemas.ts';
import { encodeChat } from '../text/tokenizer.ts';
import type { ServingContext } from './context.ts';
import { answerWhole, EventStream } from './delivery.ts';
import { type Choice, Generation, type PreparedGeneration } from './generation.ts';
import { lastQuestion, prepareGeneration, readChat, toChatMessages } from './prepare.ts';
import { requestId } from './request-id.ts';

type Conversation = Pick<MessagesRequest, 'messages' | 'system'>;

const conversation = ({ messages, system }: Conversation): RequestMessage[] =>
  system ? [{ role: 'system', content: system }, ...messages] : messages;

function prepare(context: ServingContext, exchange: Exchange, body: MessagesRequest): PreparedGeneration {
  context.models.resolve(body.model);
  const { messages, text } = readChat(conversation(body), context);
  const fields = {
    model: body.model,
    temperature: body.temperature,
    top_p: body.top_p,
    stop: body.stop_sequences,
  };
  return prepareGeneration(context, fields, {
    id: `chatcmpl-${requestId(context, exchange)}`,
    path: exchange.path,
    prompts: [{ tokens: encodeChat(messages), question: lastQuestion(messages) }],
    promptText: text,
    maxTokens: body.max_tokens,
  });
}

function stopReason({ finishReason, answer }: Choice): string | null {
  if (finishReason === 'length') return 'max_tokens';
  if (finishReason !== 'stop') return null;
  return answer.stopReason === null ? 'end_turn' : 'stop_sequence';
}

/** Errors of this endpoint have Anthropic's shape, except those of the body's schema. */
async function withAnthropicErrors(exchange: Exchange, handle: () => Promise<void>): Promise<void> {
  try {
    await handle();
  } catch (error) {
    if (!(error instanceof ApiError) || error.body.type === 'Bad Request' || exchange.status !== undefined)
      throw error;
    exchange.json(error.status, { type: 'error', error: { type: error.body.type, message: error.message } });
  }
}

function stream(context: ServingContext, exchange: Exchange, prepared: PreparedGeneration): void {
  const events = new EventStream(context, exchange);
  const emit = (type: string, data: object): void => events.event(type, { type, ...data });
  const promptTokens = prepared.prompts[0]?.length ?? 0;
  let begun = false;
  const begin = (): void => {
    begun = true;
    emit('message_start', {
      message: {
        id: prepared.id,
        type: 'message',
        role: 'assistant',
        content: [],
        model: prepared.modelName,
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: promptTokens, output_tokens: 0 },
      },
    });
    emit('content_block_start', { content_block: { type: 'text', text: '' }, index: 0 });
  };
  const generation: Generation = new Generation(context, prepared, {
    advanced: ({ answer }, from, to) => {
      if (!begun) begin();
      const text = answer.pieces.slice(from, to).join('');
      emit('content_block_delta', { delta: { type: 'text_delta', text }, index: 0 });
    },
    completed: () => {
      emit('content_block_stop', { index: 0 });
      emit('message_delta', {
        delta: { stop_reason: stopReason(generation.choice(0)), stop_sequence: null },
        usage: { input_tokens: promptTokens, output_tokens: generation.usage.completionTokens },
      });
      emit('message_stop', {});
      events.end();
    },
    failed: (error) => events.fail(error),
    cut: (how) => events.cut(how),
  });
  events.open(generation);
}

/** `POST /v1/messages`: Anthropic's API. */
export async function createMessage(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, messagesRequestSchema);
  await withAnthropicErrors(exchange, async () => {
    const prepared = prepare(context, exchange, body);
    if (body.stream) {
      stream(context, exchange, prepared);
      return;
    }
    const generation = await answerWhole(context, exchange, prepared);
    if (generation === undefined) return;
    const choice = generation.choice(0);
    const text = choice.answer.pieces.slice(0, choice.generatedTokens).join('');
    exchange.json(200, {
      id: prepared.id,
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text }],
      model: prepared.modelName,
      stop_reason: stopReason(choice),
      usage: {
        input_tokens: generation.usage.promptTokens,
        output_tokens: generation.usage.completionTokens,
      },
    });
  });
}

/** `POST /v1/messages/count_tokens`. */
export async function countMessageTokens(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, countTokensRequestSchema);
  await withAnthropicErrors(exchange, async () => {
    context.models.resolve(body.model);
    const tokens = encodeChat(toChatMessages(conversation(body), context.models.baseName)).length;
    exchange.json(200, { input_tokens: tokens, context_management: { original_input_tokens: tokens } });
  });
}
