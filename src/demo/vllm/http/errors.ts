/** `{"error": {…}}` as most of vLLM's endpoints answer. */
export interface ErrorBody {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: number;
}

/** A request that vLLM answers with an error. The catalogue below has all of them. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: ErrorBody;

  constructor(status: number, type: string, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.body = { message, type, param, code: status };
  }
}

/** FastAPI's own errors: `{"detail": …}`. */
export class DetailError extends Error {
  readonly status: number;
  readonly allow: string | undefined;

  constructor(status: number, detail: string, allow?: string) {
    super(detail);
    this.status = status;
    this.allow = allow;
  }
}

const bad = (message: string, param: string | null = null): ApiError =>
  new ApiError(400, 'BadRequestError', message, param);

/** vLLM appends where a value was wrong: ` (parameter=x, value=1)`. */
function badParameter(message: string, parameter: string, value?: string | number): ApiError {
  const suffix = value === undefined ? '' : `, value=${value}`;
  return bad(`${message} (parameter=${parameter}${suffix})`, parameter);
}

/** Like Python prints a float. */
const float = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value));

/** Every error the simulator answers with, in the words of vLLM 0.32.0. */
export const errors = {
  notFound: () => new DetailError(404, 'Not Found'),
  methodNotAllowed: (allow: string) => new DetailError(405, 'Method Not Allowed', allow),
  unreadableBody: () => new DetailError(400, 'There was an error parsing the body'),

  unsupportedMediaType: () =>
    new ApiError(
      400,
      'Bad Request',
      "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
    ),
  /** What pydantic found, one line each; `loc` is that of the first. */
  validation: (lines: readonly string[], location: string) =>
    new ApiError(
      400,
      'Bad Request',
      `${lines.length} validation error${lines.length === 1 ? '' : 's'}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
      location,
    ),

  unknownModel: (model: string, served: readonly string[]) =>
    new ApiError(
      404,
      'NotFoundError',
      `The model \`${model}\` does not exist. Valid aliases: ${served.join(', ')}.`,
      'model',
    ),
  promptTooLong: (maxModelLen: number) =>
    badParameter(
      `This model's maximum context length is ${maxModelLen} tokens. However, your prompt contains at least ${maxModelLen + 1} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.`,
      'input_tokens',
      maxModelLen + 1,
    ),
  promptTooManyCharacters: (maxModelLen: number, characters: number, bound: number) =>
    badParameter(
      `This model's maximum context length is ${maxModelLen} tokens. However, your prompt contains ${characters} characters (more than ${bound} characters, which is the upper bound for ${maxModelLen} input tokens). Please reduce the length of the input prompt.`,
      'input_text',
      characters,
    ),
  maxTokensTooSmall: (value: number) =>
    badParameter(`max_tokens must be at least 1, got ${value}.`, 'max_tokens', value),
  maxTokensTooLarge: (value: number, maxModelLen: number) =>
    badParameter(
      `max_tokens=${value} cannot be greater than max_model_len=${maxModelLen}. Please request fewer output tokens.`,
      'max_tokens',
      value,
    ),
  minTokensTooLarge: (value: number, maxTokens: number) =>
    bad(`min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${value}.`),
  temperatureNegative: (value: number) =>
    badParameter(`temperature must be non-negative, got ${float(value)}.`, 'temperature', float(value)),
  temperatureTooHigh: (value: number) =>
    badParameter(`temperature must be in [0, 2], got ${float(value)}.`, 'temperature', float(value)),
  topP: (value: number) =>
    badParameter(`top_p must be in (0, 1], got ${float(value)}.`, 'top_p', float(value)),
  nTooSmall: (value: number) => bad(`n must be at least 1, got ${value}.`),
  nTooLarge: (value: number, limit: number) =>
    bad(
      `n must be at most ${limit}, got ${value}. To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.`,
    ),
  nGreedy: (value: number) => bad(`n must be 1 when using greedy sampling, got ${value}.`),
  emptyStop: () => bad('stop cannot contain an empty string.'),
  streamOptionsWithoutStream: () =>
    badParameter('Stream options can only be defined when `stream=True`.', 'stream_options'),
  cacheSalt: () =>
    badParameter("Parameter 'cache_salt' must be a non-empty string if provided.", 'cache_salt'),
  emptyConversation: () =>
    bad('Cannot apply chat template to an empty conversation. Provide at least one message.'),
  notMultimodal: (model: string) => bad(`${model} is not a multimodal model`),
  logitBias: (ids: readonly number[], vocabulary: number) =>
    badParameter(
      `token_id(s) [${ids.join(', ')}] in logit_bias contain out-of-vocab token ids. Vocabulary size: ${vocabulary}`,
      'logit_bias',
      `[${ids.join(', ')}]`,
    ),
  logprobsTooMany: (requested: number, allowed: number) =>
    badParameter(
      `Requested sample logprobs of ${requested}, which is greater than max allowed: ${allowed}`,
      'logprobs',
      requested,
    ),
  emptyPrompt: () => badParameter('Either prompt or prompt_embeds must be provided and non-empty.', 'prompt'),
  tokenOutOfVocabulary: (id: number) => bad(`Token id ${id} is out of vocabulary`),
  unclosedGroup: (regex: string) =>
    bad(
      `Grammar error: at 1(8): invalid regex "${regex}" (in regex): regex parse error:\n    ${regex}\n    ^\nerror: unclosed group\n   1 | start: /${regex}/\n              ^`,
    ),
  grammar: (regex: string, reason: string) =>
    bad(
      `Grammar error: at 1(8): invalid regex "${regex}" (in regex): regex parse error:\n    ${regex}\nerror: ${reason}`,
    ),
  toolChoiceAuto: () =>
    bad('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),

  responsesBackground: () =>
    new ApiError(
      400,
      'invalid_request_error',
      'This vLLM engine does not support `store=True` and therefore does not support the background mode. To enable these features, set the environment variable `VLLM_ENABLE_RESPONSES_API_STORE=1` when launching the vLLM server.',
      'background',
    ),
  responseNotFound: (id: string) =>
    new ApiError(404, 'invalid_request_error', `Response with id '${id}' not found.`, 'response_id'),
  scaleOutDisabled: () =>
    new ApiError(
      403,
      'PermissionDeniedError',
      'Scale-out endpoints are disabled. Restart vllm serve with --enable-scale-out to enable them.',
    ),

  adapterIncomplete: () =>
    new ApiError(400, 'InvalidUserInput', "Both 'lora_name' and 'lora_path' must be provided."),
  adapterIsBaseModel: (name: string) =>
    new ApiError(400, 'InvalidUserInput', `The lora adapter '${name}' conflicts with a served base model.`),
  adapterLoaded: (name: string) =>
    new ApiError(
      400,
      'InvalidUserInput',
      `The lora adapter '${name}' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.`,
    ),
  adapterMissing: (name: string, path: string) =>
    new ApiError(404, 'NotFoundError', `Loading lora ${name} failed: No adapter found for ${path}`),
  adapterBroken: (reason: string) =>
    new ApiError(
      500,
      'InternalServerError',
      `Call to add_lora method failed: Worker failed with error '${reason}', please check the stack trace above for the root cause`,
    ),
  adapterUnknown: (name: string) =>
    new ApiError(404, 'NotFoundError', `The lora adapter '${name}' cannot be found.`),

  busy: () =>
    new ApiError(
      503,
      'Service Unavailable',
      'The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.',
    ),
  shuttingDown: () => new ApiError(500, 'InternalServerError', 'cannot schedule new futures after shutdown'),
  engineDead: () =>
    new ApiError(
      500,
      'InternalServerError',
      'EngineCore encountered an issue. See stack trace (above) for the root cause.',
    ),
  /** An error that was asked for. */
  played: (status: number, type: string, message: string) => new ApiError(status, type, message),
  internal: (message: string) => new ApiError(500, 'InternalServerError', message),
} as const;

/** The body inside a stream: `json.dumps` of Python, with a space after each colon and comma. */
export const streamErrorBody = ({ message, type, param, code }: ErrorBody): string =>
  `{"error": {"message": ${JSON.stringify(message)}, "type": ${JSON.stringify(type)}, "param": ${JSON.stringify(param)}, "code": ${code}}}`;
