import { errors } from '../http/errors.ts';
import type { RequestMessage } from '../http/request-schemas.ts';
import { type ChatMessage, chatCharacters, isKnownToken } from '../text/tokenizer.ts';
import { MAX_CHARACTERS_PER_TOKEN } from '../text/vocabulary.ts';
import { planAnswer, variationOf } from './answer-plan.ts';
import type { ServingContext } from './context.ts';
import type { PreparedGeneration } from './generation.ts';

/** The fields of a request that say how to generate, whatever the endpoint calls them. */
export interface SamplingFields {
  readonly model?: string | null | undefined;
  readonly min_tokens?: number | null | undefined;
  readonly n?: number | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly seed?: number | null | undefined;
  readonly stop?: string | readonly string[] | null | undefined;
  readonly stop_token_ids?: readonly number[] | null | undefined;
  readonly include_stop_str_in_output?: boolean | null | undefined;
  readonly ignore_eos?: boolean | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly stream_options?: object | null | undefined;
  readonly priority?: number | null | undefined;
  readonly cache_salt?: unknown;
  readonly logit_bias?: Readonly<Record<string, number>> | null | undefined;
  readonly response_format?: { readonly type?: unknown; readonly json_schema?: unknown } | null | undefined;
  readonly structured_outputs?: { readonly regex?: string | null | undefined } | null | undefined;
}

/** What the endpoint adds. */
export interface GenerationInput {
  readonly id: string;
  readonly path: string;
  /** Each prompt with what it asks: for a chat, the last thing the user wrote. */
  readonly prompts: readonly { readonly tokens: readonly number[]; readonly question: string }[];
  readonly promptText: string;
  /** Undefined: the rest of the context. */
  readonly maxTokens: number | undefined;
}

/**
 * Flattens message content to text.
 *
 * @throws {ApiError} for content that is not text
 */
export function toChatMessages(messages: readonly RequestMessage[], model: string): ChatMessage[] {
  if (messages.length === 0) throw errors.emptyConversation();
  return messages.map(({ role, content }) => {
    if (content === null || content === undefined) return { role, content: '' };
    if (typeof content === 'string') return { role, content };
    const parts = content.map(({ type, text }) => {
      if (type !== 'text' && type !== 'input_text' && type !== 'output_text')
        throw errors.notMultimodal(model);
      return text ?? '';
    });
    return { role, content: parts.join('\n') };
  });
}

/** The text of the last user message: what the answer is about. */
export const lastQuestion = (messages: readonly ChatMessage[]): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? messages.at(-1)?.content ?? '';

/** A chat as far as it has been looked at. */
export interface ReadChat {
  readonly messages: readonly ChatMessage[];
  readonly text: string;
}

/**
 * Flattens a chat and refuses it by its characters, before any token is made.
 *
 * @throws {ApiError}
 */
export function readChat(messages: readonly RequestMessage[], context: ServingContext): ReadChat {
  const flat = toChatMessages(messages, context.models.baseName);
  checkCharacters(chatCharacters(flat), context.plan.maxModelLen);
  return { messages: flat, text: flat.map(({ content }) => content).join('\n') };
}

/**
 * Refuses a prompt by its characters, before any token is made.
 *
 * @throws {ApiError}
 */
export function checkCharacters(characters: number, maxModelLen: number): void {
  const bound = maxModelLen * MAX_CHARACTERS_PER_TOKEN;
  if (characters > bound) throw errors.promptTooManyCharacters(maxModelLen, characters, bound);
}

function checkSampling(fields: SamplingFields, context: ServingContext): void {
  const { temperature, top_p: topP, n, stop, cache_salt: salt, logit_bias: bias } = fields;
  if (fields.stream_options && !fields.stream) throw errors.streamOptionsWithoutStream();
  if (salt !== undefined && salt !== null && (typeof salt !== 'string' || salt === ''))
    throw errors.cacheSalt();
  if (typeof n === 'number' && n < 1) throw errors.nTooSmall(n);
  if (typeof n === 'number' && n > context.maxSequencesPerRequest) {
    throw errors.nTooLarge(n, context.maxSequencesPerRequest);
  }
  if (typeof temperature === 'number' && temperature < 0) throw errors.temperatureNegative(temperature);
  if (typeof temperature === 'number' && temperature > 2) throw errors.temperatureTooHigh(temperature);
  if (typeof topP === 'number' && (topP <= 0 || topP > 1)) throw errors.topP(topP);
  if (temperature === 0 && (n ?? 1) > 1) throw errors.nGreedy(n ?? 1);
  if (stopList(stop).includes('')) throw errors.emptyStop();
  const unknown = Object.keys(bias ?? {})
    .map(Number)
    .filter((id) => id >= context.vocabularySize);
  if (unknown.length > 0) throw errors.logitBias(unknown, context.vocabularySize);
  const regex = fields.structured_outputs?.regex;
  if (typeof regex === 'string') checkRegex(regex);
}

function checkRegex(regex: string): void {
  try {
    new RegExp(regex, 'u');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw reason.includes('Unterminated group') ? errors.unclosedGroup(regex) : errors.grammar(regex, reason);
  }
}

const stopList = (stop: SamplingFields['stop']): readonly string[] =>
  typeof stop === 'string' ? [stop] : (stop ?? []);

function jsonSchemaOf({ response_format: format }: SamplingFields): object | undefined {
  if (format?.type === 'json_object') return {};
  if (format?.type !== 'json_schema') return undefined;
  const wrapper = format.json_schema;
  const schema: unknown =
    typeof wrapper === 'object' && wrapper !== null ? Reflect.get(wrapper, 'schema') : undefined;
  return typeof schema === 'object' && schema !== null ? schema : {};
}

/** vLLM's order: the prompt against the context, then the wished length, then what the two leave. */
function resolveMaxTokens(
  prompt: readonly number[],
  wished: number | undefined,
  minTokens: number,
  maxModelLen: number,
): number {
  const room = maxModelLen - prompt.length;
  if (room < 1) throw errors.promptTooLong(maxModelLen);
  if (wished !== undefined && wished < 1) throw errors.maxTokensTooSmall(wished);
  if (wished !== undefined && wished > maxModelLen) throw errors.maxTokensTooLarge(wished, maxModelLen);
  const maxTokens = Math.min(wished ?? room, room);
  if (minTokens > maxTokens) throw errors.minTokensTooLarge(minTokens, maxTokens);
  return maxTokens;
}

/**
 * Applies vLLM's rules to a request and works out its answers.
 *
 * @throws {ApiError} with vLLM's words where vLLM refuses the request
 */
export function prepareGeneration(
  context: ServingContext,
  fields: SamplingFields,
  input: GenerationInput,
): PreparedGeneration {
  const { name, adapter } = context.models.resolve(fields.model);
  checkSampling(fields, context);
  const outside = input.prompts.flatMap(({ tokens }) => tokens).find((token) => !isKnownToken(token));
  if (outside !== undefined) throw errors.tokenOutOfVocabulary(outside);
  const minTokens = fields.min_tokens ?? 0;
  const { maxModelLen } = context.plan;
  const greedy = fields.temperature === 0;
  const seed = fields.seed ?? `${context.seed} ${input.id}`;
  const rules = {
    minTokens,
    ignoreEos: fields.ignore_eos ?? false,
    stop: stopList(fields.stop),
    includeStop: fields.include_stop_str_in_output ?? false,
    stopTokenIds: fields.stop_token_ids ?? [],
    jsonSchema: jsonSchemaOf(fields),
  };
  const answers = input.prompts.flatMap(({ tokens, question }, prompt) => {
    const maxTokens = resolveMaxTokens(tokens, input.maxTokens, minTokens, maxModelLen);
    return Array.from({ length: fields.n ?? 1 }, (_, choice) => ({
      prompt,
      plan: planAnswer({ ...rules, question, maxTokens, variation: variationOf(greedy, seed, choice) }),
    }));
  });
  return {
    id: input.id,
    path: input.path,
    modelName: name,
    requestedModel: fields.model ?? undefined,
    adapter,
    prompts: input.prompts.map(({ tokens }) => tokens),
    promptText: input.promptText,
    priority: context.options.schedulingPolicy === 'priority' ? (fields.priority ?? 0) : 0,
    cacheSalt: typeof fields.cache_salt === 'string' ? fields.cache_salt : undefined,
    maxTokens: input.maxTokens ?? maxModelLen,
    answers,
  };
}
