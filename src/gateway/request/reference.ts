import { ENGINE_PATHS } from './endpoints.ts';
import { MAX_ANSWERS } from './prepare.ts';
import { PICTURE_BOUNDS } from './schemas/content.ts';
import { ENDPOINTS } from './schemas/endpoint.ts';
import { SCHEMA_BOUNDS } from './schemas/json-schema.ts';

const CAP = 'one value: the wish, at most `maxOutputTokens` of the student and the context of the model';
const KEPT = 'kept';
const CHECKED_SCHEMA = 'kept, its JSON schemas within the bounds below';

/** What becomes of each field that reaches an engine. The test holds it against the schemas. */
export const FIELD_RULES: Readonly<Record<string, string>> = {
  model: 'a name of the class; becomes the name that the engine serves first, which the answer carries',
  messages: 'checked part by part: texts, pictures, tool calls',
  prompt: 'one text, or one list of token ids',
  input: 'texts, token ids (embeddings), items (responses)',
  instructions: KEPT,
  system: KEPT,
  max_completion_tokens: CAP,
  max_tokens: `${CAP}; 16 without a wish in completions`,
  max_output_tokens: CAP,
  n: `1 to ${MAX_ANSWERS}; a higher one is lowered, and the answer has the header \`x-gateway-max-answers\``,
  stream: 'true or false',
  stream_options: 'set by the gateway; usage is kept from the client that did not ask for it',
  temperature: '0 to 2',
  top_p: 'above 0, to 1',
  top_k: 'a whole number, from -1',
  min_p: '0 to 1',
  presence_penalty: '-2 to 2',
  frequency_penalty: '-2 to 2',
  repetition_penalty: 'above 0',
  seed: 'a whole number of at most 53 bits',
  stop: 'at most 4 texts of at most 256 characters',
  stop_sequences: 'at most 4 texts of at most 256 characters',
  stop_token_ids: 'at most 16',
  include_stop_str_in_output: KEPT,
  skip_special_tokens: KEPT,
  spaces_between_special_tokens: KEPT,
  add_special_tokens: KEPT,
  add_generation_prompt: KEPT,
  continue_final_message: KEPT,
  logprobs: 'true or false in chats, 0 to 20 in completions',
  top_logprobs: '0 to 20',
  echo: 'dropped together with `logprobs`: they would give the log-probabilities of the prompt',
  response_format: '`text`, `json_object` or `json_schema`, the schema within the bounds below',
  text: '`format` as `response_format`; `verbosity`',
  tools: CHECKED_SCHEMA,
  tool_choice: KEPT,
  parallel_tool_calls: KEPT,
  reasoning_effort: KEPT,
  reasoning: '`effort` and `summary`',
  include_reasoning: KEPT,
  thinking_token_budget: 'a whole number, from 0',
  thinking: KEPT,
  output_config: '`effort`, and `format` with a schema within the bounds below',
  chat_template_kwargs: 'only `enable_thinking` and `thinking`, true or false',
  include: 'at most 16 names',
  metadata: 'at most 16 pairs of texts, which the answer repeats',
  truncation: KEPT,
  store: 'set to false: engines keep nothing between requests',
  background: 'refused if true: requests are answered while the client waits',
  previous_response_id: 'refused: no conversation is kept',
  conversation: 'refused: no conversation is kept',
  encoding_format: '`float` or `base64`',
  dimensions: 'a whole number of at least 1',
};

/** Fields that clients may well send, why they are dropped. All fields that no table names are dropped too. */
export const DROPPED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'Who the student is and how they are served, only the key says': [
    'data_parallel_rank',
    'priority',
    'prompt_cache_key',
    'request_id',
    'session_id',
    'safety_identifier',
    'service_tier',
    'user',
  ],
  'They cost far more than the tokens that limits count': [
    'best_of',
    'ignore_eos',
    'min_tokens',
    'prompt_logprobs',
    'length_penalty',
    'return_mm_kwargs',
    'stream_interval',
    'use_beam_search',
  ],
  'They run as code, or as an automaton made from any text, in the engine that all share': [
    'chat_template',
    'documents',
    'guided_choice',
    'guided_grammar',
    'guided_json',
    'guided_regex',
    'media_io_kwargs',
    'mm_payload',
    'mm_processor_kwargs',
    'repetition_detection',
    'structured_outputs',
    'vllm_xargs',
  ],
  'They reach into the vocabulary or the cache': [
    'allowed_token_ids',
    'bad_words',
    'ec_transfer_params',
    'kv_transfer_params',
    'logit_bias',
    'logprob_token_ids',
    'prompt_embeds',
    'return_prompt_text',
    'return_token_ids',
    'return_token_offsets',
    'return_tokens_as_token_ids',
    'routed_experts_prompt_start',
    'truncate_prompt_tokens',
    'truncation_side',
    'watermarking',
  ],
  'They belong to conversations that an engine keeps, and to tools that it calls itself; here it does neither':
    ['enable_response_messages', 'max_tool_calls', 'previous_input_messages'],
  'No engine does what they ask for': [
    'audio',
    'function_call',
    'functions',
    'modalities',
    'prediction',
    'suffix',
    'web_search_options',
  ],
};

const NOTICE = '<!-- Generated from src/ by `npm run generate`: do not edit. -->';

/** docs/gateway-requests.md. */
export function requestReference(): string {
  return `${[
    '# What becomes of a request',
    NOTICE,
    INTRODUCTION,
    '## Fields that reach an engine',
    fieldTable(),
    '## Fields that are dropped',
    droppedTable(),
    '## Pictures and other media',
    MEDIA,
    '## JSON schemas',
    boundsTable(),
    '## Anthropic’s API',
    ANTHROPIC,
  ].join('\n\n')}\n`;
}

const INTRODUCTION = `The gateway rebuilds the body of every request from the fields that it knows. Any other field is dropped, at any depth,
and the header \`x-gateway-dropped-fields\` of the answer names what was. Types and ranges are strict: \`"8"\` is no
number and \`1\` is not \`true\`. What is wrong is a 400 whose \`param\` says where, such as \`messages[2].content[0].type\`.
\`null\` means the same as leaving a field out. Of a field that comes twice, the last one counts, as with the engine. A body has at most 20,000 values
(objects, lists, texts, numbers; tokens do not count).
\`cache_salt\` is set to a value of the student's own, so that nobody can measure what others have asked.`;

const MEDIA = `Pictures must be inside the request, as \`data:image/…;base64,…\` URLs (\`image_url\`, \`input_image\`) or as a source of
type \`base64\` (\`/v1/messages\`). Other URLs are refused: the engine would fetch them, from within the cluster. A
request has at most ${PICTURE_BOUNDS.perRequest} pictures, each a PNG, JPEG, GIF or WebP of at most ${PICTURE_BOUNDS.pixels / 1_000_000} million pixels, and all of it fits into
\`--max-body-bytes\`. Sound, video and files are refused.`;

const ANTHROPIC = `\`POST /v1/messages\` takes Anthropic's requests, and its errors have Anthropic's shape. The key may come as \`x-api-key\`;
where \`Authorization\` is there too, that one counts. vLLM before 0.32 knows no \`cache_salt\` on this endpoint: with such
an engine the prefix caches of those who use it are not kept apart.`;

function fieldTable(): string {
  const rows = Object.entries(FIELD_RULES).map(([field, rule]) => {
    const endpoints = ENGINE_PATHS.filter((path) => field in ENDPOINTS[path].schema.shape);
    return `| \`${field}\` | ${endpoints.map((path) => path.split('/').at(2)).join(', ')} | ${rule} |`;
  });
  return ['| field | endpoints | rule |', '|---|---|---|', ...rows].join('\n');
}

function droppedTable(): string {
  const rows = Object.entries(DROPPED_FIELDS).map(
    ([reason, fields]) => `| ${reason} | ${fields.map((field) => `\`${field}\``).join(', ')} |`,
  );
  return ['| why | fields |', '|---|---|', ...rows].join('\n');
}

function boundsTable(): string {
  const bounds = SCHEMA_BOUNDS;
  const rows: readonly (readonly [string, number])[] = [
    ['levels of nesting', bounds.depth],
    ['values (objects, lists, texts, numbers)', bounds.values],
    ['patterns', bounds.patterns],
    ['characters of a pattern', bounds.patternLength],
    ['product of the counts in a pattern, such as 6 in `(a{2}){3}`', bounds.patternRepetitions],
    ['`maxItems`, `maxLength` and the like', bounds.repetitions],
  ];
  return [
    'An engine makes an automaton from a schema, in the process that the whole class shares. So each schema has bounds:',
    '',
    '| of a schema | at most |',
    '|---|---|',
    ...rows.map(([what, most]) => `| ${what} | ${most} |`),
    '',
    'A `$ref` may only point into the schema itself.',
  ].join('\n');
}
