import { isJsonObject } from '../../json/object.ts';
import { type Refusal, refuse } from '../errors.ts';
import { adapterCacheSalt } from '../identity/cache-salt.ts';
import { type AdapterRecord, type ClassroomRecord, ofClass, type Seat } from '../identity/seat.ts';
import type { RequestCost } from '../limits/admission.ts';
import { allowedAdapters, engineModelOf, isAllowed } from '../models.ts';
import type { Ticket } from '../queue/dispatch-queue.ts';
import type { JsonObject } from './body.ts';
import type { EnginePath } from './endpoints.ts';
import { costOf, ticketOf } from './estimate.ts';
import { invalidField } from './faults.ts';
import { clampOutput } from './output-cap.ts';
import { ENDPOINTS } from './schemas/endpoint.ts';

/**
 * In which frames of a stream the client gets usage: in every one in which the engine puts it, in the last one only,
 * or in none.
 */
export type UsageShown = 'every' | 'last' | 'none';

/** A request as an engine gets it. */
export interface PreparedRequest {
  readonly path: EnginePath;
  /** JSON. */
  readonly body: string;
  /** The name that answers carry. */
  readonly servedModel: string;
  /** What an engine must have loaded to answer it; undefined: only the base model. */
  readonly adapter: AdapterRecord | undefined;
  /** The most it can cost. */
  readonly cost: RequestCost;
  /** What the queue must know of it. */
  readonly ticket: Pick<Ticket, 'promptTokens' | 'kvTokens' | 'bodyBytes' | 'adapter'>;
  readonly streaming: boolean;
  readonly usageShown: UsageShown;
  /** True when the client wished for more output than the engine is held to. */
  readonly outputLowered: boolean;
  /** True when the client wished for more answers (`n`) than it gets. */
  readonly answersLowered: boolean;
  /** Fields of the client that were dropped. */
  readonly droppedFields: readonly string[];
}

export type Preparation =
  | { readonly ok: true; readonly request: PreparedRequest }
  | { readonly ok: false; readonly refusal: Refusal };

/** The most answers (`n`) of one request; engines of a Classroom are started with the same bound. */
export const MAX_ANSWERS = 4;

const MAX_SHOWN_MODEL_LENGTH = 128;

/**
 * Turns a student's body into the one an engine gets: checked and reduced to the fields of the endpoint's schema,
 * model mapped, identity set, output clamped, usage asked for. The body must not be used afterwards.
 */
export function prepareRequest(path: EnginePath, body: JsonObject, seat: Seat): Preparation {
  const endpoint = ENDPOINTS[path];
  const reading = endpoint.read(body);
  if (!reading.ok) return reading;
  const { fields } = reading;
  const model = modelFor(fields.model, seat.classroom);
  if (!model.ok) return model;
  if (!allowsTools(seat.classroom) && offersTools(fields)) return { ok: false, refusal: toolsRefusal(seat) };
  fields.model = model.name;
  const { adapter } = model;
  fields.cache_salt =
    adapter === undefined ? seat.cacheSalt : adapterCacheSalt(seat.cacheSalt, adapter.cacheTag);
  const dropped = [...reading.dropped];
  restrict(fields, path, dropped);
  const output =
    endpoint.outputCap === undefined
      ? { tokens: 0, lowered: false }
      : clampOutput(fields, endpoint.outputCap, seat);
  const { answers, answersLowered } = clampAnswers(fields);
  const streaming = fields.stream === true;
  const usageShown = streaming ? askForUsage(fields, path) : 'every';
  const serialized = JSON.stringify(fields);
  if (hasLoneSurrogate(serialized)) return { ok: false, refusal: invalidText() };
  const cost = costOf(
    model.name,
    reading.prompt,
    { tokens: output.tokens, answers },
    seat.classroom.maxModelLen,
  );
  return {
    ok: true,
    request: {
      path,
      body: serialized,
      servedModel: model.name,
      adapter,
      cost,
      ticket: { ...ticketOf(cost, Buffer.byteLength(serialized)), adapter },
      streaming,
      usageShown,
      outputLowered: output.lowered,
      answersLowered,
      droppedFields: dropped,
    },
  };
}

/** The same request, held to fewer tokens. */
export function withOutputCap(request: PreparedRequest, outputTokens: number): PreparedRequest {
  const field = ENDPOINTS[request.path].outputCap?.wishes[0];
  if (field === undefined || outputTokens >= request.cost.outputTokens) return request;
  const body = JSON.stringify({ ...JSON.parse(request.body), [field]: outputTokens });
  const cost = { ...request.cost, outputTokens };
  const ticket = { ...request.ticket, ...ticketOf(cost, Buffer.byteLength(body)) };
  return { ...request, body, cost, ticket, outputLowered: true };
}

type FoundModel =
  | { readonly ok: true; readonly name: string; readonly adapter: AdapterRecord | undefined }
  | { readonly ok: false; readonly refusal: Refusal };

function modelFor(wish: unknown, classroom: ClassroomRecord): FoundModel {
  const names = [...classroom.modelNames, ...allowedAdapters(classroom).map(({ model }) => model)];
  // vLLM serves its base model to a request that names none.
  if (typeof wish !== 'string' || wish === '') {
    return { ok: false, refusal: refuse('model_required', { names }, { param: 'model' }) };
  }
  const model = engineModelOf(classroom, wish);
  if (model !== undefined && isAllowed(classroom, model)) return { ok: true, ...model };
  const details = { ...ofClass(classroom), model: wish.slice(0, MAX_SHOWN_MODEL_LENGTH), names };
  const code = model === undefined ? 'model_not_found' : 'adapters_not_allowed';
  return { ok: false, refusal: refuse(code, details, { param: 'model' }) };
}

/** An exam is written without tools, unless it says otherwise. */
function allowsTools({ access, exam }: ClassroomRecord): boolean {
  return access !== 'Exam' || exam?.allowTools === true;
}

function offersTools({ tools }: JsonObject): boolean {
  return Array.isArray(tools) && tools.length > 0;
}

function toolsRefusal({ classroom }: Seat): Refusal {
  return refuse('tools_not_allowed', ofClass(classroom), { param: 'tools' });
}

/** What no schema says: fields that are set, and fields that are dangerous only together. */
function restrict(fields: JsonObject, path: EnginePath, dropped: string[]): void {
  if (path === '/v1/responses') fields.store = false;
  // Together they give the log-probabilities of every prompt token.
  if (fields.echo === true && typeof fields.logprobs === 'number') {
    fields.echo = undefined;
    dropped.push('echo');
  }
}

function clampAnswers(fields: JsonObject): { answers: number; answersLowered: boolean } {
  const wish = typeof fields.n === 'number' ? fields.n : 1;
  const answers = Math.min(wish, MAX_ANSWERS);
  if (answers < wish) fields.n = answers;
  return { answers, answersLowered: answers < wish };
}

/**
 * Makes the engine report usage in every frame: when an answer breaks off, what it had cost is known.
 *
 * @returns what of it the client asked for
 */
function askForUsage(fields: JsonObject, path: EnginePath): UsageShown {
  // The events of the others have it unasked.
  if (path !== '/v1/chat/completions' && path !== '/v1/completions') return 'every';
  const wish = isJsonObject(fields.stream_options) ? fields.stream_options : {};
  fields.stream_options = { include_usage: true, continuous_usage_stats: true };
  // In vLLM the second one does nothing without the first.
  if (wish.include_usage !== true) return 'none';
  return wish.continuous_usage_stats === true ? 'every' : 'last';
}

/**
 * Half of a surrogate pair is no character: vLLM fails on it. JSON.stringify writes it, and nothing else, as `\udXXX`;
 * a text that reads so has its backslash doubled.
 */
function hasLoneSurrogate(json: string): boolean {
  return json.includes('\\ud') && /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(json);
}

function invalidText(): Refusal {
  return invalidField(
    'body',
    'must not hold half of a surrogate pair (\\ud800 to \\udfff alone): it is no text',
  );
}
