import { type Refusal, refuse } from '../errors.ts';
import type { Seat } from '../identity/seat.ts';
import type { RequestCost } from '../limits/admission.ts';
import type { Ticket } from '../queue/dispatch-queue.ts';
import type { JsonObject } from './body.ts';
import type { EnginePath } from './endpoints.ts';
import { DROPPED_FIELDS, IDENTITY_FIELDS, OUTPUT_CAP_FIELDS, type OutputCapField } from './fields.ts';

/** A request as an engine gets it. */
export interface PreparedRequest {
  readonly path: EnginePath;
  /** JSON. */
  readonly body: string;
  /** The name that answers carry. */
  readonly servedModel: string;
  /** The most it can cost. */
  readonly cost: RequestCost;
  /** What the queue must know of it. */
  readonly ticket: Pick<Ticket, 'promptTokens' | 'kvTokens' | 'bodyBytes'>;
  readonly streaming: boolean;
  /** In which frames of a stream the client asked for usage; the engine is asked for it in all of them. */
  readonly usageShown: UsageShown;
  /** True when the client wished for more output than the engine is held to. */
  readonly outputLowered: boolean;
  /** Fields of the client that were dropped. */
  readonly droppedFields: readonly string[];
}

/** `none`, only the frame without choices at the end (`last`), or `every` frame that has it. */
export type UsageShown = 'none' | 'last' | 'every';

export type Preparation =
  | { readonly ok: true; readonly request: PreparedRequest }
  | { readonly ok: false; readonly refusal: Refusal };

interface OutputCap {
  /** In the order in which the engine would look. */
  readonly wishes: readonly OutputCapField[];
  readonly field: OutputCapField;
  /** What the engine would take when the client names none; absent: as much as is allowed. */
  readonly byDefault?: number;
}

const OUTPUT_CAPS: Record<EnginePath, OutputCap | undefined> = {
  '/v1/chat/completions': {
    wishes: ['max_completion_tokens', 'max_tokens'],
    field: 'max_completion_tokens',
  },
  // OpenAI's and vLLM's default: https://platform.openai.com/docs/api-reference/completions/create
  '/v1/completions': { wishes: ['max_tokens'], field: 'max_tokens', byDefault: 16 },
  '/v1/responses': { wishes: ['max_output_tokens'], field: 'max_output_tokens' },
  '/v1/embeddings': undefined,
};

/** Ends the checks of one body; never leaves this module. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.code);
    this.refusal = refusal;
  }
}

/**
 * Turns a student's body into the one an engine gets: model mapped, identity set, output clamped, dangerous fields
 * dropped, usage asked for. The body is changed in place; do not use it afterwards.
 */
export function prepareRequest(path: EnginePath, body: JsonObject, seat: Seat): Preparation {
  try {
    return { ok: true, request: prepare(path, body, seat) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, refusal: error.refusal };
    throw error;
  }
}

function prepare(path: EnginePath, body: JsonObject, seat: Seat): PreparedRequest {
  body.model = engineModel(body.model, seat);
  const streaming = flag(body, 'stream');
  refuseSeveral(body, path);
  if (path === '/v1/responses') restrictResponses(body);
  const droppedFields = dropFields(body);
  for (const field of IDENTITY_FIELDS) delete body[field];
  body.cache_salt = seat.cacheSalt;
  const { maxOutputTokens, outputLowered } = clampOutput(body, path, seat);
  const usageShown = streaming ? askForUsage(body, path) : 'every';
  const serialized = serialize(body);
  const bodyBytes = Buffer.byteLength(serialized);
  const promptTokens = Math.min(bodyBytes, seat.classroom.maxModelLen);
  return {
    path,
    body: serialized,
    servedModel: seat.classroom.servedName,
    cost: { promptTokens, outputTokens: maxOutputTokens, answers: 1 },
    ticket: { promptTokens, kvTokens: promptTokens + maxOutputTokens, bodyBytes },
    streaming,
    usageShown,
    outputLowered,
    droppedFields,
  };
}

/** The same request, held to fewer tokens. */
export function withOutputCap(request: PreparedRequest, outputTokens: number): PreparedRequest {
  const field = OUTPUT_CAPS[request.path]?.field;
  if (field === undefined || outputTokens >= request.cost.outputTokens) return request;
  const body = JSON.stringify({ ...JSON.parse(request.body), [field]: outputTokens });
  return { ...request, body, cost: { ...request.cost, outputTokens }, outputLowered: true };
}

function engineModel(wish: unknown, { classroom }: Seat): string {
  const names = classroom.modelNames;
  // vLLM serves its base model to a request that names none.
  if (wish === undefined || wish === null || wish === '') {
    throw new Refused(refuse('model_required', { names }, { param: 'model' }));
  }
  if (typeof wish !== 'string') throw invalid('model', 'must be a text');
  if (names.includes(wish)) return classroom.servedName;
  const details = {
    classroom: classroom.name,
    contact: classroom.contact,
    model: wish.slice(0, 128),
    names,
  };
  throw new Refused(refuse('model_not_found', details, { param: 'model' }));
}

/** One answer to one prompt: each more would cost as much as another request, and count as none. */
function refuseSeveral(body: JsonObject, path: EnginePath): void {
  const n = body.n;
  if (n !== undefined && n !== null && n !== 1) {
    throw invalid('n', 'must be 1: this gateway gives one answer a request. Send several requests instead');
  }
  const prompts = path === '/v1/completions' ? body.prompt : undefined;
  // A list of numbers is one prompt, given as tokens.
  if (Array.isArray(prompts) && prompts.length > 1 && typeof prompts[0] !== 'number') {
    throw invalid('prompt', 'must be one prompt. Send a request for each instead');
  }
}

/** Engines keep no state between requests, and call nobody in a student's name. */
function restrictResponses(body: JsonObject): void {
  if (flag(body, 'background')) {
    throw invalid('background', 'is not supported: requests are answered while you wait. Leave it out');
  }
  if (body.previous_response_id !== undefined && body.previous_response_id !== null) {
    throw invalid(
      'previous_response_id',
      'is not supported: no conversation is kept. Send the earlier turns in "input"',
    );
  }
  body.store = false;
  const tools = Array.isArray(body.tools) ? body.tools : [];
  if (!tools.every((tool: unknown) => isObject(tool) && tool.type === 'function')) {
    throw invalid('tools', 'may hold only tools of type "function", which your own program runs');
  }
}

function dropFields(body: JsonObject): string[] {
  const dropped = Object.keys(body).filter((field) => DROPPED_FIELDS.has(field));
  // Together they give the log-probabilities of every prompt token.
  if (body.echo && body.logprobs !== undefined && body.logprobs !== null) dropped.push('echo');
  for (const field of dropped) delete body[field];
  return dropped;
}

function clampOutput(
  body: JsonObject,
  path: EnginePath,
  { limits, classroom }: Seat,
): { maxOutputTokens: number; outputLowered: boolean } {
  const cap = OUTPUT_CAPS[path];
  const wish = cap === undefined ? undefined : outputWish(body, cap);
  for (const field of OUTPUT_CAP_FIELDS) delete body[field];
  if (cap === undefined) return { maxOutputTokens: 0, outputLowered: false };
  // vLLM refuses a cap that is larger than the context.
  const allowed = Math.min(limits.maxOutputTokens, classroom.maxModelLen);
  const maxOutputTokens = Math.min(wish ?? cap.byDefault ?? allowed, allowed);
  body[cap.field] = maxOutputTokens;
  return { maxOutputTokens, outputLowered: wish !== undefined && wish > maxOutputTokens };
}

function outputWish(body: JsonObject, cap: OutputCap): number | undefined {
  const values = cap.wishes.map((field) => {
    const value = body[field];
    if (value === undefined || value === null) return undefined;
    // vLLM would also take "8", so a text must not slip by as no number.
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
      throw invalid(field, 'must be a whole number of at least 1');
    }
    return value;
  });
  return values.find((value) => value !== undefined);
}

/**
 * Asks for the running count in every chunk: a stream that breaks off has then told how many tokens it had.
 *
 * @returns what the client itself asked for
 */
function askForUsage(body: JsonObject, path: EnginePath): UsageShown {
  // The other endpoints always have usage in their events, and no option for it.
  if (path !== '/v1/chat/completions' && path !== '/v1/completions') return 'every';
  const options = body.stream_options ?? {};
  if (!isObject(options)) throw invalid('stream_options', 'must be an object');
  body.stream_options = { ...options, include_usage: true, continuous_usage_stats: true };
  // Alone, continuous_usage_stats does nothing in vLLM.
  if (options.include_usage !== true) return 'none';
  return options.continuous_usage_stats === true ? 'every' : 'last';
}

/** vLLM would also take "true" and 1, so they must not slip by as false. */
function flag(body: JsonObject, field: string): boolean {
  const value = body[field] ?? false;
  if (typeof value !== 'boolean') throw invalid(field, 'must be true or false');
  return value;
}

function serialize(body: JsonObject): string {
  try {
    return JSON.stringify(body);
  } catch (error) {
    // JSON.parse goes as deep as there is memory, JSON.stringify only as deep as the stack.
    if (error instanceof RangeError)
      throw new Refused(refuse('invalid_json', { why: 'it is nested too deeply' }));
    throw error;
  }
}

function invalid(param: string, why: string): Refused {
  return new Refused(refuse('invalid_parameter', { param, why }, { param }));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
