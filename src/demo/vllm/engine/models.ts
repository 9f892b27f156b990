import { type CacheLayout, cacheLayout } from '../../../gpu/memory/kv-cache.ts';
import { releaseRules } from '../../../gpu/memory/vllm-release.ts';
import { weightBytes } from '../../../gpu/memory/weights.ts';
import type { ModelFacts as PlannedModel } from '../../../gpu/model/model-facts.ts';
import { quantizationByName } from '../../../gpu/model/name-estimate.ts';
import { resolveModel } from '../../../gpu/model/resolve.ts';
import { kvCacheDtypeSchema } from '../../../gpu/plan-types.ts';
import { PINNED_RELEASE } from '../../../gpu/planner/situation.ts';

/** The few numbers of a model that decide memory and speed. */
export interface ModelFacts {
  readonly architecture: string;
  readonly parametersBillion: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly vocabulary: number;
  readonly maxPositions: number;
  /** What the operator's planner knows of it, so that both count the same weights and tokens. */
  readonly planned: PlannedModel;
}

/** vLLM's names of architectures, by the `model_type` of config.json. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  gemma3_text: 'Gemma3ForCausalLM',
  gpt_oss: 'GptOssForCausalLM',
  granite: 'GraniteForCausalLM',
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  mixtral: 'MixtralForCausalLM',
  phi3: 'Phi3ForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
  qwen3_moe: 'Qwen3MoeForCausalLM',
};

/** From https://huggingface.co/microsoft/Phi-4-mini-instruct: the model of the A10's published speed. */
const PHI_4_MINI = {
  model_type: 'phi3',
  num_parameters: 3_836_000_000,
  num_hidden_layers: 32,
  num_attention_heads: 24,
  num_key_value_heads: 8,
  head_dim: 128,
  hidden_size: 3072,
  intermediate_size: 8192,
  vocab_size: 200_064,
  max_position_embeddings: 131_072,
  tie_word_embeddings: true,
};

/** The tiny model of the recordings, also what a name that says nothing is taken for. */
const TINY = {
  model_type: 'qwen2',
  num_parameters: 213_696,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  head_dim: 32,
  hidden_size: 64,
  intermediate_size: 128,
  vocab_size: 1024,
  max_position_embeddings: 4096,
  tie_word_embeddings: true,
};

/** Of models whose name says nothing but a size. */
const DEFAULT_MAX_POSITIONS = 32_768;

/** Model facts by name: the planner's catalogue, else an estimate from a size such as `7B` in it, else a tiny model. */
export function modelFacts(model: string): ModelFacts {
  const named = resolveModel(/phi-4-mini/i.test(model) ? { id: model, config: PHI_4_MINI } : { id: model });
  const planned = 'code' in named ? resolveModel({ id: model, config: TINY }) : named;
  if ('code' in planned) throw new Error(planned.reason);
  return {
    architecture: ARCHITECTURES[planned.family ?? ''] ?? 'LlamaForCausalLM',
    parametersBillion: planned.parameters.total / 1e9,
    hidden: planned.hiddenSize,
    intermediate: planned.intermediateSize,
    vocabulary: planned.vocabularySize,
    maxPositions: planned.maxContext ?? DEFAULT_MAX_POSITIONS,
    planned,
  };
}

/** Bytes that a step reads of a weight, after `--quantization` or what the name says of the checkpoint. */
export function bytesPerWeight(model: string, quantization: string | undefined): number {
  const hint = (quantization ?? model).toLowerCase();
  if (/awq|gptq|int4|bitsandbytes|4bit/.test(hint)) return 0.65;
  if (/fp8|int8|w8a8/.test(hint)) return 1.1;
  return 2;
}

/** Bytes of the weights on each of so many GPUs, as vLLM's line "Model loading took" says them. */
export function weightsBytes(
  { planned }: ModelFacts,
  quantization: string | undefined,
  tensorParallel: number,
): number {
  const packing = planned.quantization ?? quantizationByName(quantization ?? '');
  return weightBytes(planned, packing, tensorParallel, releaseRules(undefined, PINNED_RELEASE, true));
}

/** How the model's KV cache is laid out on each of so many GPUs. */
export function kvCacheLayout(
  { planned }: ModelFacts,
  kvCacheDtype: string,
  tensorParallel: number,
  batchedTokens: number,
): CacheLayout {
  const dtype = kvCacheDtypeSchema.catch('auto').parse(kvCacheDtype);
  return cacheLayout(planned, dtype, tensorParallel, batchedTokens);
}
