import { z } from 'zod';

/** A size that a layer cannot be without. */
export const size = z.number().int().positive().nullish();
/** Of what a family may have none of: 0 is as good as nothing. */
const sizeIfAny = z
  .number()
  .int()
  .nonnegative()
  .nullish()
  .transform((value) => (value === 0 ? undefined : value));
/** One for all layers or one for each, of which the widest counts. */
const sizeOrSizes = z
  .union([z.number().int().positive(), z.array(z.number().int().positive()).min(1)])
  .nullish()
  .transform((value) => (Array.isArray(value) ? Math.max(...value) : value));
const flag = z.boolean().nullish();

/** The fields of a Hugging Face config.json that memory depends on, in the spellings of the families. */
export const configSchema = z.object({
  model_type: z.string().nullish(),
  num_hidden_layers: size,
  n_layer: size,
  n_layers: size,
  num_layers: size,
  hidden_size: size,
  n_embd: size,
  d_model: size,
  intermediate_size: sizeOrSizes,
  intermediate_size_mlp: size,
  ffn_hidden_size: size,
  ffn_dim: size,
  n_inner: size,
  num_attention_heads: size,
  n_head: size,
  n_heads: size,
  num_key_value_heads: size,
  num_kv_heads: size,
  num_global_key_value_heads: sizeIfAny,
  multi_query_group_num: size,
  kv_n_heads: size,
  multi_query: flag,
  new_decoder_architecture: flag,
  head_dim: sizeIfAny,
  kv_channels: size,
  global_head_dim: sizeIfAny,
  vocab_size: size,
  padded_vocab_size: size,
  tie_word_embeddings: flag,
  attention_bias: flag,
  qkv_bias: flag,
  layer_types: z.array(z.string()).nullish(),
  sliding_window: sizeIfAny,
  sliding_window_size: sizeIfAny,
  use_sliding_window: flag,
  max_window_layers: z.number().int().nonnegative().nullish(),
  sliding_window_pattern: z.union([z.number().int().positive(), z.string()]).nullish(),
  _sliding_window_pattern: z.number().int().positive().nullish(),
  num_local_experts: sizeIfAny,
  num_experts: sizeIfAny,
  n_routed_experts: sizeIfAny,
  moe_num_experts: z.union([z.number().int().nonnegative(), z.array(z.number())]).nullish(),
  moe_intermediate_size: z.union([z.number().int().nonnegative(), z.array(z.number())]).nullish(),
  n_shared_experts: z.number().int().nonnegative().nullish(),
  num_shared_experts: z.number().int().nonnegative().nullish(),
  moe_num_shared_experts: z.number().int().nonnegative().nullish(),
  shared_expert_intermediate_size: z.number().int().nonnegative().nullish(),
  shared_intermediate_size: z.number().int().nonnegative().nullish(),
  moe_layer_start_index: z.number().int().nonnegative().nullish(),
  first_k_dense_replace: z.number().int().nonnegative().nullish(),
  moe_layer_freq: z.union([z.number().int().positive(), z.array(z.number())]).nullish(),
  decoder_sparse_step: size,
  interleave_moe_layer_step: size,
  mlp_only_layers: z.array(z.number()).nullish(),
  q_lora_rank: sizeIfAny,
  kv_lora_rank: sizeIfAny,
  qk_rope_head_dim: sizeIfAny,
  qk_nope_head_dim: sizeIfAny,
  v_head_dim: sizeIfAny,
  index_head_dim: sizeIfAny,
  hidden_size_per_layer_input: z.number().int().nonnegative().nullish(),
  vocab_size_per_layer_input: size,
  max_position_embeddings: size,
  n_positions: size,
  max_seq_len: size,
  max_sequence_length: size,
  seq_length: size,
  model_max_length: size,
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
  num_parameters: z.number().positive().nullish(),
  quantization_config: z.unknown().optional(),
  compression_config: z.unknown().optional(),
  ssm_cfg: z.unknown().optional(),
  mamba_d_state: sizeIfAny,
  mamba_num_heads: sizeIfAny,
});

export type Config = z.infer<typeof configSchema>;
