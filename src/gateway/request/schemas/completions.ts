import { z } from 'zod';
import { modelName, outputWish, sampling, topLogprobs } from './sampling.ts';

/** Ids above this are in no vocabulary. */
const MAX_TOKEN_ID = 2 ** 31 - 1;

/** A prompt that is tokens already. */
export const tokenIds = z.array(z.int().min(0).max(MAX_TOKEN_ID)).min(1);

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
