import { describe, expect, test } from '@jest/globals';
import { factsFromConfig } from '../../../../src/gpu/model/hugging-face-config.ts';
import type { ModelFacts } from '../../../../src/gpu/model/model-facts.ts';

type Config = Readonly<Record<string, unknown>>;

function factsOf(config: Config): ModelFacts {
  const facts = factsFromConfig('a model', config);
  if ('missing' in facts) throw new Error(`missing ${facts.missing}`);
  return facts;
}

const LLAMA_8B: Config = {
  model_type: 'llama',
  num_hidden_layers: 32,
  hidden_size: 4096,
  intermediate_size: 14336,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128256,
  max_position_embeddings: 131072,
};
const QWEN2_5_7B: Config = {
  model_type: 'qwen2',
  num_hidden_layers: 28,
  hidden_size: 3584,
  intermediate_size: 18944,
  num_attention_heads: 28,
  num_key_value_heads: 4,
  vocab_size: 152064,
  sliding_window: 131072,
  use_sliding_window: false,
  max_window_layers: 28,
};
const QWEN3_30B_A3B: Config = {
  model_type: 'qwen3_moe',
  num_hidden_layers: 48,
  hidden_size: 2048,
  intermediate_size: 6144,
  moe_intermediate_size: 768,
  num_experts: 128,
  num_attention_heads: 32,
  num_key_value_heads: 4,
  head_dim: 128,
  vocab_size: 151936,
  decoder_sparse_step: 1,
  mlp_only_layers: [],
};
const QWEN1_5_MOE: Config = {
  model_type: 'qwen2_moe',
  num_hidden_layers: 24,
  hidden_size: 2048,
  intermediate_size: 5632,
  moe_intermediate_size: 1408,
  shared_expert_intermediate_size: 5632,
  num_experts: 60,
  num_attention_heads: 16,
  num_key_value_heads: 16,
  vocab_size: 151936,
};
const MIXTRAL_8X7B: Config = {
  model_type: 'mixtral',
  num_hidden_layers: 32,
  hidden_size: 4096,
  intermediate_size: 14336,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  num_local_experts: 8,
  vocab_size: 32000,
  sliding_window: null,
};
const DEEPSEEK_V2_LITE: Config = {
  model_type: 'deepseek_v2',
  num_hidden_layers: 27,
  hidden_size: 2048,
  intermediate_size: 10944,
  moe_intermediate_size: 1408,
  n_routed_experts: 64,
  n_shared_experts: 2,
  first_k_dense_replace: 1,
  moe_layer_freq: 1,
  num_attention_heads: 16,
  num_key_value_heads: 16,
  q_lora_rank: null,
  kv_lora_rank: 512,
  qk_rope_head_dim: 64,
  qk_nope_head_dim: 128,
  v_head_dim: 128,
  vocab_size: 102400,
};
const DEEPSEEK_V3: Config = {
  model_type: 'deepseek_v3',
  num_hidden_layers: 61,
  hidden_size: 7168,
  intermediate_size: 18432,
  moe_intermediate_size: 2048,
  n_routed_experts: 256,
  n_shared_experts: 1,
  first_k_dense_replace: 3,
  moe_layer_freq: 1,
  num_attention_heads: 128,
  num_key_value_heads: 128,
  q_lora_rank: 1536,
  kv_lora_rank: 512,
  qk_rope_head_dim: 64,
  qk_nope_head_dim: 128,
  v_head_dim: 128,
  vocab_size: 129280,
  quantization_config: { quant_method: 'fp8', weight_block_size: [128, 128] },
};
const GEMMA_3_1B: Config = {
  model_type: 'gemma3_text',
  num_hidden_layers: 26,
  hidden_size: 1152,
  intermediate_size: 6912,
  num_attention_heads: 4,
  num_key_value_heads: 1,
  head_dim: 256,
  vocab_size: 262144,
  sliding_window: 512,
  sliding_window_pattern: 6,
};
const GPT_OSS_20B: Config = {
  model_type: 'gpt_oss',
  num_hidden_layers: 24,
  hidden_size: 2880,
  intermediate_size: 2880,
  num_attention_heads: 64,
  num_key_value_heads: 8,
  head_dim: 64,
  num_local_experts: 32,
  vocab_size: 201088,
  tie_word_embeddings: false,
  sliding_window: 128,
  layer_types: Array.from({ length: 24 }, (_, index) =>
    index % 2 === 0 ? 'sliding_attention' : 'full_attention',
  ),
  quantization_config: { quant_method: 'mxfp4', modules_to_not_convert: ['model.layers.*.self_attn'] },
};
const FALCON_7B: Config = {
  model_type: 'falcon',
  num_hidden_layers: 32,
  hidden_size: 4544,
  num_attention_heads: 71,
  multi_query: true,
  new_decoder_architecture: false,
  vocab_size: 65024,
};
const shape = (
  family: string,
  [layers, hidden, intermediate, heads, keyValueHeads]: readonly [number, number, number, number, number],
  vocab_size: number,
  more: Config = {},
): Config => ({
  model_type: family,
  num_hidden_layers: layers,
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_attention_heads: heads,
  num_key_value_heads: keyValueHeads,
  vocab_size,
  ...more,
});
const QWEN3_235B = shape('qwen3_moe', [94, 4096, 12288, 64, 4], 151936, {
  head_dim: 128,
  moe_intermediate_size: 1536,
  num_experts: 128,
});
const GLM_4_5_AIR = shape('glm4_moe', [46, 4096, 10944, 96, 8], 151552, {
  head_dim: 128,
  moe_intermediate_size: 1408,
  n_routed_experts: 128,
  n_shared_experts: 1,
  first_k_dense_replace: 1,
  attention_bias: true,
});
const ERNIE_21B = shape('ernie4_5_moe', [28, 2560, 12288, 20, 4], 103424, {
  moe_intermediate_size: 1536,
  moe_num_experts: 64,
  moe_num_shared_experts: 2,
  moe_layer_start_index: 1,
  head_dim: 128,
  tie_word_embeddings: true,
});
const LLAMA_4_SCOUT: Config = {
  model_type: 'llama4',
  text_config: shape('llama4_text', [48, 5120, 8192, 40, 8], 202048, {
    head_dim: 128,
    intermediate_size_mlp: 16384,
    num_local_experts: 16,
    interleave_moe_layer_step: 1,
  }),
};
const CHATGLM3_6B: Config = {
  model_type: 'chatglm',
  num_layers: 28,
  hidden_size: 4096,
  ffn_hidden_size: 13696,
  num_attention_heads: 32,
  multi_query_group_num: 2,
  multi_query_attention: true,
  kv_channels: 128,
  padded_vocab_size: 65024,
};
const DBRX: Config = {
  model_type: 'dbrx',
  d_model: 6144,
  n_heads: 48,
  n_layers: 40,
  max_seq_len: 32768,
  vocab_size: 100352,
  attn_config: { kv_n_heads: 8 },
  ffn_config: { ffn_hidden_size: 10752, moe_num_experts: 16, moe_top_k: 4 },
};
const QWEN2_5_VL_7B: Config = {
  model_type: 'qwen2_5_vl',
  ...QWEN2_5_7B,
  vision_config: {
    model_type: 'qwen2_5_vl',
    depth: 32,
    hidden_size: 1280,
    intermediate_size: 3420,
    patch_size: 14,
    out_hidden_size: 3584,
  },
};

describe('parameters counted from the shapes', () => {
  test.each([
    ['Llama-3.1-8B', LLAMA_8B, 8.0303],
    ['Qwen2.5-7B, with biases', QWEN2_5_7B, 7.6156],
    ['Mixtral-8x7B', MIXTRAL_8X7B, 46.703],
    ['Qwen3-30B-A3B', QWEN3_30B_A3B, 30.532],
    ['Qwen1.5-MoE-A2.7B, with a shared expert', QWEN1_5_MOE, 14.316],
    ['DeepSeek-V2-Lite, with shared experts and one dense layer', DEEPSEEK_V2_LITE, 15.706],
    ['DeepSeek-V3', DEEPSEEK_V3, 671.03],
    ['gemma-3-1b, tied', GEMMA_3_1B, 0.9999],
    ['gpt-oss-20b', GPT_OSS_20B, 20.915],
    ['Falcon-7B, one key-value head and no gate', FALCON_7B, 6.92],
    ['Qwen2.5-VL-7B, with its tower', QWEN2_5_VL_7B, 8.29],
    ['Qwen3-235B-A22B', QWEN3_235B, 235.09],
    ['GLM-4.5-Air, without its layer for speculation', GLM_4_5_AIR, 106.85],
    ['ERNIE-4.5-21B-A3B', ERNIE_21B, 21.83],
    ['Llama-4-Scout, the language model', LLAMA_4_SCOUT, 107.77],
    ['ChatGLM3-6B, in its own words', CHATGLM3_6B, 6.244],
    ['DBRX, in its own words', DBRX, 131.6],
    ['Phi-3.5-MoE', shape('phimoe', [32, 4096, 6400, 32, 8], 32064, { num_local_experts: 16 }), 41.87],
    ['OLMoE-1B-7B', shape('olmoe', [16, 2048, 1024, 16, 16], 50304, { num_experts: 64 }), 6.92],
    ['StarCoder2-7B, no gate', shape('starcoder2', [32, 4608, 18432, 36, 4], 49152), 7.17],
    ['Command-R', shape('cohere', [40, 8192, 22528, 64, 64], 256000), 34.98],
    ['InternLM2-7B', shape('internlm2', [32, 4096, 14336, 32, 8], 92544), 7.74],
  ])('%s: within 0.5 %% of the published count', (_, config, billions) => {
    const { parameters } = factsOf(config);
    expect(Math.abs(parameters.total / 1e9 / billions - 1)).toBeLessThan(0.005);
  });

  test('num_parameters comes first', () => {
    expect(factsOf({ ...LLAMA_8B, num_parameters: 8_500_000_000 }).parameters.total).toBe(8_500_000_000);
  });

  test('num_parameters of a packed checkpoint, which counts eight weights as one, is left aside and said', () => {
    const packed = { quant_method: 'awq', bits: 4, group_size: 128 };
    const facts = factsOf({ ...LLAMA_8B, num_parameters: 1_980_000_000, quantization_config: packed });
    expect(facts.parameters.total).toBeGreaterThan(8e9);
    expect(facts.assumptions.join()).toContain('1980000000 is left aside');
  });
});

describe('attention', () => {
  test('without key-value heads every head has its own', () => {
    const { num_key_value_heads: _, ...withoutGroups } = LLAMA_8B;
    expect(factsOf(withoutGroups).attention).toEqual({
      kind: 'heads',
      keyValueHeads: 32,
      headDimension: 128,
    });
  });

  test('a stated head size need not be hidden size ÷ heads', () => {
    expect(factsOf(QWEN3_30B_A3B).attention).toMatchObject({ headDimension: 128 });
    expect(factsOf(GEMMA_3_1B).attention).toMatchObject({ keyValueHeads: 1, headDimension: 256 });
  });

  test('of two kinds of heads those that keep more count', () => {
    const heads = { num_key_value_heads: 16, head_dim: 256 };
    const gemma4 = { ...GEMMA_3_1B, ...heads, num_global_key_value_heads: 4, global_head_dim: 512 };
    expect(factsOf(gemma4).attention).toMatchObject({ keyValueHeads: 16, headDimension: 256 });
  });

  test('latent attention keeps one vector for all heads', () => {
    expect(factsOf(DEEPSEEK_V3).attention).toEqual({ kind: 'latent', latentDimension: 576, indexBytes: 0 });
  });

  test('sparse latent attention keeps an index key too', () => {
    expect(factsOf({ ...DEEPSEEK_V3, index_head_dim: 128 }).attention).toMatchObject({ indexBytes: 132 });
  });
});

describe('sliding windows', () => {
  test.each([
    ['Qwen2.5 names a window and does not use it', QWEN2_5_7B, { full: 28, sliding: 0 }],
    ['Gemma 3: every sixth layer sees everything', GEMMA_3_1B, { full: 4, sliding: 22, slidingWindow: 512 }],
    ['gpt-oss: every second one, by layer_types', GPT_OSS_20B, { full: 12, sliding: 12, slidingWindow: 128 }],
    [
      'Mistral 7B v0.1: all of them',
      { ...LLAMA_8B, model_type: 'mistral', sliding_window: 4096 },
      { full: 0, sliding: 32, slidingWindow: 4096 },
    ],
    [
      'more types than layers',
      { ...LLAMA_8B, sliding_window: 512, layer_types: Array(48).fill('sliding_attention') },
      { full: 0, sliding: 32, slidingWindow: 512 },
    ],
    [
      'a pattern without a letter',
      { ...LLAMA_8B, sliding_window: 512, sliding_window_pattern: '' },
      { full: 0, sliding: 32, slidingWindow: 512 },
    ],
    [
      'a family that is called as nothing should be',
      { ...LLAMA_8B, model_type: 'constructor', sliding_window: 512 },
      { full: 0, sliding: 32, slidingWindow: 512 },
    ],
    [
      'Mistral 7B v0.3: null',
      { ...LLAMA_8B, model_type: 'mistral', sliding_window: null },
      { full: 32, sliding: 0 },
    ],
  ])('%s', (_, config, cachedLayers) => {
    expect(factsOf(config).cachedLayers).toMatchObject(cachedLayers);
  });
});

describe('tied embeddings', () => {
  test.each([
    ['as stated', { ...LLAMA_8B, tie_word_embeddings: true }, 0],
    ['Llama: not, where nothing is said', LLAMA_8B, 128256 * 4096],
    ['Gemma: tied, where nothing is said', GEMMA_3_1B, 0],
  ])('%s', (_, config, outputHead) => {
    expect(factsOf(config).parameters.outputHead).toBe(outputHead);
  });
});

describe('language models inside of multimodal ones', () => {
  test('the shapes are those of text_config, with what transformers leaves out', () => {
    const facts = factsOf({
      model_type: 'gemma3',
      text_config: {
        model_type: 'gemma3_text',
        hidden_size: 2560,
        intermediate_size: 10240,
        num_hidden_layers: 34,
        sliding_window: 1024,
      },
      vision_config: { hidden_size: 1152, intermediate_size: 4304, num_hidden_layers: 27, patch_size: 14 },
    });
    expect(facts).toMatchObject({
      layers: 34,
      attentionHeads: 8,
      vocabularySize: 262_208,
      hasVisionTower: true,
      attention: { keyValueHeads: 4, headDimension: 256 },
      cachedLayers: { full: 5, sliding: 29 },
    });
    expect(facts.parameters.total / 1e9).toBeCloseTo(4.3, 1);
  });

  test('the quantisation is that of the whole checkpoint', () => {
    const quantization_config = { quant_method: 'awq', bits: 4, group_size: 128 };
    const facts = factsOf({ model_type: 'llava', text_config: LLAMA_8B, quantization_config });
    expect(facts.quantization).toMatchObject({ method: 'awq' });
  });
});

describe('quantisation of the checkpoint', () => {
  const bytesOf = (quantization_config: unknown) =>
    factsOf({ ...LLAMA_8B, quantization_config }).quantization?.bytesPerWeight;
  const compressed = (weights: unknown, format = 'pack-quantized') => ({
    quant_method: 'compressed-tensors',
    format,
    config_groups: { group_0: { weights } },
    ignore: ['lm_head'],
  });

  test.each([
    ['AWQ in groups of 128', { quant_method: 'awq', bits: 4, group_size: 128 }, 0.5195],
    ['GPTQ in groups of 32', { quant_method: 'gptq', bits: 4, group_size: 32 }, 0.578],
    ['GPTQ with 8 bits', { quant_method: 'gptq', bits: 8, group_size: 128 }, 1.0195],
    ['fp8 in blocks', { quant_method: 'fp8', weight_block_size: [128, 128] }, 1],
    ['bitsandbytes, 4 bits', { quant_method: 'bitsandbytes', load_in_4bit: true }, 0.53],
    ['bitsandbytes, 8 bits', { quant_method: 'bitsandbytes', load_in_8bit: true }, 1],
    ['w8a8', compressed({ num_bits: 8, strategy: 'channel' }, 'int-quantized'), 1],
    ['w4a16', compressed({ num_bits: 4, strategy: 'group', group_size: 128 }), 0.5195],
    [
      'nvfp4',
      compressed({ num_bits: 4, strategy: 'tensor_group', group_size: 16 }, 'nvfp4-pack-quantized'),
      0.5625,
    ],
    ['modelopt fp8', { quant_method: 'modelopt', quant_algo: 'FP8' }, 1],
  ])('%s', (_, config, bytes) => {
    expect(bytesOf(config)).toBeCloseTo(bytes, 3);
  });

  test('mxfp4 packs the experts only', () => {
    expect(factsOf(GPT_OSS_20B).quantization).toMatchObject({ packs: 'experts', bytesPerWeight: 0.53125 });
  });

  test.each([
    ['no bits', { quant_method: 'awq', bits: 0, group_size: 128 }],
    ['fewer than none', { quant_method: 'gptq', bits: -8, group_size: 128 }],
    ['a group of less than one', { quant_method: 'awq', bits: 4, group_size: 0.001 }],
    ['groups with no bits', compressed({ num_bits: -4, strategy: 'channel' })],
  ])('%s: unreadable, so unpacked', (_, config) => {
    expect(factsOf({ ...LLAMA_8B, quantization_config: config }).quantization).toMatchObject({
      isUnknown: true,
      bytesPerWeight: 2,
    });
  });

  test('a kind that nobody knows counts as unpacked', () => {
    expect(factsOf({ ...LLAMA_8B, quantization_config: { quant_method: 'new' } }).quantization).toMatchObject(
      {
        isUnknown: true,
        bytesPerWeight: 2,
      },
    );
  });
});

describe('longest context', () => {
  const contextOf = (more: Config) =>
    factsOf({ ...LLAMA_8B, max_position_embeddings: 32768, ...more }).maxContext;

  test.each([
    ['the positions', {}, 32768],
    [
      'stretched by YaRN',
      { rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32768 } },
      131072,
    ],
    ['stretched linearly', { rope_scaling: { type: 'linear', factor: 2 } }, 65536],
    ['stretched to nothing', { rope_scaling: { rope_type: 'linear', factor: 0 } }, 32768],
    ['stretched backwards', { rope_scaling: { rope_type: 'yarn', factor: -4 } }, 32768],
    [
      'stretched from nothing',
      { rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 0 } },
      32768,
    ],
    ['Llama 3 says it stretched already', { rope_scaling: { rope_type: 'llama3', factor: 8 } }, 32768],
  ])('%s', (_, config, context) => {
    expect(contextOf(config)).toBe(context);
  });
});

describe('what a family has none of', () => {
  test.each([
    ['experts', { num_local_experts: 0, shared_intermediate_size: 14_336 }],
    ['experts, in other words', { num_experts: 0, moe_intermediate_size: 0 }],
    ['a window', { sliding_window: 0 }],
    ['latent attention', { kv_lora_rank: 0, q_lora_rank: 0, qk_rope_head_dim: 0, v_head_dim: 0 }],
    ['a head size of its own', { head_dim: 0 }],
    ['positions of the heads that see everything', { global_head_dim: 0, num_global_key_value_heads: 0 }],
  ])('%s: 0 is as good as nothing', (_, config) => {
    expect(factsOf({ ...LLAMA_8B, ...config })).toEqual(factsOf(LLAMA_8B));
  });
});

test('of widths that differ by layer the widest counts', () => {
  const intermediate_size = [...Array(31).fill(8192), 14_336];
  expect(factsOf({ ...LLAMA_8B, intermediate_size })).toEqual(factsOf(LLAMA_8B));
});

describe('what cannot be used', () => {
  test.each([
    ['num_hidden_layers', { hidden_size: 1, vocab_size: 1, num_attention_heads: 1 }],
    ['vocab_size', { num_hidden_layers: 1, hidden_size: 1, num_attention_heads: 1 }],
    ['hidden_size', { ...LLAMA_8B, hidden_size: 'wide' }],
  ])('says that %s is missing or wrong', (field, config) => {
    expect(factsFromConfig('a model', config)).toEqual({ missing: expect.stringContaining(field) });
  });

  test('layers that keep a state are marked, and counted as if they kept a KV cache', () => {
    const layer_types = Array.from({ length: 32 }, (_, index) =>
      index % 4 === 3 ? 'full_attention' : 'linear_attention',
    );
    expect(factsOf({ ...LLAMA_8B, layer_types })).toMatchObject({
      hasStateLayers: true,
      cachedLayers: { full: 32, sliding: 0 },
    });
  });
});
