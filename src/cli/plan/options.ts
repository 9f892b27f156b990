import { z } from 'zod';
import { DEFAULT_ENGINE_IMAGE } from '../../api/engine.ts';
import { MIG_PROFILE } from '../../api/gpu.ts';
import { releaseOf } from '../../classroom/plan-input.ts';
import type { Program } from '../../command-line/parse.ts';
import { nonEmpty, onOrOff, wholeNumber } from '../../command-line/values.ts';
import { kvCacheDtypeSchema, QUANTIZATIONS, type Quantization } from '../../gpu/plan-types.ts';
import { CONNECTION_FLAGS, type ConnectionFlags, connectionSchema } from '../cluster/flags.ts';
import { OUTPUT_FLAGS, OUTPUT_SHAPE } from '../output.ts';

/** The largest figures that a Classroom takes, too. */
const MAX_MEMORY_MIB = 4_194_304;
const MAX_SLICES_PER_GPU = 48;
const MAX_TENSOR_PARALLEL = 16;
const MAX_TOKENS = 10_000_000;
const MAX_SEQUENCES = 4096;
const MAX_BATCHED_TOKENS = 1_048_576;
const MAX_STUDENTS = 100_000;

/** A share of 1 with a decimal point; vLLM takes nothing above 1. */
const share = z
  .string()
  .regex(/^(0?\.\d+|1(\.0+)?)$/, 'must be a share of the GPU between 0 and 1, such as 0.9')
  .transform(Number)
  .refine((value) => value > 0, 'must be more than 0');

const quantizationsByLowerCase: ReadonlyMap<string, Quantization> = new Map(
  QUANTIZATIONS.map((name) => [name.toLowerCase(), name]),
);

const quantization = z.string().transform((text, context): Quantization => {
  const name = quantizationsByLowerCase.get(text.toLowerCase());
  if (name !== undefined) return name;
  context.addIssue(`must be one of ${QUANTIZATIONS.join(', ')}`);
  return z.NEVER;
});

const migProfile = nonEmpty.pipe(z.string().regex(MIG_PROFILE, 'must be a MIG profile, such as 1g.10gb'));

const release = z
  .string()
  .regex(/^v?\d+\.\d+[\w.+-]*$/, 'must be a release of vLLM, such as 0.32.0')
  .transform((text) => text.replace(/^v/, ''));

export const planOptionsSchema = z.object({
  class: nonEmpty.optional(),
  nodes: onOrOff,
  model: nonEmpty.optional(),
  modelConfig: nonEmpty.optional(),
  from: nonEmpty.optional(),
  gpu: nonEmpty.optional(),
  memoryMib: wholeNumber(1, MAX_MEMORY_MIB).optional(),
  slicesPerGpu: wholeNumber(1, MAX_SLICES_PER_GPU).optional(),
  migProfile: migProfile.optional(),
  tensorParallel: wholeNumber(1, MAX_TENSOR_PARALLEL).optional(),
  quantization: quantization.optional(),
  kvCacheDtype: z
    .enum(kvCacheDtypeSchema.options, `must be one of ${kvCacheDtypeSchema.options.join(', ')}`)
    .optional(),
  maxModelLen: wholeNumber(1, MAX_TOKENS).optional(),
  maxNumSeqs: wholeNumber(1, MAX_SEQUENCES).optional(),
  maxNumBatchedTokens: wholeNumber(1, MAX_BATCHED_TOKENS).optional(),
  gpuMemoryUtilization: share.optional(),
  enforceEager: onOrOff,
  vllmVersion: release.optional(),
  students: wholeNumber(1, MAX_STUDENTS).optional(),
  ...OUTPUT_SHAPE,
  ...connectionSchema.shape,
});

/** What the command line of `plan` says, flag by flag; what is absent comes from the class or is planned. */
export type PlanOptions = z.infer<typeof planOptionsSchema>;
/** Those that say what an engine is to be like. */
export type EngineOptions = Omit<PlanOptions, keyof ConnectionFlags | 'class' | 'nodes'>;

export const PLAN_FLAGS: Program<typeof planOptionsSchema>['flags'] = {
  class: {
    spelling: '[class]',
    about:
      'name of a class of the cluster: its spec, its students, and what the nodes say of their GPUs; other flags win over it',
  },
  nodes: { spelling: '--nodes', about: "compare the GPUs of the cluster's nodes, in place of --gpu" },
  model: {
    spelling: '--model <id>',
    about:
      'Hugging Face id, such as Qwen/Qwen2.5-7B-Instruct, or the name alone; several with commas are compared',
  },
  modelConfig: {
    spelling: '--model-config <file>',
    about: "config.json of the model; exact where the catalogue does not know it. '-' is the standard input",
  },
  from: {
    spelling: '--from <file>',
    about: "YAML of a Classroom: its spec and students; other flags win over it. '-' is the standard input",
  },
  gpu: {
    spelling: '--gpu <name>',
    about:
      'GPU, such as A10, H100-80, or the value of the node label nvidia.com/gpu.product; several with commas are compared',
  },
  memoryMib: {
    spelling: '--memory-mib <n>',
    about:
      'memory of the GPU or MIG slice as CUDA sees it, about 500 MiB less than nvidia-smi says; wins over the table',
  },
  slicesPerGpu: {
    spelling: '--slices-per-gpu <n>',
    about: 'time-slices of each GPU, an engine in each; 1: none',
  },
  migProfile: { spelling: '--mig-profile <profile>', about: 'MIG slice an engine gets, such as 1g.10gb' },
  tensorParallel: { spelling: '--tensor-parallel <n>', about: 'whole GPUs that one engine spans' },
  quantization: {
    spelling: '--quantization <method>',
    about: `${QUANTIZATIONS.join(', ')}; None: as the checkpoint says`,
  },
  kvCacheDtype: {
    spelling: '--kv-cache-dtype <type>',
    about: `${kvCacheDtypeSchema.options.join(', ')}; fp8 halves the cache`,
  },
  maxModelLen: {
    spelling: '--max-model-len <tokens>',
    about: 'context, prompt and answer together; default: 4096',
  },
  maxNumSeqs: { spelling: '--max-num-seqs <n>', about: 'requests computed together; default: planned' },
  maxNumBatchedTokens: {
    spelling: '--max-num-batched-tokens <n>',
    about: 'tokens computed in one step; default: planned',
  },
  gpuMemoryUtilization: {
    spelling: '--gpu-memory-utilization <share>',
    about: 'share of the GPU that vLLM may use, such as 0.9; default: planned',
  },
  enforceEager: { spelling: '--enforce-eager', about: 'no CUDA graphs: less memory, slower answers' },
  vllmVersion: {
    spelling: '--vllm-version <release>',
    about: `release of vLLM; default: ${releaseOf(DEFAULT_ENGINE_IMAGE)}, or that of the class's image`,
  },
  students: { spelling: '--students <n>', about: 'students of the class: how many engines they need' },
  ...OUTPUT_FLAGS,
  ...CONNECTION_FLAGS,
};
