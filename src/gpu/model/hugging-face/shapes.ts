import type { AttentionShapes, ExpertShapes, Shapes } from '../parameters.ts';
import type { Config } from './fields.ts';

/** Families that share the output head with the embedding unless config.json says otherwise. */
const TIED_BY_DEFAULT =
  /^(gemma|gemma2|gemma3|gemma3_text|gemma3n|gemma3n_text|gemma4|gemma4_text|cohere|cohere2|gpt2|opt|bloom|falcon|mpt|gpt_bigcode|starcoder2)$/;
/** Families with biases on queries, keys and values that config.json does not mention. */
const BIASED_BY_DEFAULT =
  /^(qwen|qwen2|qwen2_moe|qwen2_vl|qwen2_5_vl|qwen2_5_vl_text|gpt2|opt|bloom|gpt_neox|gpt_oss)$/;
/** Families whose feed-forward layers have no gate. */
const UNGATED =
  /^(gpt2|gpt_neox|gptj|gpt_bigcode|opt|bloom|falcon|mpt|phi|starcoder2|nemotron|nemotron_h|persimmon)$/;

/** What the weights are counted from. @returns what is missing where config.json does not tell */
export function readShapes(config: Config): Shapes | { missing: string } {
  const layers = config.num_hidden_layers ?? config.n_layer ?? config.n_layers ?? config.num_layers;
  const hiddenSize = config.hidden_size ?? config.n_embd ?? config.d_model;
  const vocabularySize = config.padded_vocab_size ?? config.vocab_size;
  const heads = config.num_attention_heads ?? config.n_head ?? config.n_heads;
  if (!layers) return { missing: 'it does not say num_hidden_layers' };
  if (!hiddenSize) return { missing: 'it does not say hidden_size' };
  if (!vocabularySize) return { missing: 'it does not say vocab_size' };
  if (!heads) return { missing: 'it does not say num_attention_heads' };
  const family = config.model_type ?? '';
  const experts = readExperts(config, layers, hiddenSize);
  return {
    layers,
    hiddenSize,
    vocabularySize,
    tiedEmbeddings: config.tie_word_embeddings ?? TIED_BY_DEFAULT.test(family),
    attention: readAttention(config, heads, hiddenSize),
    matricesPerFeedForward: UNGATED.test(family) ? 2 : 3,
    intermediateSize: readIntermediateSize(config, hiddenSize),
    experts,
  };
}

function readIntermediateSize(config: Config, hiddenSize: number): number {
  return (
    config.intermediate_size_mlp ??
    config.intermediate_size ??
    config.ffn_hidden_size ??
    config.ffn_dim ??
    config.n_inner ??
    4 * hiddenSize
  );
}

function readAttention(config: Config, heads: number, hiddenSize: number): AttentionShapes {
  if (config.kv_lora_rank && config.qk_rope_head_dim) {
    return {
      kind: 'latent',
      heads,
      queryRank: config.q_lora_rank ?? undefined,
      latentRank: config.kv_lora_rank,
      ropeDimension: config.qk_rope_head_dim,
      nopeDimension: config.qk_nope_head_dim ?? 128,
      valueDimension: config.v_head_dim ?? 128,
    };
  }
  const headDimension = config.head_dim ?? config.kv_channels ?? Math.ceil(hiddenSize / heads);
  return {
    kind: 'heads',
    heads,
    ...wider(
      { keyValueHeads: keyValueHeads(config, heads), headDimension },
      { keyValueHeads: config.num_global_key_value_heads, headDimension: config.global_head_dim },
    ),
    hasBias: config.attention_bias ?? config.qkv_bias ?? BIASED_BY_DEFAULT.test(config.model_type ?? ''),
  };
}

interface HeadShape {
  keyValueHeads: number;
  headDimension: number;
}

/** Gemma 4 has other heads in the layers that see everything: those that keep more count for all. */
function wider(usual: HeadShape, global: { [Key in keyof HeadShape]: number | null | undefined }): HeadShape {
  const other = {
    keyValueHeads: global.keyValueHeads ?? usual.keyValueHeads,
    headDimension: global.headDimension ?? usual.headDimension,
  };
  const width = ({ keyValueHeads, headDimension }: HeadShape) => keyValueHeads * headDimension;
  return width(other) > width(usual) ? other : usual;
}

/** Falcon says `multi_query` where others say one key-value head. */
function keyValueHeads(config: Config, heads: number): number {
  if (config.multi_query === true && config.new_decoder_architecture !== true) return 1;
  const { num_key_value_heads, num_kv_heads, multi_query_group_num, kv_n_heads } = config;
  return num_key_value_heads ?? num_kv_heads ?? multi_query_group_num ?? kv_n_heads ?? heads;
}

function readExperts(config: Config, layers: number, hiddenSize: number): ExpertShapes | undefined {
  const routed = routedExperts(config);
  if (routed === undefined || routed < 2) return undefined;
  const width =
    first(config.moe_intermediate_size) ||
    config.intermediate_size ||
    readIntermediateSize(config, hiddenSize);
  const shared = config.n_shared_experts ?? config.num_shared_experts ?? config.moe_num_shared_experts ?? 0;
  const sharedWidth = config.shared_expert_intermediate_size ?? config.shared_intermediate_size;
  return {
    layers: expertLayers(config, layers),
    routed,
    intermediateSize: width,
    sharedIntermediateSize: sharedWidth ?? (config.model_type?.startsWith('llama4') ? width : shared * width),
  };
}

function routedExperts(config: Config): number | undefined {
  return (
    config.n_routed_experts ??
    config.num_local_experts ??
    config.num_experts ??
    first(config.moe_num_experts) ??
    undefined
  );
}

function expertLayers(config: Config, layers: number): number {
  const frequency = config.moe_layer_freq;
  if (Array.isArray(frequency)) return frequency.filter((isMoe) => isMoe === 1).length;
  const dense = config.first_k_dense_replace ?? config.moe_layer_start_index ?? 0;
  const step = config.decoder_sparse_step ?? config.interleave_moe_layer_step ?? frequency ?? 1;
  const left = Math.floor((layers - dense) / step) - (config.mlp_only_layers?.length ?? 0);
  return Math.max(0, left);
}

/** What a token passes through: of mixtures the wider of one expert, the shared ones and the dense layers. */
export function widest({ layers, intermediateSize, experts }: Shapes): number {
  if (experts === undefined) return intermediateSize;
  const dense = experts.layers < layers ? intermediateSize : 0;
  return Math.max(experts.intermediateSize, experts.sharedIntermediateSize, dense);
}

function first(value: number | number[] | null | undefined): number | undefined {
  return Array.isArray(value) ? value[0] : (value ?? undefined);
}
