import { readJson } from '../http/body.ts';
import { errors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { embeddingsRequestSchema } from '../http/request-schemas.ts';
import { encode } from '../text/tokenizer.ts';
import type { ServingContext } from './context.ts';
import { requestId } from './request-id.ts';

/** A vector of length 1 that depends on the tokens alone; texts that share tokens come out closer. */
function embed(tokens: readonly number[], dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const token of tokens) {
    let state = token + 1;
    for (let index = 0; index < dimensions; index += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      vector[index] = (vector[index] ?? 0) + state / 2 ** 31;
    }
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

/** Runs the prompts through the engine: each is prefilled and done. */
function prefill(
  context: ServingContext,
  exchange: Exchange,
  prompts: readonly (readonly number[])[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = prompts.length;
    const sequences = context.engine.submit(
      prompts.map((promptTokens) => ({
        spec: { promptTokens, outputTokens: 1, maxTokens: 1, endsBy: 'stop', priority: 0, cacheScope: '' },
        listener: {
          progress: (_, ended) => {
            if (ended === undefined) return;
            open -= 1;
            if (open === 0) resolve();
          },
          engineDied: () => reject(errors.engineDead()),
        },
      })),
    );
    exchange.onDisconnect(() => {
      for (const sequence of sequences) context.engine.abort(sequence);
    });
  });
}

/** `POST /v1/embeddings`, which only a vLLM with an embedding model has. */
export async function createEmbedding(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, embeddingsRequestSchema);
  const { name } = context.models.resolve(body.model);
  if (context.engine.dead) throw errors.engineDead();
  if (context.shuttingDown()) throw errors.shuttingDown();
  const { input } = body;
  const inputs =
    typeof input === 'string' ? [input] : input.every((each) => typeof each === 'number') ? [input] : input;
  const prompts = inputs.map((each) => (typeof each === 'string' ? encode(each) : [each].flat()));
  for (const prompt of prompts) {
    if (prompt.length > context.plan.maxModelLen) throw errors.promptTooLong(context.plan.maxModelLen);
  }
  await prefill(context, exchange, prompts);
  const promptTokens = prompts.reduce((sum, { length }) => sum + length, 0);
  exchange.json(200, {
    id: `embd-${requestId(context, exchange)}`,
    object: 'list',
    created: context.nowSeconds(),
    model: name,
    data: prompts.map((prompt, index) => {
      const vector = embed(prompt, body.dimensions ?? context.hiddenSize);
      const embedding =
        body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
      return { index, object: 'embedding', embedding };
    }),
    usage: {
      prompt_tokens: promptTokens,
      total_tokens: promptTokens,
      completion_tokens: 0,
      prompt_tokens_details: null,
    },
  });
}
