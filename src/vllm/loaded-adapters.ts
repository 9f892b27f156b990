import { z } from 'zod';
import { parseJson } from '../json/parse.ts';

/** A LoRA adapter that an engine serves. */
export interface LoadedAdapter {
  readonly model: string;
  /** As it was given when the adapter was loaded. */
  readonly folder: string;
}

const modelsSchema = z.object({
  data: z.array(z.object({ id: z.string(), root: z.string().nullish(), parent: z.string().nullish() })),
});

/**
 * The adapters in vLLM's answer to `GET /v1/models`: the models that have a parent. Undefined: it is no such answer.
 *
 * @see https://docs.vllm.ai/en/latest/features/lora.html
 */
export function readLoadedAdapters(json: string): LoadedAdapter[] | undefined {
  return modelsSchema
    .safeParse(parseJson(json))
    .data?.data.filter(({ parent }) => typeof parent === 'string')
    .map(({ id, root }) => ({ model: id, folder: root ?? '' }));
}
