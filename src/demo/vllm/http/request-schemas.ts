import { z } from 'zod';

/** Whole numbers as pydantic takes them: 8, 8.0 and "8". */
const integer = z.unknown().transform((value, context) => {
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number)) return number;
  const isText = typeof value === 'string';
  context.addIssue({
    code: 'custom',
    message: isText
      ? 'Input should be a valid integer, unable to parse string as an integer'
      : 'Input should be a valid integer',
    params: { type: isText ? 'int_parsing' : 'int_type' },
  });
  return z.NEVER;
});

/** Numbers as pydantic takes them: 0.5 and "0.5". */
const float = z.unknown().transform((value, context) => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  context.addIssue({
    code: 'custom',
    message: 'Input should be a valid number',
    params: { type: typeof value === 'string' ? 'float_parsing' : 'float_type' },
  });
  return z.NEVER;
});

const stop = z.union([z.string(), z.array(z.string())]).nullish();

const streamOptions = z
  .object({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
  .nullish();

const RESPONSE_FORMATS = ['text', 'json_object', 'json_schema', 'structural_tag'];

/** pydantic tries every member of the union and tells what each of them missed. */
const responseFormat = z
  .looseObject({ type: z.unknown(), json_schema: z.unknown().optional() })
  .superRefine(({ type }, context) => {
    if (typeof type === 'string' && RESPONSE_FORMATS.includes(type)) return;
    const issue = (message: string, issueType: string, path: string, expected?: string): void => {
      context.addIssue({
        code: 'custom',
        message,
        path: [path],
        params: {
          type: issueType,
          ...(expected === undefined ? {} : { context: `{'expected': "${expected}"}` }),
        },
      });
    };
    const literal = (expected: string): void =>
      issue(`Input should be ${expected}`, 'literal_error', 'type', expected);
    literal("'text', 'json_object' or 'json_schema'");
    literal("'structural_tag'");
    issue('Field required', 'missing', 'format');
    literal("'structural_tag'");
    issue('Field required', 'missing', 'structures');
    issue('Field required', 'missing', 'triggers');
  })
  .nullish();

/** Fields that mean the same for chats and completions. */
const sampling = {
  model: z.string().nullish(),
  max_tokens: integer.nullish(),
  min_tokens: integer.nullish(),
  n: integer.nullish(),
  temperature: float.nullish(),
  top_p: float.nullish(),
  seed: integer.nullish(),
  stop,
  stop_token_ids: z.array(integer).nullish(),
  include_stop_str_in_output: z.boolean().nullish(),
  ignore_eos: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: streamOptions,
  priority: integer.nullish(),
  cache_salt: z.unknown().optional(),
  request_id: z.string().nullish(),
  logit_bias: z.record(z.string(), float).nullish(),
  response_format: responseFormat,
  structured_outputs: z.looseObject({ regex: z.string().nullish() }).nullish(),
};

const contentPart = z.looseObject({ type: z.string(), text: z.string().optional() });

const message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(contentPart)]).nullish(),
});

export const chatRequestSchema = z.object({
  ...sampling,
  messages: z.array(message),
  max_completion_tokens: integer.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: integer.nullish(),
  tool_choice: z.unknown().optional(),
  tools: z.array(z.unknown()).nullish(),
});

export const completionRequestSchema = z.object({
  ...sampling,
  prompt: z.union([z.string(), z.array(integer), z.array(z.string()), z.array(z.array(integer))]).nullish(),
  echo: z.boolean().nullish(),
  logprobs: integer.nullish(),
});

export const responsesRequestSchema = z.object({
  model: z.string().nullish(),
  input: z.union([
    z.string(),
    z.array(z.looseObject({ role: z.string().optional(), content: message.shape.content })),
  ]),
  instructions: z.string().nullish(),
  max_output_tokens: integer.nullish(),
  temperature: float.nullish(),
  top_p: float.nullish(),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  metadata: z.unknown().optional(),
  user: z.string().nullish(),
  request_id: z.string().nullish(),
  cache_salt: z.unknown().optional(),
  priority: integer.nullish(),
});

export const messagesRequestSchema = z.object({
  model: z.string(),
  messages: z.array(message),
  max_tokens: integer.superRefine((value, context) => {
    if (value > 0) return;
    context.addIssue({
      code: 'custom',
      message: 'Value error, max_tokens must be positive',
      params: { type: 'value_error', context: "{'error': ValueError('max_tokens must be positive')}" },
    });
  }),
  system: message.shape.content,
  stop_sequences: z.array(z.string()).nullish(),
  temperature: float.nullish(),
  top_p: float.nullish(),
  stream: z.boolean().nullish(),
});

export const countTokensRequestSchema = messagesRequestSchema.omit({ max_tokens: true });

export const tokenizeRequestSchema = z.object({
  model: z.string().nullish(),
  prompt: z.string().nullish(),
  messages: z.array(message).nullish(),
  return_token_strs: z.boolean().nullish(),
});

export const detokenizeRequestSchema = z.object({ model: z.string().nullish(), tokens: z.array(integer) });

export const embeddingsRequestSchema = z.object({
  model: z.string().nullish(),
  input: z.union([z.string(), z.array(z.string()), z.array(integer), z.array(z.array(integer))]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: integer.nullish(),
});

export const loadAdapterRequestSchema = z.object({
  lora_name: z.string(),
  lora_path: z.string(),
  load_inplace: z.boolean().nullish(),
});

export const unloadAdapterRequestSchema = z.object({ lora_name: z.string() });

export type ChatRequest = z.infer<typeof chatRequestSchema>;
export type CompletionRequest = z.infer<typeof completionRequestSchema>;
export type ResponsesRequest = z.infer<typeof responsesRequestSchema>;
export type MessagesRequest = z.infer<typeof messagesRequestSchema>;
export type RequestMessage = z.infer<typeof message>;
