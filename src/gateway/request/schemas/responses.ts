import { z } from 'zod';
import { isJsonObject } from '../../../json/object.ts';
import type { JsonObject } from '../body.ts';
import { dataUrl, detail, textOr } from './content.ts';
import { jsonSchema } from './json-schema.ts';
import { list } from './list.ts';
import {
  effort,
  flag,
  label,
  modelName,
  outputWish,
  penalties,
  temperature,
  toolName,
  topK,
  topLogprobs,
  topP,
} from './sampling.ts';

const MAX_ITEMS = 2_000;
const MAX_TOOLS = 128;
const MAX_METADATA = 16;

const inputText = z.object({ type: z.literal('input_text'), text: z.string() });
const inputImage = z.object({ type: z.literal('input_image'), image_url: dataUrl, detail });
const outputText = z.object({ type: z.literal('output_text'), text: z.string() });
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() });

const status = z.enum(['in_progress', 'completed', 'incomplete']).nullish();
const id = label.nullish();

/** An item without a type is a message. */
const item = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message').optional(),
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content: textOr(z.discriminatedUnion('type', [inputText, inputImage, outputText, refusal])),
    id,
    status,
  }),
  z.object({
    type: z.literal('function_call'),
    call_id: label,
    name: label,
    arguments: z.string(),
    id,
    status,
  }),
  z.object({
    type: z.literal('function_call_output'),
    call_id: label,
    output: textOr(z.discriminatedUnion('type', [inputText])),
    id,
    status,
  }),
  z.object({
    type: z.literal('reasoning'),
    id: label,
    summary: list(z.object({ type: z.literal('summary_text'), text: z.string() }), { max: MAX_ITEMS }),
    content: list(z.object({ type: z.literal('reasoning_text'), text: z.string() }), {
      max: MAX_ITEMS,
    }).nullish(),
    encrypted_content: z.string().nullish(),
    status,
  }),
]);

const tool = z.object({
  type: z.literal('function', {
    error: 'must be "function": a tool that your own program runs',
  }),
  name: toolName,
  description: z.string().nullish(),
  parameters: jsonSchema.nullish(),
  strict: flag,
});

const format = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      name: label,
      description: z.string().nullish(),
      schema: jsonSchema,
      strict: flag,
    }),
  ])
  .nullish();

/** https://platform.openai.com/docs/api-reference/responses/create#responses-create-metadata */
const metadata = z
  .custom<JsonObject>(isJsonObject, { error: 'must be an object' })
  .superRefine((pairs, context) => {
    const names = Object.keys(pairs);
    if (names.length > MAX_METADATA) {
      context.addIssue({ code: 'custom', message: `must not have more than ${MAX_METADATA} entries` });
      return;
    }
    const fits = names.every((name) => {
      const value = pairs[name];
      return name.length <= 64 && typeof value === 'string' && value.length <= 512;
    });
    // No path: names are text of the client, of any length.
    const message = 'must hold texts of at most 512 characters under names of at most 64';
    if (!fits) context.addIssue({ code: 'custom', message });
  });

/** The body of `POST /v1/responses`. Fields that are not here are dropped. */
export const responsesSchema = z.object({
  model: modelName,
  input: z.union([z.string(), list(item, { min: 1, max: MAX_ITEMS })]),
  instructions: z.string().nullish(),
  max_output_tokens: outputWish,
  temperature,
  top_p: topP,
  top_k: topK,
  ...penalties,
  top_logprobs: topLogprobs,
  include: list(label, { max: MAX_METADATA }).nullish(),
  stream: flag,
  tools: list(tool, { max: MAX_TOOLS }).nullish(),
  tool_choice: z
    .union([z.enum(['none', 'auto', 'required']), z.object({ type: z.literal('function'), name: toolName })])
    .nullish(),
  parallel_tool_calls: flag,
  text: z.object({ format, verbosity: z.enum(['low', 'medium', 'high']).nullish() }).nullish(),
  reasoning: z
    .object({
      effort: effort,
      summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
    })
    .nullish(),
  metadata: metadata.nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  // Engines keep no state between requests.
  store: flag,
  background: z
    .literal(false, { error: 'is not supported: requests are answered while you wait. Leave it out' })
    .nullish(),
  previous_response_id: z
    .null({ error: 'is not supported: no conversation is kept. Send the earlier turns in "input"' })
    .optional(),
  conversation: z
    .null({ error: 'is not supported: no conversation is kept. Send the earlier turns in "input"' })
    .optional(),
});

export type ResponsesRequest = z.infer<typeof responsesSchema>;
