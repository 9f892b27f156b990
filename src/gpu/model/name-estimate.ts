import type { StatedFacts } from '../plan-types.ts';
import {
  type CheckpointQuantization,
  GROUPED_4BIT_BYTES,
  packed,
  readQuantization,
} from './checkpoint-quantization.ts';

/** Small models have more parameters than their name says (gemma-2-2b 2.6 billion), large ones a tenth at most. */
const SMALL_ABOVE_NAME = 1.25;
const LARGE_ABOVE_NAME = 1.1;
const SMALL_BILLIONS = 5;
/** Of a mixture of n experts of size s, n × s counts the shared attention n times (Mixtral 8x7B: 46.7, not 56). */
const SHARE_OF_EXPERTS = 0.85;

/** Typical shapes by size; on the heavy side, so that an estimate does not promise too much. */
const TYPICAL: readonly (Required<Pick<StatedFacts, 'layers' | 'hiddenSize' | 'intermediateSize'>> & {
  upToBillions: number;
  heads: number;
})[] = [
  { upToBillions: 0.8, layers: 28, hiddenSize: 1024, intermediateSize: 4864, heads: 16 },
  { upToBillions: 2.5, layers: 28, hiddenSize: 2048, intermediateSize: 8960, heads: 16 },
  { upToBillions: 5, layers: 36, hiddenSize: 3072, intermediateSize: 11008, heads: 32 },
  { upToBillions: 10, layers: 36, hiddenSize: 4096, intermediateSize: 18944, heads: 32 },
  { upToBillions: 16, layers: 48, hiddenSize: 5120, intermediateSize: 17920, heads: 40 },
  { upToBillions: 40, layers: 64, hiddenSize: 5376, intermediateSize: 27648, heads: 64 },
  { upToBillions: 80, layers: 80, hiddenSize: 8192, intermediateSize: 29568, heads: 64 },
  {
    upToBillions: Number.POSITIVE_INFINITY,
    layers: 126,
    hiddenSize: 16384,
    intermediateSize: 53248,
    heads: 128,
  },
];
const TYPICAL_VOCABULARY = 152_064;
/** Between grouped-query models (8 or fewer) and older ones in which every head has its own. */
const TYPICAL_KEY_VALUE_HEADS = 16;
const TYPICAL_HEAD_DIMENSION = 128;
/** Small models share the output head with the embedding, which would be most of them otherwise. */
const TIED_UP_TO_BILLIONS = 2.5;

/** Fields of a config.json made up from the size in a name, with the words to say so; undefined without a size. */
export function estimateByName(
  name: string,
): { config: Readonly<Record<string, unknown>>; assumption: string } | undefined {
  const billions = billionsInName(name);
  return billions === undefined
    ? undefined
    : {
        config: typicalConfig(billions * aboveName(billions)),
        assumption: `shapes and ${(billions * aboveName(billions)).toFixed(1)} billion parameters are guessed from the size in its name`,
      };
}

function aboveName(billions: number): number {
  return billions < SMALL_BILLIONS ? SMALL_ABOVE_NAME : LARGE_ABOVE_NAME;
}

/** A typical model of a size, as fields of a config.json. */
export function typicalConfig(billions: number): Record<string, unknown> {
  const typical = TYPICAL.find(({ upToBillions }) => billions <= upToBillions) ?? TYPICAL.at(-1);
  return {
    num_hidden_layers: typical?.layers,
    hidden_size: typical?.hiddenSize,
    intermediate_size: typical?.intermediateSize,
    num_attention_heads: typical?.heads,
    num_key_value_heads: TYPICAL_KEY_VALUE_HEADS,
    head_dim: TYPICAL_HEAD_DIMENSION,
    vocab_size: TYPICAL_VOCABULARY,
    tie_word_embeddings: billions <= TIED_UP_TO_BILLIONS,
    num_parameters: Math.round(billions * 1e9),
  };
}

/**
 * 46.7-odd of `8x7B`, 30 of `30B-A3B`, 0.5 of `0.5b`, 0.36 of `360M`. Names such as `17B-16E` tell the active part of a
 * mixture of experts and nothing of the whole.
 */
function billionsInName(name: string): number | undefined {
  if (/\d+b-\d+e(?![a-z])/i.test(name)) return undefined;
  const mixture = /(\d+)x(\d+(?:\.\d+)?)b(?![a-z])/i.exec(name);
  if (mixture !== null) return Number(mixture[1]) * Number(mixture[2]) * SHARE_OF_EXPERTS;
  const sizes = [...name.matchAll(/(?<![a-z\d.])(\d+(?:\.\d+)?)([bm])(?![a-z])/gi)].map(([, digits, unit]) =>
    unit?.toLowerCase() === 'm' ? Number(digits) / 1000 : Number(digits),
  );
  const largest = Math.max(0, ...sizes);
  return largest > 0 ? largest : undefined;
}

/** How the name of a checkpoint says it is packed; undefined where it does not say. */
export function quantizationByName(name: string): CheckpointQuantization | undefined {
  const lower = name.toLowerCase();
  const says = (pattern: RegExp) => pattern.test(lower);
  if (says(/awq/)) return packed('awq', GROUPED_4BIT_BYTES);
  if (says(/gptq.*(int8|8bit)/)) return readQuantization({ quant_method: 'gptq', bits: 8, group_size: 128 });
  if (says(/gptq|autoround/)) return packed('gptq', GROUPED_4BIT_BYTES);
  if (says(/w4a16/)) return packed('compressed-tensors', GROUPED_4BIT_BYTES);
  if (says(/w8a8|w8a16/)) return packed('compressed-tensors', 1);
  if (says(/nvfp4/)) return readQuantization({ quant_method: 'nvfp4' });
  if (says(/(^|[^a-z])fp8/)) return packed('fp8', 1);
  if (says(/bnb-4bit|bitsandbytes/))
    return readQuantization({ quant_method: 'bitsandbytes', load_in_4bit: true });
  return undefined;
}
