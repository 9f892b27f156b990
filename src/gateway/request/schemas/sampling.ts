import { z } from 'zod';
import { jsonSchema } from './json-schema.ts';

/** A name in an error, a header or a grammar; OpenAI's own rule is `[a-zA-Z0-9_-]{1,64}`. */
export const toolName = z.string().regex(/^[\w.-]{1,64}$/, {
  error: 'must be 1 to 64 letters, digits, dots, underscores or hyphens',
});

/** Free text that only comes back to the client or is compared: an id, a name in a chat. */
export const label = z.string().max(256);

export const flag = z.boolean().nullish();

/** vLLM's own default for what it computes at most: `--max-logprobs` 20. */
const MAX_TOP_LOGPROBS = 20;
/** OpenAI's bound, and vLLM's: `VLLM_MAX_STOP_STRINGS`. */
const MAX_STOPS = 4;
const MAX_STOP_IDS = 16;

export const topLogprobs = z.int().min(0).max(MAX_TOP_LOGPROBS).nullish();

// vLLM refuses an empty one.
const stopText = z.string().min(1).max(256);
export const stopTexts = z.array(stopText).max(MAX_STOPS);

export const temperature = z.number().min(0).max(2).nullish();
export const topP = z.number().gt(0).max(1).nullish();
export const topK = z.int().min(-1).nullish();

/** A wish for at most so many tokens; one clamped value takes its place. vLLM would also take "8". */
export const outputWish = z.int({ error: 'must be a whole number of at least 1' }).min(1).nullish();

/** The name is checked against those of the class later, with a message of its own. */
export const modelName = z.string().nullish();

export const streamOptions = z.object({ include_usage: flag, continuous_usage_stats: flag }).nullish();

/** `n` above the most that is given is lowered, not refused. */
export const answers = z.int().min(1).nullish();

/** How long a model thinks, where it can. */
export const effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish();

export const responseFormat = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({
        name: label,
        description: z.string().nullish(),
        schema: jsonSchema.nullish(),
        strict: flag,
      }),
    }),
  ])
  .nullish();

/** Penalties and the like, which vLLM takes in chats, completions and responses. */
export const penalties = {
  min_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  repetition_penalty: z.number().gt(0).nullish(),
  seed: z.int().nullish(),
  stop: z.union([stopText, stopTexts]).nullish(),
};

/**
 * What shapes the choice of tokens in chats and completions alike. Fields of vLLM beyond OpenAI's are those that cost
 * nothing and stay within the request.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create
 * @see https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
 */
export const sampling = {
  temperature,
  top_p: topP,
  top_k: topK,
  ...penalties,
  stop_token_ids: z.array(z.int().min(0)).max(MAX_STOP_IDS).nullish(),
  include_stop_str_in_output: flag,
  skip_special_tokens: flag,
  spaces_between_special_tokens: flag,
  n: answers,
  stream: flag,
  stream_options: streamOptions,
  response_format: responseFormat,
};
