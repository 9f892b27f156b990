import { z } from 'zod';
import { parseJson } from '../../json/parse.ts';
import { type Refusal, refuse } from '../errors.ts';
import { ofClass, type Seat } from '../identity/seat.ts';
import type { EnginePath } from '../request/endpoints.ts';

/** What an engine said in the place of an answer. */
export interface EngineError {
  readonly status: number;
  readonly message: string | undefined;
  readonly param: string | undefined;
}

/**
 * vLLM's handlers: https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/protocol.py. Those of
 * Anthropic's endpoint give no code.
 */
const errorObjectSchema = z.object({
  error: z.object({ message: z.string(), param: z.string().nullish(), code: z.unknown().optional() }),
});
/** vLLM's authentication middleware. */
const errorTextSchema = z.object({ error: z.string() });
/** FastAPI's own answers, such as for an unknown path. */
const detailSchema = z.object({ detail: z.string() });

/** Schema errors repeat the whole request, once for every alternative: a student needs the first lines. */
const MAX_MESSAGE_LENGTH = 1000;

const RETRY_AFTER_SECONDS = 5;

/** The params of vLLM's messages about prompts that are too long. */
const CONTEXT_PARAMS: ReadonlySet<string | undefined> = new Set(['input_tokens', 'input_text']);

/**
 * Reads any of the shapes in which vLLM reports errors. Never fails: an unknown shape has no message.
 *
 * @param status of the answer; an error inside a stream says its own, as `code`
 */
export function parseEngineError(status: number, body: string): EngineError {
  const value = parseJson(body);
  const object = errorObjectSchema.safeParse(value);
  if (object.success) {
    const { message, param, code } = object.data.error;
    const own = typeof code === 'number' && code >= 400 && code < 600 ? code : status;
    return { status: status < 400 ? own : status, message, param: param ?? undefined };
  }
  const text = errorTextSchema.safeParse(value);
  if (text.success) return { status, message: text.data.error, param: undefined };
  const detail = detailSchema.safeParse(value);
  return { status, message: detail.success ? detail.data.detail : undefined, param: undefined };
}

/** The engine serves no model of the name that it was asked for; Anthropic's endpoint gives no param. */
export function isUnknownModel({ status, param, message = '' }: EngineError): boolean {
  return status === 404 && (param === 'model' || /^The model .* does not exist/.test(message));
}

/** What the student is told of an engine's error. */
export function refusalOfEngineError(error: EngineError, seat: Seat, path: EnginePath): Refusal {
  const { classroom } = seat;
  const named = ofClass(classroom);
  const { status } = error;
  // The engine's 401 is about the gateway's credentials: passed on, the student would doubt their own key.
  if (status === 401 || status === 403) return refuse('engine_refused_gateway', named);
  if (status === 404 && error.param !== 'model') {
    return refuse('endpoint_not_served', { path, model: classroom.servedName });
  }
  if (status === 503 || status === 429) {
    return refuse('engine_busy', named, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  if (status < 400 || status >= 500) return refuse('engine_failed', named);
  return clientFault(error, seat);
}

function clientFault({ status, message, param }: EngineError, seat: Seat): Refusal {
  const shown = withoutSalt(message ?? `The engine refused the request with status ${status}.`, seat);
  const engineMessage = shown.length > MAX_MESSAGE_LENGTH ? `${shown.slice(0, MAX_MESSAGE_LENGTH)} …` : shown;
  if (CONTEXT_PARAMS.has(param)) {
    return refuse('context_length_exceeded', { engineMessage }, { param: 'messages' });
  }
  return refuse('refused_by_engine', { engineMessage, status }, { status, param });
}

/** A schema error repeats the request with what the gateway put in. */
function withoutSalt(message: string, { cacheSalt }: Seat): string {
  return message.replaceAll(cacheSalt, '…');
}
