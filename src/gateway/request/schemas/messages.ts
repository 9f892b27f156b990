import { z } from 'zod';
import { PICTURE_TYPES, pictureData, textOr } from './content.ts';
import { jsonObject, jsonSchema } from './json-schema.ts';
import { list } from './list.ts';
import { flag, label, modelName, stopTexts, temperature, toolName, topK, topP } from './sampling.ts';

const MAX_MESSAGES = 2_000;
const MAX_TOOLS = 128;

const text = z.object({ type: z.literal('text'), text: z.string() });
const image = z.object({
  type: z.literal('image'),
  // A source of type "url" would be fetched by the engine.
  source: z.object({
    type: z.literal('base64', { error: 'must be "base64": engines fetch nothing' }),
    media_type: z.enum(PICTURE_TYPES),
    data: pictureData,
  }),
});

const block = z.discriminatedUnion('type', [
  text,
  image,
  z.object({ type: z.literal('tool_use'), id: label, name: label, input: jsonObject }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: label,
    content: textOr(z.discriminatedUnion('type', [text, image])).nullish(),
    is_error: flag,
  }),
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string().nullish() }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
]);

/**
 * The body of `POST /v1/messages`, Anthropic's API. Fields that are not here are dropped.
 *
 * @see https://docs.anthropic.com/en/api/messages
 */
export const messagesSchema = z.object({
  model: modelName,
  messages: list(z.object({ role: z.enum(['user', 'assistant']), content: textOr(block) }), {
    min: 1,
    max: MAX_MESSAGES,
  }),
  system: textOr(text).nullish(),
  max_tokens: z.int({ error: 'must be a whole number of at least 1' }).min(1),
  temperature,
  top_p: topP,
  top_k: topK,
  stop_sequences: stopTexts.nullish(),
  stream: flag,
  tools: list(z.object({ name: toolName, description: z.string().nullish(), input_schema: jsonSchema }), {
    max: MAX_TOOLS,
  }).nullish(),
  output_config: z
    .object({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.object({ type: z.literal('json_schema'), schema: jsonSchema }).nullish(),
    })
    .nullish(),
  thinking: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('enabled'), budget_tokens: z.int().min(1024) }),
      z.object({ type: z.enum(['disabled', 'adaptive']) }),
    ])
    .nullish(),
  tool_choice: z
    .discriminatedUnion('type', [
      z.object({ type: z.enum(['auto', 'any', 'none']) }),
      z.object({ type: z.literal('tool'), name: toolName }),
    ])
    .nullish(),
});

export type MessagesRequest = z.infer<typeof messagesSchema>;
