import { z } from 'zod';
import { int32, text } from './bounds.ts';
import { rule } from './cel.ts';

/** The pinned engine: the version whose behaviour the tests recorded. */
export const DEFAULT_ENGINE_IMAGE = 'vllm/vllm-openai:v0.32.0';

/**
 * vLLM flags that the operator owns or that would open the engine to students. Stated without dashes; an
 * `extraArgs` entry is refused when it is one of these or an abbreviation of one, as vLLM's parser accepts those.
 *
 * @see https://docs.vllm.ai/en/latest/cli/serve.html
 */
export const DENIED_ENGINE_FLAGS = [
  'api-key',
  'config',
  'data-parallel-address',
  'enable-sleep-mode',
  'gpu-memory-utilization',
  'headless',
  'host',
  'max-model-len',
  'max-num-batched-tokens',
  'max-num-seqs',
  'middleware',
  'model',
  'port',
  'root-path',
  'served-model-name',
  'shutdown-timeout',
  'ssl-certfile',
  'ssl-keyfile',
  'tensor-parallel-size',
  'uds',
] as const;

const replicasSchema = z
  .object({
    min: int32(0, 64)
      .default(1)
      .describe('Engines that always run while the class is open; 0 allows scaling to zero.'),
    max: int32(1, 64).default(1).describe('The most engines.'),
    studentsPerReplica: int32(1, 1000)
      .optional()
      .describe('Students that one engine carries. Default: planned from its memory.'),
  })
  .meta({
    'x-kubernetes-validations': [
      rule('self.min <= self.max', '`min` must not be greater than `max`', 'FieldValueInvalid', '.min'),
    ],
  })
  .describe('How many engines.');

export const engineSchema = z
  .object({
    replicas: replicasSchema.prefault({}),
    image: text(512).default(DEFAULT_ENGINE_IMAGE).describe('Container image of vLLM.'),
    maxNumSeqs: int32(1, 4096)
      .optional()
      .describe('Requests computed together (`--max-num-seqs`). Default: planned.'),
    maxNumBatchedTokens: int32(16, 1_048_576)
      .optional()
      .describe('Tokens computed in one step (`--max-num-batched-tokens`). Default: planned.'),
    gpuMemoryUtilizationPercent: int32(10, 98)
      .optional()
      .describe(
        'Share of the GPU memory that vLLM may use, in percent (`--gpu-memory-utilization`). Default: planned.',
      ),
    extraArgs: z
      .array(text(1024))
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .default([])
      .describe('Further arguments of `vllm serve`. Arguments that the operator sets itself are refused.'),
    rollout: z
      .enum(['WhenIdle', 'AfterClass', 'Immediately'])
      .default('WhenIdle')
      .describe('When a changed spec may restart the engines.'),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        '!has(self.maxNumSeqs) || !has(self.maxNumBatchedTokens) || self.maxNumSeqs <= self.maxNumBatchedTokens',
        '`maxNumBatchedTokens` must not be less than `maxNumSeqs`: vLLM refuses to start',
        'FieldValueInvalid',
        '.maxNumBatchedTokens',
      ),
      rule(
        `!has(self.extraArgs) || !self.extraArgs.exists(a, ${JSON.stringify(DENIED_ENGINE_FLAGS)}.exists(f, a.replace('_', '-') == '--' + f || a.replace('_', '-').startsWith('--' + f + '=')))`,
        '`extraArgs` must not contain arguments that the operator sets, such as `--api-key`, `--host`, `--port` or `--max-model-len`: use the fields of the Classroom',
        'FieldValueForbidden',
        '.extraArgs',
      ),
    ],
  })
  .describe('The vLLM engines.');

export type EngineSpec = z.infer<typeof engineSchema>;
