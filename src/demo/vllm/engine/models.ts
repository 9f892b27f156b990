/** The few numbers of a model that decide memory and speed. */
export interface ModelFacts {
  readonly architecture: string;
  readonly parametersBillion: number;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDimension: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly vocabulary: number;
  readonly maxPositions: number;
}

const qwen2 = {
  architecture: 'Qwen2ForCausalLM',
  headDimension: 128,
  vocabulary: 151_936,
  maxPositions: 32_768,
};
const llama = {
  architecture: 'LlamaForCausalLM',
  headDimension: 128,
  vocabulary: 128_256,
  maxPositions: 131_072,
};

/** From the models' `config.json` on https://huggingface.co; first match of the lower-case name wins. */
const KNOWN: readonly { readonly pattern: RegExp; readonly facts: ModelFacts }[] = [
  {
    pattern: /qwen2\.5.*0\.5b/,
    facts: {
      ...qwen2,
      parametersBillion: 0.494,
      layers: 24,
      kvHeads: 2,
      headDimension: 64,
      hidden: 896,
      intermediate: 4864,
    },
  },
  {
    pattern: /qwen2\.5.*1\.5b/,
    facts: { ...qwen2, parametersBillion: 1.5437, layers: 28, kvHeads: 2, hidden: 1536, intermediate: 8960 },
  },
  {
    pattern: /qwen2\.5.*3b/,
    facts: {
      ...qwen2,
      parametersBillion: 3.0859,
      layers: 36,
      kvHeads: 2,
      hidden: 2048,
      intermediate: 11_008,
    },
  },
  {
    pattern: /qwen2\.5.*7b/,
    facts: {
      ...qwen2,
      parametersBillion: 7.6156,
      layers: 28,
      kvHeads: 4,
      hidden: 3584,
      intermediate: 18_944,
      vocabulary: 152_064,
    },
  },
  {
    pattern: /qwen2\.5.*14b/,
    facts: {
      ...qwen2,
      parametersBillion: 14.77,
      layers: 48,
      kvHeads: 8,
      hidden: 5120,
      intermediate: 13_824,
      vocabulary: 152_064,
    },
  },
  {
    pattern: /qwen2\.5.*32b/,
    facts: {
      ...qwen2,
      parametersBillion: 32.7639,
      layers: 64,
      kvHeads: 8,
      hidden: 5120,
      intermediate: 27_648,
      vocabulary: 152_064,
    },
  },
  {
    pattern: /llama-3.*8b/,
    facts: {
      ...llama,
      parametersBillion: 8.0303,
      layers: 32,
      kvHeads: 8,
      hidden: 4096,
      intermediate: 14_336,
    },
  },
  {
    pattern: /phi-4-mini/,
    facts: {
      architecture: 'Phi3ForCausalLM',
      parametersBillion: 3.836,
      layers: 32,
      kvHeads: 8,
      headDimension: 128,
      hidden: 3072,
      intermediate: 8192,
      vocabulary: 200_064,
      maxPositions: 131_072,
    },
  },
];

/** The tiny model of the recordings, also what a path without a size in its name is taken for. */
const TINY: ModelFacts = {
  ...qwen2,
  parametersBillion: 0.000_213_696,
  layers: 2,
  kvHeads: 2,
  headDimension: 32,
  hidden: 64,
  intermediate: 128,
  vocabulary: 1024,
  maxPositions: 4096,
};

/** A model of `billion` parameters in the proportions that models of its size have. */
function estimate(billion: number): ModelFacts {
  const layers = billion < 2 ? 28 : billion < 10 ? 32 : billion < 25 ? 48 : 64;
  const hidden = billion < 2 ? 1536 : billion < 5 ? 2560 : billion < 10 ? 4096 : 5120;
  return { ...qwen2, parametersBillion: billion, layers, kvHeads: 8, hidden, intermediate: hidden * 3 };
}

/** Model facts by name: the table, else an estimate from a size such as `7B` in the name, else a tiny model. */
export function modelFacts(model: string): ModelFacts {
  const name = model.toLowerCase();
  const known = KNOWN.find(({ pattern }) => pattern.test(name));
  if (known !== undefined) return known.facts;
  const billion = Number(/(?:^|[^a-z0-9.])(\d+(?:\.\d+)?)b(?:$|[^a-z0-9])/.exec(name)?.[1] ?? Number.NaN);
  return Number.isNaN(billion) ? TINY : estimate(billion);
}

/** Bytes per weight after `--quantization` or what the name says of the checkpoint. */
export function bytesPerWeight(model: string, quantization: string | undefined): number {
  const hint = (quantization ?? model).toLowerCase();
  if (/awq|gptq|int4|bitsandbytes|4bit/.test(hint)) return 0.65;
  if (/fp8|int8|w8a8/.test(hint)) return 1.1;
  return 2;
}

/** Bytes of KV cache that one token takes. */
export function kvBytesPerToken(facts: ModelFacts, kvCacheDtype: string): number {
  const bytes = /fp8|int8/.test(kvCacheDtype) ? 1 : 2;
  return 2 * facts.layers * facts.kvHeads * facts.headDimension * bytes;
}
