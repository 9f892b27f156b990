import { z } from 'zod';
import { tokenIds } from './completions.ts';
import { modelName } from './sampling.ts';

/** OpenAI's own bound: https://platform.openai.com/docs/api-reference/embeddings/create */
const MAX_INPUTS = 2_048;

/** The body of `POST /v1/embeddings`. Fields that are not here are dropped. */
export const embeddingsSchema = z.object({
  model: modelName,
  input: z.union([
    z.string(),
    tokenIds,
    z.array(z.string()).min(1).max(MAX_INPUTS),
    z.array(tokenIds).min(1).max(MAX_INPUTS),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
});

export type EmbeddingsRequest = z.infer<typeof embeddingsSchema>;
