import { z } from 'zod';
import { readQuantization } from './checkpoint-quantization.ts';
import type { Attention, CachedLayers, ModelFacts, ParameterCount } from './model-facts.ts';
import {
  type AttentionShapes,
  countParameters,
  type ExpertShapes,
  type Shapes,
  withTotal,
} from './parameters.ts';

const size = z.number().int().positive().nullish();
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
const configSchema = z.object({
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

type Config = z.infer<typeof configSchema>;

/** Where families that see or hear keep the language model. */
const LANGUAGE_MODEL_KEYS = [
  'text_config',
  'llm_config',
  'language_config',
  'thinker_config',
  'language_model',
];

/** Families that share the output head with the embedding unless config.json says otherwise. */
const TIED_BY_DEFAULT =
  /^(gemma|gemma2|gemma3|gemma3_text|gemma3n|gemma3n_text|gemma4|gemma4_text|cohere|cohere2|gpt2|opt|bloom|falcon|mpt|gpt_bigcode|starcoder2)$/;
/** Families with biases on queries, keys and values that config.json does not mention. */
const BIASED_BY_DEFAULT =
  /^(qwen|qwen2|qwen2_moe|qwen2_vl|qwen2_5_vl|qwen2_5_vl_text|gpt2|opt|bloom|gpt_neox|gpt_oss)$/;
/** Families whose feed-forward layers have no gate. */
const UNGATED =
  /^(gpt2|gpt_neox|gptj|gpt_bigcode|opt|bloom|falcon|mpt|phi|starcoder2|nemotron|nemotron_h|persimmon)$/;
/** Families that use `sliding_window` only when `use_sliding_window` is true. */
const WINDOW_BY_FLAG = /^(qwen|qwen2|qwen2_moe|qwen3|qwen3_moe|qwen2_vl|qwen2_5_vl)/;
/** Full attention in every n-th layer, where config.json gives a window and no pattern. */
const WINDOW_PATTERNS: Readonly<Record<string, number>> = {
  gemma2: 2,
  gemma3: 6,
  gemma3_text: 6,
  cohere2: 4,
  gpt_oss: 2,
};
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

/** Families with layers that keep a state instead of a KV cache. */
const STATE_FAMILIES =
  /mamba|jamba|bamba|zamba|falcon_h1|granitemoehybrid|nemotron_h|qwen3_next|qwen3_5|lfm2|minimax|kimi_linear|plamo2|rwkv|recurrent_gemma/;
const STATE_LAYERS = /linear|mamba|ssm|recurrent|conv|rwkv/;

/**
 * Reads what memory depends on from a Hugging Face `config.json`: dense, grouped-query, mixture of experts, latent
 * attention, sliding windows, tied embeddings, quantisation, and language models inside of multimodal ones. Parameters
 * are counted from the shapes unless the file has `num_parameters`.
 *
 * @param stated fields that come before those of the file
 * @returns the facts, or what is missing
 */
export function factsFromConfig(
  name: string,
  raw: Readonly<Record<string, unknown>>,
  stated: Readonly<Record<string, unknown>> = {},
): ModelFacts | { missing: string } {
  const found = configSchema.safeParse({ ...languageModel(raw), ...stated });
  if (!found.success) return { missing: describe(found.error) };
  const config = found.data;
  const shapes = readShapes(config);
  if ('missing' in shapes) return shapes;
  const family = config.model_type ?? undefined;
  const tower = visionParameters(raw, shapes.hiddenSize);
  const quantization = readQuantization(config.quantization_config ?? config.compression_config ?? undefined);
  const counted = countParameters(shapes, tower + perLayerEmbeddings(config, shapes.layers));
  const { parameters, assumptions } = reconcile(counted, config, quantization !== undefined);
  const hasStateLayers = keepsState(config);
  return {
    name,
    source: 'config',
    family,
    layers: shapes.layers,
    hiddenSize: shapes.hiddenSize,
    intermediateSize: widest(shapes),
    attentionHeads: shapes.attention.heads,
    vocabularySize: shapes.vocabularySize,
    attention: cachedAttention(shapes.attention, config),
    cachedLayers: readCachedLayers(config, shapes.layers, hasStateLayers),
    isMixtureOfExperts: shapes.experts !== undefined,
    hasStateLayers,
    hasAttentionBias: shapes.attention.kind === 'heads' && shapes.attention.hasBias,
    hasVisionTower: tower > 0,
    parameters,
    bytesPerParameter: 2,
    quantization,
    rotaryBytes: rotaryBytes(config, shapes),
    maxContext: readMaxContext(config),
    assumptions,
  };
}

/** The language model's own fields, with the whole checkpoint's quantisation, tying and parameter count around it. */
function languageModel(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  for (const key of LANGUAGE_MODEL_KEYS) {
    const inner = raw[key];
    if (isRecord(inner)) {
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
    ...(isRecord(attn_config) ? attn_config : {}),
    ...(isRecord(ffn_config) ? ffn_config : {}),
  };
}

function readShapes(config: Config): Shapes | { missing: string } {
  const layers = config.num_hidden_layers ?? config.n_layer ?? config.n_layers ?? config.num_layers;
  const hiddenSize = config.hidden_size ?? config.n_embd ?? config.d_model;
  const vocabularySize = config.padded_vocab_size ?? config.vocab_size;
  const heads = config.num_attention_heads ?? config.n_head ?? config.n_heads;
  if (!layers) return { missing: 'num_hidden_layers' };
  if (!hiddenSize) return { missing: 'hidden_size' };
  if (!vocabularySize) return { missing: 'vocab_size' };
  if (!heads) return { missing: 'num_attention_heads' };
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

function cachedAttention(attention: AttentionShapes, config: Config): Attention {
  switch (attention.kind) {
    case 'heads':
      return {
        kind: 'heads',
        keyValueHeads: attention.keyValueHeads,
        headDimension: attention.headDimension,
      };
    case 'latent':
      return {
        kind: 'latent',
        latentDimension: attention.latentRank + attention.ropeDimension,
        // One byte a dimension and a scale of four bytes.
        indexBytes: config.index_head_dim ? config.index_head_dim + 4 : 0,
      };
  }
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
function widest({ layers, intermediateSize, experts }: Shapes): number {
  if (experts === undefined) return intermediateSize;
  const dense = experts.layers < layers ? intermediateSize : 0;
  return Math.max(experts.intermediateSize, experts.sharedIntermediateSize, dense);
}

function readCachedLayers(config: Config, layers: number, hasStateLayers: boolean): CachedLayers {
  const full: CachedLayers = { full: layers, sliding: 0, slidingWindow: 0 };
  const slidingWindow = config.sliding_window ?? config.sliding_window_size;
  // Not modelled: as if every layer kept everything, which is more than they do.
  if (!slidingWindow || hasStateLayers) return full;
  const family = config.model_type ?? '';
  if (config.layer_types?.some((type) => type.includes('sliding'))) {
    const sliding = config.layer_types.filter((type) => type.includes('sliding')).length;
    return { full: layers - sliding, sliding, slidingWindow };
  }
  if (config.layer_types && config.layer_types.length > 0) return full;
  if (WINDOW_BY_FLAG.test(family)) {
    if (config.use_sliding_window !== true) return full;
    const sliding = Math.max(0, layers - (config.max_window_layers ?? layers));
    return { full: layers - sliding, sliding, slidingWindow };
  }
  if (config.use_sliding_window === false) return full;
  const pattern = windowPattern(config);
  const fullLayers = pattern === undefined ? 0 : Math.floor(layers / pattern);
  return { full: fullLayers, sliding: layers - fullLayers, slidingWindow };
}

/** Numbers, or letters such as `LLLG`; one in so many layers sees everything. */
function windowPattern(config: Config): number | undefined {
  const pattern = config.sliding_window_pattern ?? config._sliding_window_pattern;
  if (typeof pattern === 'string') return pattern.length;
  return pattern ?? WINDOW_PATTERNS[config.model_type ?? ''];
}

function keepsState(config: Config): boolean {
  return (
    STATE_FAMILIES.test(config.model_type ?? '') ||
    (config.layer_types ?? []).some((type) => STATE_LAYERS.test(type)) ||
    config.ssm_cfg !== undefined ||
    Boolean(config.mamba_d_state ?? config.mamba_num_heads)
  );
}

/**
 * vLLM's longest context: what the positions allow, stretched by rope scaling except for kinds whose positions are
 * given stretched already.
 *
 * @see https://github.com/vllm-project/vllm/blob/main/vllm/config/model.py
 */
function readMaxContext(config: Config): number | undefined {
  // Gemma 3 states its positions stretched already.
  return config.model_type?.startsWith('gemma3') ? statedPositions(config) : stretchedPositions(config);
}

function statedPositions(config: Config): number | undefined {
  const positions = config.max_position_embeddings ?? config.n_positions ?? config.max_seq_len;
  return positions ?? config.max_sequence_length ?? config.seq_length ?? config.model_max_length ?? undefined;
}

function stretchedPositions(config: Config): number | undefined {
  const context = statedPositions(config);
  const scaling = config.rope_scaling ?? config.rope_parameters;
  if (context === undefined || !scaling) return context;
  const kind = scaling.rope_type ?? scaling.type;
  const factor = scaling.factor;
  if (typeof factor !== 'number' || typeof kind !== 'string') return context;
  if (['su', 'longrope', 'llama3', 'default', 'mrope'].includes(kind)) return context;
  const original = scaling.original_max_position_embeddings;
  const base = kind === 'yarn' && typeof original === 'number' ? original : context;
  return Math.floor(base * factor);
}

/** One row of cosines and sines a position, in 16 bits; Gemma 3 has a table more for the layers with a window. */
function rotaryBytes(config: Config, { attention }: Shapes): number {
  const dimension = attention.kind === 'heads' ? attention.headDimension : attention.ropeDimension;
  const local = config.model_type?.startsWith('gemma3') ? (statedPositions(config) ?? 0) : 0;
  return ((stretchedPositions(config) ?? 0) + local) * dimension * 2;
}

/** Gemma 3n keeps an embedding for each layer. */
function perLayerEmbeddings(config: Config, layers: number): number {
  return (config.hidden_size_per_layer_input ?? 0) * (config.vocab_size_per_layer_input ?? 0) * layers;
}

const visionSchema = z.object({
  model_type: z.string().nullish(),
  hidden_size: size,
  embed_dim: size,
  intermediate_size: size,
  mlp_ratio: z.number().positive().nullish(),
  depth: size,
  num_hidden_layers: size,
  num_layers: size,
  patch_size: z.union([z.number(), z.array(z.number())]).nullish(),
});

/** Vision towers whose feed-forward layers have a gate. */
const GATED_TOWERS = /qwen2_5|pixtral/;
/** Neighbouring patches that the projector joins: 2 × 2. */
const JOINED_PATCHES = 4;

/** Parameters of a tower for pictures with its projector, counted from its shapes; 0 without one. */
function visionParameters(raw: Readonly<Record<string, unknown>>, textHidden: number): number {
  const found = visionSchema.safeParse(raw.vision_config);
  if (!found.success || !isRecord(raw.vision_config)) return 0;
  const vision = found.data;
  // Qwen2-VL calls the tower's own width `embed_dim`, and the language model's `hidden_size`.
  const width = vision.embed_dim ?? vision.hidden_size ?? 0;
  const layers = vision.depth ?? vision.num_hidden_layers ?? vision.num_layers ?? 0;
  const inner = vision.intermediate_size ?? (vision.mlp_ratio ?? 4) * width;
  const gates = GATED_TOWERS.test(`${vision.model_type ?? ''} ${String(raw.model_type ?? '')}`) ? 3 : 2;
  const patch = typeof vision.patch_size === 'number' ? vision.patch_size : 14;
  const joined = JOINED_PATCHES * width;
  const tower = layers * (4 * width ** 2 + gates * width * inner) + 3 * patch ** 2 * width;
  return Math.round(tower + joined ** 2 + joined * textHidden);
}

/** A count in the file that the shapes make impossible is left aside. */
function reconcile(
  counted: ParameterCount,
  config: Config,
  isQuantized: boolean,
): { parameters: ParameterCount; assumptions: string[] } {
  const stated = config.num_parameters;
  if (!stated) return { parameters: counted, assumptions: [] };
  const least = isQuantized ? 0.8 : 0.5;
  if (stated >= least * counted.total) return { parameters: withTotal(counted, stated), assumptions: [] };
  const why = isQuantized ? 'packed weights are counted several at a time there' : 'the shapes make far more';
  return {
    parameters: counted,
    assumptions: [`num_parameters ${stated} is left aside: ${why}; ${counted.total} are counted`],
  };
}

function describe(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.')} (${message})`).join(', ');
}

function first(value: number | number[] | null | undefined): number | undefined {
  return Array.isArray(value) ? value[0] : (value ?? undefined);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutUndefined(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
