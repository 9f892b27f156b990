import { z } from 'zod';
import { modelName, outputWish, sampling, topLogprobs } from './sampling.ts';

/** Ids above this are in no vocabulary. */
const MAX_TOKEN_ID = 2 ** 31 - 1;

/**
 * A prompt that is tokens already. A list of its own kind: zod takes 0.6 µs for each entry of an array, and a fault
 * object for each bad one, which is seconds for a megabyte of them.
 */
export const tokenIds = z.custom<readonly number[]>().superRefine((value: unknown, context) => {
  if (!Array.isArray(value) || typeof value[0] !== 'number') {
    const message = 'must be a list of token ids';
    context.addIssue({ code: 'custom', message, params: { otherKind: true }, continue: false });
    return;
  }
  const bad = value.findIndex((id) => !Number.isInteger(id) || id < 0 || id > MAX_TOKEN_ID);
  if (bad < 0) return;
  context.addIssue({ code: 'custom', path: [bad], message: 'must be a token id: a whole number from 0' });
});

/** The body of `POST /v1/completions`. Fields that are not here are dropped. */
export const completionsSchema = z.object({
  model: modelName,
  // Each more prompt would cost as much as another request, and count as none.
  prompt: z.union([
    z.string(),
    tokenIds,
    z.array(z.string()).min(1).max(1, { error: 'must be one prompt. Send a request for each instead' }),
    z.array(tokenIds).min(1).max(1, { error: 'must be one prompt. Send a request for each instead' }),
  ]),
  max_tokens: outputWish,
  ...sampling,
  logprobs: topLogprobs,
  echo: z.boolean().nullish(),
  add_special_tokens: z.boolean().nullish(),
});

export type CompletionsRequest = z.infer<typeof completionsSchema>;
