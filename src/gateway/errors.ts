/**
 * Every refusal of the gateway. A message says what happened, why, and what to do next; a student reads it in an
 * exception of their OpenAI client.
 *
 * @see https://platform.openai.com/docs/guides/error-codes
 */

/** The `type` values that OpenAI's own API uses and that its clients know. */
export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'rate_limit_error'
  | 'server_error';

interface Definition<Details> {
  readonly status: number;
  readonly type: ErrorType;
  readonly message: (details: Details) => string;
}

/** Whom a student may ask; from `spec.contact` of the class. */
interface Asked {
  contact?: string | undefined;
}

/** The class that a message is about. */
export interface OfClass extends Asked {
  classroom: string;
}

/** A limit that time refills. `when`: such as `at 10:32:05 (Asia/Shanghai), in 12 s`. */
interface Rate extends OfClass {
  used: number;
  limit: number;
  when: string;
}

/** A limit that time does not refill, or only the next day. */
interface Budget extends OfClass {
  used: number;
  limit: number;
  needed: number;
  /** Undefined: waiting does not help. */
  when: string | undefined;
  heldByRunning: boolean;
}

type None = Record<never, never>;

function define<Details = None>(
  status: number,
  type: ErrorType,
  message: (details: Details) => string,
): Definition<Details> {
  return { status, type, message };
}

function ask({ contact }: Asked, what: string): string {
  return `Ask ${contact ?? 'your trainer'} ${what}.`;
}

const CATALOGUE = {
  missing_api_key: define(
    401,
    'authentication_error',
    () =>
      'There is no API key in this request. Send the header "Authorization: Bearer <your key>", or set OPENAI_API_KEY before you start your OpenAI client.',
  ),
  malformed_api_key: define<{ why: string }>(
    401,
    'authentication_error',
    ({ why }) => `This is not a key of this gateway: ${why}. Copy the whole key again from where you got it.`,
  ),
  invalid_api_key: define(
    401,
    'authentication_error',
    () =>
      'Nobody has this API key: it may have been replaced, or your seat in the class was removed. Ask your trainer for your current key.',
  ),
  expired_api_key: define<OfClass>(
    401,
    'authentication_error',
    (d) =>
      `This key of class ${d.classroom} was replaced by a newer one and no longer works. Use your new key. ${ask(d, 'if you do not have it')}`,
  ),
  too_many_failed_attempts: define(
    429,
    'rate_limit_error',
    () =>
      'Too many requests with wrong keys came from your network. Check your key; a right one works at once, a wrong one is looked at again after a while. Ask your trainer for your current key.',
  ),
  malformed_token: define<{ why: string }>(
    401,
    'authentication_error',
    ({ why }) =>
      `This token cannot be used: ${why}. Sign in again to get a new one; if that does not help, show your trainer this message.`,
  ),
  invalid_token: define(
    401,
    'authentication_error',
    () =>
      'The signature of this token is not one that the gateway trusts. Copy the whole token again, or sign in again to get a new one.',
  ),
  wrong_token_issuer: define(
    401,
    'authentication_error',
    () =>
      'This token comes from another issuer than the one that the gateway trusts. Sign in where your class does.',
  ),
  wrong_token_audience: define(
    401,
    'authentication_error',
    () => 'This token was made for another service. Get one for this gateway; your trainer knows how.',
  ),
  expired_token: define(
    401,
    'authentication_error',
    () => 'This token has expired. Sign in again to get a new one.',
  ),
  token_not_yet_valid: define(
    401,
    'authentication_error',
    () =>
      'This token is not valid yet. Try again in a minute; if that does not help, the clock of its issuer is wrong: tell your trainer.',
  ),
  unknown_student: define<OfClass & { claim: string; student: string }>(
    403,
    'permission_error',
    (d) =>
      `Nobody in class ${quotable(d.classroom)} is called "${quotable(d.student)}", as the claim "${d.claim}" of your token says. ${ask(d, 'to give you a seat under exactly this name')}`,
  ),
  seat_expired: define<OfClass & { expiredAt: string }>(
    403,
    'permission_error',
    (d) =>
      `Your seat in class ${d.classroom} ended at ${d.expiredAt}. ${ask(d, 'to extend it if you still need it')}`,
  ),
  seat_suspended: define<OfClass>(
    403,
    'permission_error',
    (d) => `Your seat in class ${d.classroom} is suspended. ${ask(d, 'what to do')}`,
  ),
  class_not_found: define<OfClass>(
    403,
    'permission_error',
    (d) =>
      `Your key is for class ${d.classroom}, which does not exist now. ${ask(d, 'whether the class is over')}`,
  ),
  class_closed: define<OfClass>(
    403,
    'permission_error',
    (d) => `Class ${d.classroom} is closed. Try again when it is open. ${ask(d, 'when that is')}`,
  ),
  outside_session: define<OfClass & { next: string | undefined }>(403, 'permission_error', (d) =>
    d.next === undefined
      ? `Class ${d.classroom} is closed, and its timetable has no session left. ${ask(d, 'when it meets again')}`
      : `Class ${d.classroom} is closed between its sessions. The next one is ${d.next}: try again then. ${ask(d, 'if you need it sooner')}`,
  ),
  not_in_exam: define<OfClass>(
    403,
    'permission_error',
    (d) =>
      `Class ${d.classroom} is in an exam, and you are not on its list. ${ask(d, 'if you should be, or try again afterwards')}`,
  ),
  exam_began: define<OfClass>(
    503,
    'server_error',
    (d) =>
      `An exam began in class ${d.classroom}, or its rules changed, while your request waited for an engine. Send it again: it then goes by the rules of the exam. ${ask(d, 'what they are')}`,
  ),
  unknown_path: define<{ method: string; path: string }>(
    404,
    'not_found_error',
    ({ method, path }) =>
      `There is no ${method} ${path} here. The base URL of your client must end in /v1; what can be called is POST /v1/chat/completions, /v1/completions, /v1/responses, /v1/embeddings, /v1/messages, GET /v1/models and GET /v1/usage.`,
  ),
  method_not_allowed: define<{ method: string; path: string; allowed: string }>(
    405,
    'invalid_request_error',
    ({ method, path, allowed }) => `${path} does not take ${method}. Use ${allowed}.`,
  ),
  model_required: define<{ names: readonly string[] }>(
    400,
    'invalid_request_error',
    ({ names }) => `The request names no model. Set "model" to ${listed(names)}.`,
  ),
  model_not_found: define<OfClass & { model: string; names: readonly string[] }>(
    404,
    'not_found_error',
    (d) => `Class ${d.classroom} has no model "${d.model}". Set "model" to ${listed(d.names)}.`,
  ),
  adapters_not_allowed: define<OfClass & { model: string; names: readonly string[] }>(
    403,
    'permission_error',
    (d) =>
      `Class ${d.classroom} is in an exam, in which adapters such as "${d.model}" are not allowed. Set "model" to ${listed(d.names)}. ${ask(d, 'if it should be allowed')}`,
  ),
  tools_not_allowed: define<OfClass>(
    403,
    'permission_error',
    (d) =>
      `Class ${d.classroom} is in an exam, in which requests may not offer tools to the model. Leave out "tools". ${ask(d, 'if they should be allowed')}`,
  ),
  adapter_not_loaded: define<OfClass & { model: string }>(
    503,
    'server_error',
    (d) =>
      `No engine of class ${d.classroom} has the adapter "${d.model}" loaded now: it may be about to be, after a start or a change. Try again in a few seconds. ${ask(d, 'if this goes on')}`,
  ),
  endpoint_not_served: define<{ path: string; model: string }>(
    404,
    'not_found_error',
    ({ path, model }) =>
      `The model ${model} does not serve ${path}. Use another endpoint, such as /v1/chat/completions.`,
  ),
  request_too_large: define<{ limitBytes: number }>(
    413,
    'invalid_request_error',
    ({ limitBytes }) =>
      `The request is larger than ${limitBytes} bytes, the most this gateway takes. Send a shorter prompt or smaller files.`,
  ),
  unsupported_encoding: define<{ encoding: string }>(
    415,
    'invalid_request_error',
    ({ encoding }) => `The request body is encoded as "${encoding}". Send it without Content-Encoding.`,
  ),
  invalid_json: define<{ why: string }>(
    400,
    'invalid_request_error',
    ({ why }) => `The request body must be a JSON object, but ${why}. Check what your program sends.`,
  ),
  invalid_parameter: define<{ param: string; why: string }>(
    400,
    'invalid_request_error',
    ({ param, why }) => `"${param}" ${why}.`,
  ),
  malformed_request: define<{ why: string }>(
    400,
    'invalid_request_error',
    ({ why }) =>
      `This is not an HTTP request that the gateway understands: ${why}. Use an OpenAI client, or check how your program writes its request.`,
  ),
  headers_too_large: define(
    431,
    'invalid_request_error',
    () => 'The headers of the request are too large. Send fewer or shorter headers.',
  ),
  request_timeout: define(
    408,
    'invalid_request_error',
    () => 'The request did not arrive completely in time. Check your network and try again.',
  ),
  context_length_exceeded: define<{ engineMessage: string }>(
    400,
    'invalid_request_error',
    ({ engineMessage }) => engineMessage,
  ),
  refused_by_engine: define<{ engineMessage: string; status: number }>(
    400,
    'invalid_request_error',
    ({ engineMessage }) => engineMessage,
  ),
  concurrent_requests_exceeded: define<OfClass & { running: number; limit: number }>(
    429,
    'rate_limit_error',
    (d) =>
      `You have ${d.running} ${d.running === 1 ? 'request' : 'requests'} running in class ${d.classroom}, and ${d.limit} at the same time is the most. Wait until one has finished, then try again. ${ask(d, 'if you need more')}`,
  ),
  requests_per_minute_exceeded: define<Rate>(
    429,
    'rate_limit_error',
    (d) =>
      `You have sent ${count(d.used)} of the ${count(d.limit)} requests a minute that you may send in class ${d.classroom}. The next one is possible ${d.when}. ${ask(d, 'if you need more')}`,
  ),
  tokens_per_minute_exceeded: define<Rate & { needed: number }>(
    429,
    'rate_limit_error',
    (d) =>
      `You have used or reserved ${count(d.used)} of your ${count(d.limit)} tokens a minute in class ${d.classroom}, and this request can need ${count(d.needed)}. There is room for it ${d.when}. ${ask(d, 'if you need more')}`,
  ),
  tokens_per_day_exceeded: define<Budget>(
    429,
    'rate_limit_error',
    (d) =>
      `You have used or reserved ${count(d.used)} of your ${count(d.limit)} tokens a day in class ${d.classroom}, and this request needs at least ${count(d.needed)}. ${wayOut(d, 'The next day begins')} ${ask(d, 'if you need more today')}`,
  ),
  tokens_total_exceeded: define<Budget>(
    429,
    'rate_limit_error',
    (d) =>
      `You have used or reserved ${count(d.used)} of your ${count(d.limit)} tokens for the whole of class ${d.classroom}, and this request needs at least ${count(d.needed)}. ${wayOut(d, '')} ${ask(d, 'for more')}`,
  ),
  class_requests_per_minute_exceeded: define<Rate>(
    429,
    'rate_limit_error',
    (d) =>
      `All students of class ${d.classroom} together have sent ${count(d.used)} of ${count(d.limit)} requests a minute. The next one is possible ${d.when}. ${ask(d, 'if this goes on')}`,
  ),
  class_tokens_per_minute_exceeded: define<Rate & { needed: number }>(
    429,
    'rate_limit_error',
    (d) =>
      `All students of class ${d.classroom} together have used or reserved ${count(d.used)} of ${count(d.limit)} tokens a minute, and this request can need ${count(d.needed)}. There is room for it ${d.when}. ${ask(d, 'if this goes on')}`,
  ),
  gateway_starting: define(
    503,
    'server_error',
    () => 'The gateway has just started and does not know the classes yet. Try again in a few seconds.',
  ),
  gateway_stopping: define(
    503,
    'server_error',
    () => 'The gateway is being restarted. Send the request again: another one takes over.',
  ),
  token_keys_unavailable: define(
    503,
    'server_error',
    () =>
      'The gateway cannot get the keys that your token is checked with. Try again in a few seconds; a key that begins with gpc_ still works.',
  ),
  usage_not_counted: define<OfClass>(
    503,
    'server_error',
    (d) =>
      `The gateway cannot write down what is used in class ${d.classroom}, and serves nothing uncounted. Try again in a minute. ${ask(d, 'to look at the disk of the gateway if this goes on')}`,
  ),
  report_key_only: define<OfClass>(
    403,
    'permission_error',
    (d) =>
      `This key opens the report of class ${d.classroom} and nothing else: GET /v1/classroom/report. To work with the class, use the key of a student.`,
  ),
  report_key_needed: define<OfClass>(
    403,
    'permission_error',
    (d) =>
      `The report of class ${d.classroom} is for its trainers, and this is the key of a student. What you used yourself is at GET /v1/usage.`,
  ),
  invalid_report_days: define<{ why: string }>(
    400,
    'invalid_request_error',
    ({ why }) =>
      `These days cannot be reported: ${why}. Write them as local dates of the class, such as ?from=2026-09-01&to=2026-09-30; without \`from\` the report begins with the first day of the account, without \`to\` it ends today.`,
  ),
  report_unreadable: define<OfClass>(
    503,
    'server_error',
    (d) =>
      `The account of class ${d.classroom} cannot be read now; nothing of it is lost. Try again in a few seconds, and look at the log of the gateway if this goes on.`,
  ),
  usage_unreadable: define<OfClass>(
    503,
    'server_error',
    (d) =>
      `What you used in class ${d.classroom} cannot be read now; nothing of it is lost. Try again in a few seconds. ${ask(d, 'to look at the gateway if this goes on')}`,
  ),
  state_store_unavailable: define<OfClass>(
    503,
    'server_error',
    (d) =>
      `The gateways of class ${d.classroom} have lost the store in which they count together, so this one takes no more requests: this is a fault of the installation, not of your request. Try again in a few seconds. ${ask(d, 'to look at the gateway if this goes on')}`,
  ),
  queue_full: define<OfClass & { whose: 'student' | 'class' | 'gateway'; what: string }>(
    429,
    'rate_limit_error',
    (d) => {
      switch (d.whose) {
        case 'student':
          return `Your requests that wait for an engine of class ${d.classroom} are more than ${d.what}, which is the most for one student. Wait for answers before you send more. ${ask(d, 'if you need more')}`;
        case 'class':
          return `The queue of class ${d.classroom} is full: it holds ${d.what}, and nobody has more in it than you. Wait for answers before you send more. ${ask(d, 'if this goes on')}`;
        case 'gateway':
          return `The queues of all classes together are full: they hold ${d.what}, and nobody has more in that of class ${d.classroom} than you. Wait for answers before you send more, or send less at a time. ${ask(d, 'if this goes on')}`;
      }
    },
  ),
  queue_timeout: define<OfClass & { seconds: number }>(
    429,
    'rate_limit_error',
    (d) =>
      `Your request waited ${d.seconds} s, and the engines of class ${d.classroom} were busy all the time. Try again later, or send fewer requests at a time. ${ask(d, 'if this goes on')}`,
  ),
  no_engine_ready: define<OfClass>(
    503,
    'server_error',
    (d) =>
      `No engine of class ${d.classroom} is ready: it may be starting. Try again in a minute. ${ask(d, 'if this goes on')}`,
  ),
  engine_starting: define<
    OfClass & { loadSeconds: number | undefined; waitedSeconds: number; retrySeconds: number }
  >(503, 'server_error', (d) => {
    const lastTime =
      d.loadSeconds === undefined
        ? 'how long that takes was not measured yet'
        : `that took ${d.loadSeconds} s the last time`;
    return `No engine of class ${d.classroom} ran when you asked, and one is being started: ${lastTime}, and you have waited ${d.waitedSeconds} s. Try again in ${d.retrySeconds} s. ${ask(d, 'if this goes on')}`;
  }),
  engine_busy: define<OfClass>(
    503,
    'server_error',
    (d) => `The engine of class ${d.classroom} takes no more requests now. Try again in a few seconds.`,
  ),
  engine_unreachable: define<OfClass>(
    502,
    'server_error',
    (d) =>
      `The engine of class ${d.classroom} could not be reached. Try again in a few seconds. ${ask(d, 'if this goes on')}`,
  ),
  engine_failed: define<OfClass>(
    502,
    'server_error',
    (d) =>
      `The engine of class ${d.classroom} failed before your answer was complete. Send the request again. ${ask(d, 'if this goes on')}`,
  ),
  engine_refused_gateway: define<OfClass>(
    502,
    'server_error',
    (d) =>
      `The engine of class ${d.classroom} does not accept the gateway: this is a fault of the installation, not of your request. ${ask(d, 'to look at the gateway')}`,
  ),
  engine_silent: define<OfClass & { seconds: number }>(
    504,
    'server_error',
    (d) =>
      `The engine of class ${d.classroom} sent nothing for ${d.seconds} s, so the request was given up. Send it again, perhaps with a shorter prompt. ${ask(d, 'if this goes on')}`,
  ),
  answer_too_slow: define<{ seconds: number }>(
    504,
    'server_error',
    ({ seconds }) =>
      `The answer took longer than ${seconds} s, the most this gateway waits. Ask for a shorter answer.`,
  ),
  internal_error: define<{ requestId: string }>(
    500,
    'server_error',
    ({ requestId }) =>
      `The gateway failed on this request. Send it again; if it goes on, give your trainer this number: ${requestId}.`,
  ),
} as const;

type Catalogue = typeof CATALOGUE;
export type ErrorCode = keyof Catalogue;
export type ErrorDetails<C extends ErrorCode> = Parameters<Catalogue[C]['message']>[0];

/** What a client is told: the HTTP status and headers, and the fields of OpenAI's error object. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: ErrorType;
  readonly message: string;
  /** The request field that is wrong. */
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RefusalOptions {
  param?: string | null | undefined;
  /** Seconds, for `Retry-After`. */
  retryAfterSeconds?: number;
  headers?: Readonly<Record<string, string>>;
  /** Replaces the catalogue's status: only for an engine's own 4xx. */
  status?: number;
}

/** Every code with its status and type: for the documentation and its test. */
export const ERROR_CODES = Object.entries(CATALOGUE).map(([code, { status, type }]) => ({
  code,
  status,
  type,
}));

/**
 * One refusal from the catalogue.
 *
 * A student cannot know from a bare 5xx that the same request may work later, so those that may carry `Retry-After`.
 */
export function refuse<C extends ErrorCode>(
  code: C,
  details: ErrorDetails<C>,
  options: RefusalOptions = {},
): Refusal {
  // The union of all message functions takes the intersection of all details; C ties the two together.
  const { status, type, message } = CATALOGUE[code] as Definition<ErrorDetails<C>>;
  const retry = options.retryAfterSeconds;
  return {
    code,
    status: options.status ?? status,
    type,
    message: message(details),
    param: options.param ?? null,
    headers: {
      ...(retry === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retry))) }),
      ...options.headers,
    },
  };
}

/**
 * The error object of a refusal: OpenAI's `{"error": {message, type, param, code}}`, and on Anthropic's endpoint
 * theirs, `{"type": "error", "error": {type, message}}`.
 *
 * @param endpoint the path that was called
 */
export function errorBody(refusal: Refusal, endpoint?: string): string {
  const { message, type, param, code } = refusal;
  if (endpoint === '/v1/messages') {
    return JSON.stringify({ type: 'error', error: { type: anthropicType(refusal), message } });
  }
  return JSON.stringify({ error: { message, type, param, code } });
}

/** https://docs.anthropic.com/en/api/errors */
function anthropicType({ type, status }: Refusal): string {
  if (status === 413) return 'request_too_large';
  if (status === 503) return 'overloaded_error';
  return type === 'server_error' ? 'api_error' : type;
}

const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

function count(number: number): string {
  return counts.format(number);
}

/** What a student can do whose budget has not enough left. */
function wayOut({ needed, limit, when, heldByRunning }: Budget, refill: string): string {
  if (needed > limit) return 'That is more than the whole limit: send a shorter prompt.';
  if (heldByRunning) return 'Your running requests hold the rest: try again when they have finished.';
  return when === undefined
    ? 'A shorter prompt may still fit.'
    : `${refill} ${when}; a shorter prompt may fit before.`;
}

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(' or ');
}

const MAX_QUOTED_LENGTH = 64;

/** Text of a stranger in a message: harmless characters only, and not too many. */
function quotable(text: string): string {
  const harmless = text.replace(/[^\p{L}\p{N}@._+/ -]/gu, '?');
  return harmless.length <= MAX_QUOTED_LENGTH ? harmless : `${harmless.slice(0, MAX_QUOTED_LENGTH)}…`;
}
