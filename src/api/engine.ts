import { z } from 'zod';
import { dnsSubdomain, int32, text } from './bounds.ts';
import { rule } from './cel.ts';
import { engineEnvSchema } from './engine-env.ts';
import { engineResourcesSchema } from './engine-resources.ts';

/** The pinned engine: the version whose behaviour the tests recorded. */
export const DEFAULT_ENGINE_IMAGE = 'vllm/vllm-openai:v0.32.0';

/**
 * Flags of `vllm serve` that the operator owns (there is a field for them), that would open the engine to students
 * past the gateway, or that would put a secret into the spec. Stated without dashes; an `extraArgs` entry is refused
 * when it is one of these, in any spelling that vLLM's parser takes: `--x=y`, `--x_y`, `--x.key`,
 * `--no-x`, and abbreviations.
 *
 * @see https://docs.vllm.ai/en/latest/cli/serve.html
 */
export const DENIED_ENGINE_FLAGS = [
  'api-key',
  'api-server-count',
  'config',
  'data-parallel-address',
  'data-parallel-backend',
  'data-parallel-external-lb',
  'data-parallel-hybrid-lb',
  'data-parallel-multi-port-external-lb',
  'data-parallel-rank',
  'data-parallel-rpc-port',
  'data-parallel-size',
  'data-parallel-size-local',
  'data-parallel-start-rank',
  'data-parallel-supervisor-port',
  'device-memory-utilization',
  'disable-access-log-for-endpoints',
  'disable-fastapi-docs',
  'enable-lora',
  'enable-prompt-tokens-details',
  'enable-sleep-mode',
  'gpu-memory-utilization',
  'grpc',
  'grpc-port',
  'headless',
  'hf-token',
  'host',
  'kv-cache-memory-bytes',
  'lora-modules',
  'master-addr',
  'master-port',
  'max-cpu-loras',
  'max-lora-rank',
  'max-loras',
  'max-model-len',
  'max-num-batched-tokens',
  'max-num-seqs',
  'middleware',
  'model',
  'nnodes',
  'node-rank',
  'pipeline-parallel-size',
  'port',
  'quantization',
  'revision',
  'root-path',
  'served-model-name',
  'shutdown-timeout',
  'ssl-ca-certs',
  'ssl-certfile',
  'ssl-keyfile',
  'tensor-parallel-size',
  'uds',
] as const;

const deniedFlags = JSON.stringify(DENIED_ENGINE_FLAGS.map((flag) => `--${flag}`));

export const ROLLOUT_MODES = ['WhenIdle', 'AfterClass', 'Immediately'] as const;

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
    env: engineEnvSchema,
    resources: engineResourcesSchema.optional(),
    rollout: z
      .enum(ROLLOUT_MODES)
      .default('WhenIdle')
      .describe('When a changed spec may restart the engines.'),
    podSecurity: z
      .enum(['Baseline', 'Restricted'])
      .default('Baseline')
      .describe(
        "Restricted: as Kubernetes' Pod Security Standard of that name, for images that do not run as root. Baseline: all of it but that, for the default image, which does.",
      ),
    priorityClassName: dnsSubdomain()
      .optional()
      .describe('PriorityClass of the engines, so that other pods give way to them.'),
    runtimeClassName: dnsSubdomain()
      .optional()
      .describe(
        "RuntimeClass of the engines, where containers get GPUs only with one: 'nvidia' on k3s and RKE2.",
      ),
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
        `self.extraArgs.filter(a, a.startsWith('--')).map(a, a.split('=')[0].split('.')[0].replace('_', '-').replace('--no-', '--')).all(a, !${deniedFlags}.exists(flag, flag.startsWith(a)))`,
        '`extraArgs` must not contain arguments that the operator sets, such as `--api-key`, `--host`, `--port` or `--max-model-len`: use the fields of the Classroom',
        'FieldValueForbidden',
        '.extraArgs',
      ),
      rule(
        "!self.extraArgs.exists(a, a.matches('^-([A-Za-z]|$)'))",
        '`extraArgs` must not contain short flags, such as `-tp`: write the long form',
        'FieldValueForbidden',
        '.extraArgs',
      ),
      rule(
        "self.extraArgs.size() == 0 || self.extraArgs[0].startsWith('-')",
        '`extraArgs` must begin with a flag: the model is set by `model.id`',
        'FieldValueInvalid',
        '.extraArgs',
      ),
    ],
  })
  .describe('The vLLM engines.');
