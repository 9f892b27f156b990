import { z } from 'zod';
import { dnsSubdomain, listBy, secretKey, text } from './bounds.ts';
import { type CelRule, rule } from './cel.ts';

/** Variables that must not be set, and why: a sentence about `name` as the API server says it. */
interface DeniedVariables {
  readonly names: readonly string[];
  readonly message: string;
}

/**
 * What the operator sets itself, and what would undo what it relies on. Everything else is passed on: the trainer who
 * writes it may choose the image too.
 *
 * @see https://docs.vllm.ai/en/latest/configuration/env_vars.html
 * @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 */
export const DENIED_ENGINE_VARIABLES: readonly DeniedVariables[] = [
  {
    names: ['HF_TOKEN', 'HF_TOKEN_PATH', 'HUGGING_FACE_HUB_TOKEN'],
    message: '`name` must not be a token of Hugging Face: use `model.tokenSecretRef`',
  },
  {
    names: [
      'HF_ASSETS_CACHE',
      'HF_HOME',
      'HF_HUB_CACHE',
      'HF_XET_CACHE',
      'HOME',
      'HUGGINGFACE_HUB_CACHE',
      'TORCHINDUCTOR_CACHE_DIR',
      'TRANSFORMERS_CACHE',
      'TRITON_CACHE_DIR',
      'TRITON_HOME',
      'VLLM_CACHE_ROOT',
      'XDG_CACHE_HOME',
    ],
    message:
      '`name` must not be that of a home folder or cache: the operator keeps caches on the volume of `model.storage`',
  },
  {
    names: [
      'VLLM_ALLOW_INSECURE_SERIALIZATION',
      'VLLM_ALLOW_RUNTIME_LORA_UPDATING',
      'VLLM_LORA_RESOLVER_CACHE_DIR',
      'VLLM_LORA_RESOLVER_HF_REPO_LIST',
      'VLLM_SERVER_DEV_MODE',
      'VLLM_TORCH_CUDA_PROFILE',
      'VLLM_TORCH_PROFILER_DIR',
    ],
    message:
      '`name` must not be that of a variable which opens paths of vLLM for its administrators: the operator sets what `adapters` need',
  },
  {
    names: ['VLLM_API_KEY', 'VLLM_HTTP_TIMEOUT_KEEP_ALIVE', 'VLLM_MAX_N_SEQUENCES', 'VLLM_PORT'],
    message:
      '`name` must not be that of a variable by which gateway and engine find each other: students have keys of the gateway',
  },
  {
    names: ['VLLM_DEBUG_LOG_API_SERVER_RESPONSE', 'VLLM_ENABLE_RESPONSES_API_STORE'],
    message: '`name` must not be that of a variable by which vLLM keeps what students are answered',
  },
  {
    names: [
      'VLLM_CONFIGURE_LOGGING',
      'VLLM_KEEP_ALIVE_ON_ENGINE_DEATH',
      'VLLM_LOGGING_CONFIG_PATH',
      'VLLM_NO_USAGE_STATS',
    ],
    message:
      '`name` must not be that of a variable by which the operator learns why an engine ended, or keeps vLLM from telling others of it',
  },
  {
    names: [
      'CUDA_VISIBLE_DEVICES',
      'NVIDIA_MIG_CONFIG_DEVICES',
      'NVIDIA_MIG_MONITOR_DEVICES',
      'NVIDIA_VISIBLE_DEVICES',
    ],
    message:
      '`name` must not be that of a variable which chooses GPUs: Kubernetes gives an engine those that `gpu` asks for',
  },
];

const deniedRules: CelRule[] = DENIED_ENGINE_VARIABLES.map(({ names, message }) =>
  rule(
    `!(self.name in [${names.map((name) => `'${name}'`).join(', ')}])`,
    message,
    'FieldValueForbidden',
    '.name',
  ),
);

const variableName = text(128)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .superRefine((name, context) => {
    const denied = DENIED_ENGINE_VARIABLES.find(({ names }) => names.includes(name));
    if (denied !== undefined) context.addIssue({ code: 'custom', message: denied.message });
  });

const secretKeyRefSchema = z
  .object({
    name: dnsSubdomain().describe('Name of a Secret in the namespace of the class.'),
    key: secretKey().describe('Key in that Secret.'),
  })
  .describe('Where the value is, if it is secret.');

const variableSchema = z
  .object({
    name: variableName.describe('Name of the variable.'),
    value: z
      .string()
      .max(1024)
      .optional()
      .describe('Its value. `$(NAME)` stands for a variable that is listed before.'),
    secretKeyRef: secretKeyRefSchema.optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        'has(self.value) != has(self.secretKeyRef)',
        '`env` must have either `value` or `secretKeyRef` for each variable',
        'FieldValueInvalid',
      ),
      ...deniedRules,
    ],
  });

/** With its bounds a Deployment that says all of it twice, as ours do, stays below what the API server takes. */
const VARIABLES_MAX = 32;

export const engineEnvSchema = listBy('name', variableSchema, { max: VARIABLES_MAX })
  .default([])
  .describe(
    'Environment of the engines, such as HF_ENDPOINT or HTTPS_PROXY. Variables that the operator sets itself are refused.',
  );

export type EngineVariable = z.infer<typeof variableSchema>;
