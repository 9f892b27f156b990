import { z } from 'zod';

/** How the matrices of a checkpoint are packed. */
export interface CheckpointQuantization {
  /** As vLLM calls it: `awq`, `gptq`, `fp8`, `compressed-tensors`, `mxfp4`, `bitsandbytes`, `modelopt` … */
  method: string;
  /** Bytes of one packed weight with its scales and zero points. */
  bytesPerWeight: number;
  /** all: every linear matrix. experts: only routed experts (gpt-oss). */
  packs: 'all' | 'experts';
  packsOutputHead: boolean;
  /** Weights that share a scale, which no split between GPUs may cut; undefined where nothing is said. */
  groupSize: number | undefined;
  /** True where nobody could read it, so that full precision is assumed. */
  isUnknown: boolean;
}

const bits = z.int().min(1).max(32).optional();
/** -1: a scale for each channel. */
const groupSize = z.int();

const weightsSchema = z
  .object({
    num_bits: bits,
    type: z.string().optional(),
    group_size: groupSize.nullish(),
    strategy: z.string().nullish(),
  })
  .nullish();

/** `quantization_config` of a Hugging Face config.json, as far as it says how large weights are. */
const quantizationConfigSchema = z.object({
  quant_method: z.string().optional(),
  quant_algo: z.string().optional(),
  bits,
  w_bit: bits,
  group_size: groupSize.optional(),
  q_group_size: groupSize.optional(),
  load_in_4bit: z.boolean().optional(),
  load_in_8bit: z.boolean().optional(),
  lm_head: z.boolean().optional(),
  format: z.string().optional(),
  config_groups: z.record(z.string(), z.object({ weights: weightsSchema })).optional(),
  weight_block_size: z.array(z.number()).nullish(),
  quantization: z.object({ quant_algo: z.string().nullish() }).optional(),
});

type QuantizationConfig = z.infer<typeof quantizationConfigSchema>;

const GROUP_SIZE = 128;
/** Scale (fp16) and zero point (4 bits) of each group. */
function groupedFourBits(groupSize = GROUP_SIZE): number {
  return 0.5 + (groupSize > 0 ? 2.5 / groupSize : 0);
}

/** 4-bit float with one 8-bit scale for 32 weights. */
const MXFP4_BYTES = 0.53125;
/** 4-bit float with one 8-bit scale for 16 weights. */
const NVFP4_BYTES = 0.5625;
/** NF4 with double-quantised scales, and what they cost in practice. */
export const BITSANDBYTES_4BIT_BYTES = 0.53;
/** AWQ and GPTQ with groups of 128. */
export const GROUPED_4BIT_BYTES = 0.52;

/** Reads `quantization_config`. Undefined: no quantisation. A kind that is not known counts as full precision. */
export function readQuantization(config: unknown): CheckpointQuantization | undefined {
  if (config === undefined || config === null) return undefined;
  const parsed = quantizationConfigSchema.safeParse(config);
  if (!parsed.success) return packed('unreadable', 2, { isUnknown: true });
  const read = parsed.data;
  const method = (read.quant_method ?? read.quant_algo ?? 'unknown').toLowerCase();
  const groupSize = read.group_size ?? read.q_group_size ?? read.weight_block_size?.[0];
  const grouped = { packsOutputHead: read.lm_head === true, groupSize };
  switch (method) {
    case 'awq':
    case 'auto_awq':
    case 'awq_marlin':
    case 'gptq':
    case 'gptq_marlin':
    case 'auto-round':
      return packed(method, groupedBytes(read), grouped);
    case 'fp8':
    case 'fbgemm_fp8':
      return packed(method, 1, { groupSize });
    case 'mxfp4':
      return packed(method, MXFP4_BYTES, { packs: 'experts' });
    case 'bitsandbytes':
      return packed(method, read.load_in_8bit === true ? 1 : BITSANDBYTES_4BIT_BYTES);
    case 'compressed-tensors':
      return compressedTensors(method, read);
    case 'modelopt':
    case 'modelopt_fp4':
    case 'nvfp4':
      return modelOpt(method, read);
    default:
      return packed(method, 2, { isUnknown: true });
  }
}

/** Weights that are packed throughout, but for what `rest` says. */
export function packed(
  method: string,
  bytesPerWeight: number,
  rest: Partial<CheckpointQuantization> = {},
): CheckpointQuantization {
  return {
    method,
    bytesPerWeight,
    packs: 'all',
    packsOutputHead: false,
    groupSize: undefined,
    isUnknown: false,
    ...rest,
  };
}

function groupedBytes({ bits, w_bit, group_size, q_group_size }: QuantizationConfig): number {
  const width = bits ?? w_bit ?? 4;
  return width / 8 - 0.5 + groupedFourBits(group_size ?? q_group_size);
}

/** Of several groups the widest counts. */
function compressedTensors(method: string, read: QuantizationConfig): CheckpointQuantization {
  const groups = Object.values(read.config_groups ?? {}).flatMap(({ weights }) => weights ?? []);
  if (groups.length === 0) return packed(method, 2, { isUnknown: true });
  const bytes = groups.map(({ num_bits = 8, group_size, strategy }) => {
    if (read.format === 'nvfp4-pack-quantized') return NVFP4_BYTES;
    const isGrouped = strategy === 'group' && typeof group_size === 'number';
    return num_bits / 8 + (isGrouped ? 2.5 / group_size : 0);
  });
  return packed(method, Math.max(...bytes));
}

function modelOpt(method: string, read: QuantizationConfig): CheckpointQuantization {
  const algorithm = (read.quant_algo ?? read.quantization?.quant_algo ?? method).toUpperCase();
  if (algorithm.includes('FP4')) return packed(method, NVFP4_BYTES);
  if (algorithm.includes('FP8')) return packed(method, 1);
  return packed(method, 2, { isUnknown: true });
}
