import type { z } from 'zod';
import type { Refusal } from '../../errors.ts';
import type { JsonObject } from '../body.ts';
import { droppedFields } from '../dropped.ts';
import type { EnginePath } from '../endpoints.ts';
import {
  chatPrompt,
  completionsPrompt,
  embeddingsPrompt,
  messagesPrompt,
  type PromptSize,
  responsesPrompt,
} from '../estimate.ts';
import { invalidField, invalidRequest } from '../faults.ts';
import { holdsMoreThan } from '../json-walk.ts';
import type { OutputCap } from '../output-cap.ts';
import { chatSchema } from './chat.ts';
import { completionsSchema } from './completions.ts';
import { PICTURE_BOUNDS } from './content.ts';
import { embeddingsSchema } from './embeddings.ts';
import { messagesSchema } from './messages.ts';
import { responsesSchema } from './responses.ts';

/** A body that passed the schema of its endpoint. */
export interface Reading {
  readonly ok: true;
  /** The fields of the schema, and no others. A copy: free to be changed, but for the values inside. */
  readonly fields: JsonObject;
  readonly prompt: PromptSize;
  /** What the client sent and the schema does not have. */
  readonly dropped: readonly string[];
}

/** What one endpoint takes. */
export interface Endpoint {
  /** The allow-list. */
  readonly schema: z.ZodObject;
  /** Undefined: nothing is generated. */
  readonly outputCap: OutputCap | undefined;
  read(body: JsonObject): Reading | { readonly ok: false; readonly refusal: Refusal };
}

/**
 * Values in one body: objects, lists, texts, numbers. Nobody else is served while they are checked, before any limit
 * of the student counts. A long conversation with many tools has a few thousand.
 */
const MOST_VALUES = 20_000;

function tooManyValues(): Refusal {
  return invalidField('body', `must not hold more than ${MOST_VALUES} values: send fewer messages or tools`);
}

function define<Schema extends z.ZodObject>(
  schema: Schema,
  outputCap: OutputCap | undefined,
  promptOf: (request: z.output<Schema>) => PromptSize,
  mostValues: number = MOST_VALUES,
): Endpoint {
  return {
    schema,
    outputCap,
    read(body) {
      if (holdsMoreThan(mostValues, body)) return { ok: false, refusal: tooManyValues() };
      const result = schema.safeParse(body);
      if (!result.success) return { ok: false, refusal: invalidRequest(result.error.issues) };
      const prompt = promptOf(result.data);
      if (prompt.pictures > PICTURE_BOUNDS.perRequest) {
        const param = 'messages' in schema.shape ? 'messages' : 'input';
        const why = `must not have more than ${PICTURE_BOUNDS.perRequest} pictures`;
        return { ok: false, refusal: invalidField(param, why) };
      }
      const fields: JsonObject = result.data;
      const dropped = droppedFields(body, fields);
      removeNulls(fields);
      return { ok: true, fields, prompt, dropped };
    },
  };
}

/** OpenAI takes null for "not given" everywhere, vLLM only for some fields. */
function removeNulls(fields: JsonObject): void {
  for (const name of Object.keys(fields)) if (fields[name] === null) fields[name] = undefined;
}

/** A prompt may be a list of tokens, which is checked in one go. */
const TOKENS_ARE_VALUES = Number.POSITIVE_INFINITY;

/** The endpoints of an engine that students may call. */
export const ENDPOINTS: Readonly<Record<EnginePath, Endpoint>> = {
  '/v1/chat/completions': define(chatSchema, { wishes: ['max_completion_tokens', 'max_tokens'] }, chatPrompt),
  // OpenAI's and vLLM's default: https://platform.openai.com/docs/api-reference/completions/create
  '/v1/completions': define(
    completionsSchema,
    { wishes: ['max_tokens'], byDefault: 16 },
    completionsPrompt,
    TOKENS_ARE_VALUES,
  ),
  '/v1/responses': define(responsesSchema, { wishes: ['max_output_tokens'] }, responsesPrompt),
  '/v1/embeddings': define(embeddingsSchema, undefined, embeddingsPrompt, TOKENS_ARE_VALUES),
  '/v1/messages': define(messagesSchema, { wishes: ['max_tokens'] }, messagesPrompt),
};
