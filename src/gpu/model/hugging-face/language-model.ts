import { isJsonObject } from '../../../json/object.ts';

/** Where families that see or hear keep the language model. */
const LANGUAGE_MODEL_KEYS = [
  'text_config',
  'llm_config',
  'language_config',
  'thinker_config',
  'language_model',
];

/**
 * Defaults of transformers' configuration classes: the language model inside of a multimodal config.json leaves out
 * what equals them.
 *
 * @see https://github.com/huggingface/transformers/tree/main/src/transformers/models
 */
const FAMILY_DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  gemma3_text: {
    ...shape(26, 2304, 9216, 8, 4, 262_208),
    head_dim: 256,
    sliding_window: 4096,
    max_position_embeddings: 131_072,
  },
  llama: shape(32, 4096, 11_008, 32, 32, 32_000),
  mistral: shape(32, 4096, 14_336, 32, 8, 32_000),
  qwen2: shape(32, 4096, 22_016, 32, 32, 151_936),
};

function shape(
  layers: number,
  hidden: number,
  intermediate: number,
  heads: number,
  keyValueHeads: number,
  vocabulary: number,
): Readonly<Record<string, unknown>> {
  return {
    num_hidden_layers: layers,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    vocab_size: vocabulary,
  };
}

/** The language model's own fields, with the whole checkpoint's quantisation, tying and parameter count around it. */
export function languageModel(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  for (const key of LANGUAGE_MODEL_KEYS) {
    const inner = raw[key];
    if (isJsonObject(inner)) {
      const { quantization_config, compression_config, num_parameters, torch_dtype, dtype } = raw;
      const outer = { quantization_config, compression_config, num_parameters, torch_dtype, dtype };
      const tied = raw.tie_word_embeddings;
      const nested = languageModel(inner);
      const family = nested.model_type;
      return {
        ...(typeof family === 'string' ? FAMILY_DEFAULTS[family] : {}),
        ...(typeof tied === 'boolean' ? { tie_word_embeddings: tied } : {}),
        model_type: raw.model_type,
        ...withoutUndefined(outer),
        ...withoutUndefined(nested),
      };
    }
  }
  // MPT and DBRX say some shapes one level down.
  const { attn_config, ffn_config } = raw;
  return {
    ...raw,
    ...(isJsonObject(attn_config) ? attn_config : {}),
    ...(isJsonObject(ffn_config) ? ffn_config : {}),
  };
}

function withoutUndefined(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
