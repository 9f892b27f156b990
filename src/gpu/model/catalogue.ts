/** A model of the catalogue: the fields of its config.json that memory depends on, and its published size. */
export interface CatalogueEntry {
  name: string;
  /** Hub ids with these weights' shapes, without the endings that say how they are packed or tuned. */
  hubIds: readonly string[];
  /** Other names of the same architecture, in lower case and without organisation. */
  aliases: readonly string[];
  config: Readonly<Record<string, unknown>>;
}

/** The tower for pictures of Gemma 3. */
const SIGLIP = { hidden_size: 1152, intermediate_size: 4304, num_hidden_layers: 27, patch_size: 14 };

/**
 * Architectures of models that classes use, from their config.json on the Hugging Face hub and the parameter counts
 * of their model cards. Fine-tunes share the entry of their base model as aliases.
 *
 * @see https://huggingface.co/models?library=safetensors
 */
export const CATALOGUE: readonly CatalogueEntry[] = [
  qwen2(
    'qwen2.5-0.5b',
    [24, 896, 4864, 14, 2, 64],
    151936,
    true,
    0.494,
    ['Qwen/Qwen2.5-0.5B-Instruct'],
    ['qwen2.5-coder-0.5b', 'qwen2-0.5b'],
  ),
  qwen2(
    'qwen2.5-1.5b',
    [28, 1536, 8960, 12, 2, 128],
    151936,
    true,
    1.5437,
    ['Qwen/Qwen2.5-1.5B-Instruct'],
    ['qwen2.5-coder-1.5b', 'qwen2-1.5b'],
  ),
  distill('deepseek-r1-distill-qwen-1.5b', [28, 1536, 8960, 12, 2, 128], 151936, 1.777),
  distill('deepseek-r1-distill-qwen-7b', [28, 3584, 18944, 28, 4, 128], 152064, 7.6156),
  distill('deepseek-r1-distill-qwen-14b', [48, 5120, 13824, 40, 8, 128], 152064, 14.77),
  distill('deepseek-r1-distill-qwen-32b', [64, 5120, 27648, 40, 8, 128], 152064, 32.7639),
  qwen2(
    'qwen2.5-3b',
    [36, 2048, 11008, 16, 2, 128],
    151936,
    true,
    3.0859,
    ['Qwen/Qwen2.5-3B-Instruct'],
    ['qwen2.5-coder-3b'],
  ),
  qwen2(
    'qwen2.5-7b',
    [28, 3584, 18944, 28, 4, 128],
    152064,
    false,
    7.6156,
    ['Qwen/Qwen2.5-7B-Instruct'],
    ['qwen2.5-coder-7b', 'qwen2-7b'],
  ),
  qwen2(
    'qwen2.5-14b',
    [48, 5120, 13824, 40, 8, 128],
    152064,
    false,
    14.77,
    ['Qwen/Qwen2.5-14B-Instruct'],
    ['qwen2.5-coder-14b'],
  ),
  qwen2(
    'qwen2.5-32b',
    [64, 5120, 27648, 40, 8, 128],
    152064,
    false,
    32.7639,
    ['Qwen/Qwen2.5-32B-Instruct'],
    ['qwen2.5-coder-32b'],
  ),
  qwen2(
    'qwen2.5-72b',
    [80, 8192, 29568, 64, 8, 128],
    152064,
    false,
    72.7062,
    ['Qwen/Qwen2.5-72B-Instruct'],
    ['kimi-dev-72b', 'qwen2-72b'],
  ),
  qwen3('qwen3-0.6b', [28, 1024, 3072, 16, 8, 128], true, 0.596, 'Qwen/Qwen3-0.6B'),
  qwen3('qwen3-1.7b', [28, 2048, 6144, 16, 8, 128], true, 1.7206, 'Qwen/Qwen3-1.7B'),
  qwen3('qwen3-4b', [36, 2560, 9728, 32, 8, 128], true, 4.0225, 'Qwen/Qwen3-4B'),
  qwen3('qwen3-8b', [36, 4096, 12288, 32, 8, 128], false, 8.1907, 'Qwen/Qwen3-8B', [
    'deepseek-r1-0528-qwen3-8b',
  ]),
  qwen3('qwen3-14b', [40, 5120, 17408, 40, 8, 128], false, 14.7683, 'Qwen/Qwen3-14B'),
  qwen3('qwen3-32b', [64, 5120, 25600, 64, 8, 128], false, 32.7621, 'Qwen/Qwen3-32B'),
  entry(
    'qwen3-4b-2507',
    ['Qwen/Qwen3-4B-Instruct-2507', 'Qwen/Qwen3-4B-Thinking-2507'],
    [],
    dense('qwen3', [36, 2560, 9728, 32, 8, 128], 151936, true, 4.0225, 262144),
  ),
  entry('qwen3-30b-a3b', ['Qwen/Qwen3-30B-A3B'], [], qwen3Moe(40960)),
  entry(
    'qwen3-30b-a3b-2507',
    [
      'Qwen/Qwen3-30B-A3B-Instruct-2507',
      'Qwen/Qwen3-30B-A3B-Thinking-2507',
      'Qwen/Qwen3-Coder-30B-A3B-Instruct',
    ],
    ['qwen3-coder-30b-a3b'],
    qwen3Moe(262144),
  ),
  entry(
    'llama-3.1-8b',
    ['meta-llama/Llama-3.1-8B-Instruct'],
    ['meta-llama-3.1-8b', 'deepseek-r1-distill-llama-8b'],
    dense('llama', [32, 4096, 14336, 32, 8, 128], 128256, false, 8.0303, 131072),
  ),
  entry(
    'llama-3-8b',
    ['meta-llama/Meta-Llama-3-8B-Instruct'],
    [],
    dense('llama', [32, 4096, 14336, 32, 8, 128], 128256, false, 8.0303, 8192),
  ),
  entry(
    'llama-3.x-70b',
    ['meta-llama/Llama-3.3-70B-Instruct', 'meta-llama/Llama-3.1-70B-Instruct'],
    ['llama-3.1-70b', 'meta-llama-3.1-70b', 'llama-3.3-70b', 'deepseek-r1-distill-llama-70b'],
    dense('llama', [80, 8192, 28672, 64, 8, 128], 128256, false, 70.5537, 131072),
  ),
  entry(
    'llama-3.2-1b',
    ['meta-llama/Llama-3.2-1B-Instruct'],
    [],
    dense('llama', [16, 2048, 8192, 32, 8, 64], 128256, true, 1.2358, 131072),
  ),
  entry(
    'llama-3.2-3b',
    ['meta-llama/Llama-3.2-3B-Instruct'],
    [],
    dense('llama', [28, 3072, 8192, 24, 8, 128], 128256, true, 3.2127, 131072),
  ),
  entry(
    'mistral-7b-v0.3',
    ['mistralai/Mistral-7B-Instruct-v0.3'],
    ['mistral-7b-v0.2'],
    dense('mistral', [32, 4096, 14336, 32, 8, 128], 32768, false, 7.248, 32768),
  ),
  entry(
    'mistral-small-3.1-24b',
    ['mistralai/Mistral-Small-3.1-24B-Instruct-2503', 'mistralai/Mistral-Small-3.2-24B-Instruct-2506'],
    ['mistral-small-3.2-24b'],
    {
      ...dense('mistral', [40, 5120, 32768, 32, 8, 128], 131072, false, 24.0, 131072),
      vision_config: {
        model_type: 'pixtral',
        hidden_size: 1024,
        num_hidden_layers: 24,
        intermediate_size: 4096,
        patch_size: 14,
      },
    },
  ),
  entry('mixtral-8x7b', ['mistralai/Mixtral-8x7B-Instruct-v0.1'], ['mixtral-8x7b-v0.1'], {
    ...dense('mixtral', [32, 4096, 14336, 32, 8, 128], 32000, false, 46.7, 32768),
    num_local_experts: 8,
  }),
  entry(
    'phi-4',
    ['microsoft/phi-4'],
    [],
    dense('phi3', [40, 5120, 17920, 40, 10, 128], 100352, false, 14.66, 16384),
  ),
  entry(
    'codellama-7b',
    ['codellama/CodeLlama-7b-Instruct-hf'],
    [],
    dense('llama', [32, 4096, 11008, 32, 32, 128], 32016, false, 6.74, 16384),
  ),
  granite('granite-3.1-8b', [40, 4096, 12800, 32, 8, 128], 8.17, 'ibm-granite/granite-3.1-8b-instruct'),
  granite('granite-3.1-2b', [40, 2048, 8192, 32, 8, 64], 2.53, 'ibm-granite/granite-3.1-2b-instruct'),
  granite('granite-3.3-8b', [40, 4096, 12800, 32, 8, 128], 8.17, 'ibm-granite/granite-3.3-8b-instruct'),
  granite('granite-3.3-2b', [40, 2048, 8192, 32, 8, 64], 2.53, 'ibm-granite/granite-3.3-2b-instruct'),
  entry(
    'llama-2-7b',
    ['meta-llama/Llama-2-7b-chat-hf'],
    [],
    dense('llama', [32, 4096, 11008, 32, 32, 128], 32000, false, 6.7384, 4096),
  ),
  entry(
    'llama-2-13b',
    ['meta-llama/Llama-2-13b-chat-hf'],
    [],
    dense('llama', [40, 5120, 13824, 40, 40, 128], 32000, false, 13.0159, 4096),
  ),
  entry(
    'tinyllama-1.1b',
    ['TinyLlama/TinyLlama-1.1B-Chat-v1.0'],
    [],
    dense('llama', [22, 2048, 5632, 32, 4, 64], 32000, false, 1.1, 2048),
  ),
  entry(
    'smollm2-1.7b',
    ['HuggingFaceTB/SmolLM2-1.7B-Instruct'],
    [],
    dense('llama', [24, 2048, 8192, 32, 32, 64], 49152, true, 1.7114, 8192),
  ),
  entry(
    'mistral-nemo-12b',
    ['mistralai/Mistral-Nemo-Instruct-2407'],
    [],
    dense('mistral', [40, 5120, 14336, 32, 8, 128], 131072, false, 12.2478, 131072),
  ),
  entry(
    'phi-3.5-mini',
    ['microsoft/Phi-3.5-mini-instruct', 'microsoft/Phi-3-mini-128k-instruct'],
    [],
    dense('phi3', [32, 3072, 8192, 32, 32, 96], 32064, false, 3.8211, 131072),
  ),
  entry(
    'phi-4-mini',
    ['microsoft/Phi-4-mini-instruct'],
    [],
    dense('phi3', [32, 3072, 8192, 24, 8, 128], 200064, true, 3.836, 131072),
  ),
  gemma1('gemma-2b', [18, 2048, 16384, 8, 1, 256], 2.5062, 'google/gemma-2b-it'),
  gemma1('gemma-7b', [28, 3072, 24576, 16, 16, 256], 8.5377, 'google/gemma-7b-it'),
  gemma2('gemma-2-2b', [26, 2304, 9216, 8, 4, 256], 2.6143, 'google/gemma-2-2b-it'),
  gemma2('gemma-2-9b', [42, 3584, 14336, 16, 8, 256], 9.2417, 'google/gemma-2-9b-it'),
  gemma2('gemma-2-27b', [46, 4608, 36864, 32, 16, 128], 27.2271, 'google/gemma-2-27b-it'),
  entry('deepseek-v2-lite', ['deepseek-ai/DeepSeek-V2-Lite-Chat'], ['deepseek-coder-v2-lite'], {
    ...dense('deepseek_v2', [27, 2048, 10944, 16, 16, 128], 102400, false, 15.7065, 163840),
    moe_intermediate_size: 1408,
    n_routed_experts: 64,
    n_shared_experts: 2,
    first_k_dense_replace: 1,
    kv_lora_rank: 512,
    qk_rope_head_dim: 64,
    qk_nope_head_dim: 128,
    v_head_dim: 128,
  }),
  gemma3('gemma-3-1b', [26, 1152, 6912, 4, 1, 256], 262144, 512, 32768, 'google/gemma-3-1b-it'),
  gemma3('gemma-3-4b', [34, 2560, 10240, 8, 4, 256], 262208, 1024, 131072, 'google/gemma-3-4b-it', true),
  gemma3('gemma-3-12b', [48, 3840, 15360, 16, 8, 256], 262208, 1024, 131072, 'google/gemma-3-12b-it', true),
  gemma3('gemma-3-27b', [62, 5376, 21504, 32, 16, 128], 262208, 1024, 131072, 'google/gemma-3-27b-it', true),
  entry('gpt-oss-20b', ['openai/gpt-oss-20b'], [], {
    ...dense('gpt_oss', [24, 2880, 2880, 64, 8, 64], 201088, false, 20.9, 131072),
    num_local_experts: 32,
    sliding_window: 128,
    quantization_config: { quant_method: 'mxfp4' },
  }),
  entry('gpt-oss-120b', ['openai/gpt-oss-120b'], [], {
    ...dense('gpt_oss', [36, 2880, 2880, 64, 8, 64], 201088, false, 116.8, 131072),
    num_local_experts: 128,
    sliding_window: 128,
    quantization_config: { quant_method: 'mxfp4' },
  }),
];

/** layers, hidden, intermediate, query heads, key-value heads, head dimension */
type ShapeRow = readonly [number, number, number, number, number, number];

function dense(
  family: string,
  [layers, hidden, intermediate, heads, keyValueHeads, headDimension]: ShapeRow,
  vocabulary: number,
  tied: boolean,
  billions: number | undefined,
  context: number,
): Record<string, unknown> {
  return {
    model_type: family,
    num_hidden_layers: layers,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: headDimension,
    vocab_size: vocabulary,
    tie_word_embeddings: tied,
    max_position_embeddings: context,
    ...(billions === undefined ? {} : { num_parameters: Math.round(billions * 1e9) }),
  };
}

function entry(
  name: string,
  hubIds: readonly string[],
  aliases: readonly string[],
  config: Readonly<Record<string, unknown>>,
): CatalogueEntry {
  return { name, hubIds, aliases, config };
}

function qwen2(
  name: string,
  shape: ShapeRow,
  vocabulary: number,
  tied: boolean,
  billions: number,
  hubIds: readonly string[],
  aliases: readonly string[] = [],
): CatalogueEntry {
  return entry(name, hubIds, aliases, dense('qwen2', shape, vocabulary, tied, billions, 32768));
}

/** Qwen2.5 architectures with a longer context and an output head of their own. */
function distill(name: string, shape: ShapeRow, vocabulary: number, billions: number): CatalogueEntry {
  return entry(name, [], [], dense('qwen2', shape, vocabulary, false, billions, 131072));
}

function qwen3Moe(context: number): Record<string, unknown> {
  return {
    ...dense('qwen3_moe', [48, 2048, 6144, 32, 4, 128], 151936, false, 30.5321, context),
    num_experts: 128,
    moe_intermediate_size: 768,
    decoder_sparse_step: 1,
  };
}

function qwen3(
  name: string,
  shape: ShapeRow,
  tied: boolean,
  billions: number,
  hubId: string,
  aliases: readonly string[] = [],
): CatalogueEntry {
  return entry(name, [hubId], aliases, dense('qwen3', shape, 151936, tied, billions, 40960));
}

function granite(name: string, shape: ShapeRow, billions: number, hubId: string): CatalogueEntry {
  return entry(name, [hubId], [], dense('granite', shape, 49155, true, billions, 131072));
}

function gemma1(name: string, shape: ShapeRow, billions: number, hubId: string): CatalogueEntry {
  return entry(name, [hubId], [], dense('gemma', shape, 256000, true, billions, 8192));
}

/** A window on every second layer. */
function gemma2(name: string, shape: ShapeRow, billions: number, hubId: string): CatalogueEntry {
  const config = { ...dense('gemma2', shape, 256000, true, billions, 8192), sliding_window: 4096 };
  return entry(name, [hubId], [], config);
}

/** The larger ones see pictures, through a SigLIP tower. */
function gemma3(
  name: string,
  shape: ShapeRow,
  vocabulary: number,
  window: number,
  context: number,
  hubId: string,
  seesPictures = false,
): CatalogueEntry {
  return entry(name, [hubId], [], {
    ...dense('gemma3_text', shape, vocabulary, true, undefined, context),
    sliding_window: window,
    ...(seesPictures ? { vision_config: SIGLIP, rope_scaling: { rope_type: 'linear', factor: 8 } } : {}),
  });
}

/** What names add for tuning, packing and date; the shapes stay. */
const ENDINGS =
  /[-_.](instruct|chat|it|base|hf|bf16|fp16|thinking|preview|awq|gptq|int4|int8|4bit|8bit|bnb|unsloth|fp8|dynamic|fp8-dynamic|quantized|w4a16|w8a8|w8a16|nvfp4|fp4|autoround|gptq-int4|gptq-int8|25\d\d|v0\.1|python)$/;

/**
 * The entry of a model by hub id, alias or folder name: `Qwen/Qwen2.5-7B-Instruct-AWQ` and `qwen2.5-7b` are one
 * architecture. Undefined rather than a guess.
 */
export function findInCatalogue(id: string): CatalogueEntry | undefined {
  let name = shortName(id);
  for (;;) {
    const found = CATALOGUE.find(
      ({ name: own, hubIds, aliases }) =>
        own === name || aliases.includes(name) || hubIds.some((hubId) => shortName(hubId) === name),
    );
    if (found !== undefined) return found;
    const shorter = withoutMiddle(name.replace(ENDINGS, ''));
    if (shorter === name) return undefined;
    name = shorter;
  }
}

/** `mistral-7b-instruct-v0.3` → `mistral-7b-v0.3`. */
function withoutMiddle(name: string): string {
  return name.replace(/-instruct(?=-v\d)/, '');
}

function shortName(id: string): string {
  const name = id.trim().replace(/\/+$/, '').split('/').at(-1) ?? id;
  return name.toLowerCase().replaceAll(/\s+/g, '-');
}
