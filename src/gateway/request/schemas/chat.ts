import { z } from 'zod';
import { dataUrl, detail, textOr } from './content.ts';
import { jsonSchema } from './json-schema.ts';
import { list } from './list.ts';
import { effort, flag, label, modelName, outputWish, sampling, toolName, topLogprobs } from './sampling.ts';

const MAX_MESSAGES = 2_000;
const MAX_TOOLS = 128;

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });
const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: dataUrl, detail }),
});

const texts = textOr(z.discriminatedUnion('type', [textPart]));
/** Of what comes back from a model, nothing is refused that it may have written. */
const toolCall = z.object({
  id: label,
  type: z.literal('function'),
  function: z.object({ name: label, arguments: z.string() }),
});

const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: texts, name: label.nullish() }),
  z.object({
    role: z.literal('user'),
    content: textOr(z.discriminatedUnion('type', [textPart, imagePart])),
    name: label.nullish(),
  }),
  z.object({
    role: z.literal('assistant'),
    content: textOr(z.discriminatedUnion('type', [textPart, refusalPart])).nullish(),
    name: label.nullish(),
    refusal: z.string().nullish(),
    reasoning: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    tool_calls: list(toolCall, { max: MAX_TOOLS }).nullish(),
  }),
  z.object({
    role: z.literal('tool'),
    content: textOr(z.discriminatedUnion('type', [textPart, imagePart])),
    tool_call_id: label,
    name: label.nullish(),
  }),
]);

const tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: toolName,
    description: z.string().nullish(),
    parameters: jsonSchema.nullish(),
    strict: flag,
  }),
});

/** The body of `POST /v1/chat/completions`. Fields that are not here are dropped. */
export const chatSchema = z.object({
  model: modelName,
  messages: list(message, { min: 1, max: MAX_MESSAGES }),
  max_completion_tokens: outputWish,
  max_tokens: outputWish,
  ...sampling,
  logprobs: flag,
  top_logprobs: topLogprobs,
  tools: list(tool, { min: 1, max: MAX_TOOLS }).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: toolName }) }),
    ])
    .nullish(),
  parallel_tool_calls: flag,
  reasoning_effort: effort,
  thinking_token_budget: z.int().min(0).nullish(),
  include_reasoning: flag,
  add_generation_prompt: flag,
  continue_final_message: flag,
  // Of the template's own variables only those that switch a model's thinking off.
  chat_template_kwargs: z.object({ enable_thinking: flag, thinking: flag }).nullish(),
});

export type ChatRequest = z.infer<typeof chatSchema>;
