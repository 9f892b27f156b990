import { z } from 'zod';
import { int32, text } from './bounds.ts';
import { rule } from './cel.ts';

const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelKey = text(316).regex(LABEL_KEY);

const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/);

/** A MIG profile as device plugins know it, also as resource names write it: `1g.10gb`, `1g.10gb+me`, `1g.24gb.me.all`. */
export const MIG_PROFILE = /^[1-9]g\.[1-9][0-9]{0,2}gb([-+.](me|gfx)(\.all)?)?$/;

const NODE_SELECTOR_MAX = 16;

const tolerationSchema = z
  .object({
    key: labelKey.optional().describe('Key of the taint. Absent: every key.'),
    operator: z
      .enum(['Exists', 'Equal'])
      .default('Equal')
      .describe('Exists: whatever the value of the taint. Equal: only `value`.'),
    value: labelValue.optional().describe('Value of the taint.'),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .optional()
      .describe('Effect of the taint. Absent (not null): every effect.'),
    tolerationSeconds: int32(0, 86_400)
      .optional()
      .describe("How long the engine may stay on a node that gets the taint; with effect 'NoExecute' only."),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        "has(self.key) || self.operator == 'Exists'",
        "`key` must be set unless `operator` is 'Exists'",
        'FieldValueRequired',
        '.key',
      ),
      rule(
        "!has(self.value) || self.value == '' || self.operator != 'Exists'",
        "`value` must not be set when `operator` is 'Exists'",
        'FieldValueForbidden',
        '.value',
      ),
      rule(
        "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        "`tolerationSeconds` must not be set unless `effect` is 'NoExecute'",
        'FieldValueForbidden',
        '.tolerationSeconds',
      ),
    ],
  })
  .describe('A Kubernetes toleration.');

export const gpuSchema = z
  .object({
    sharing: z
      .enum(['None', 'MIG', 'TimeSliced'])
      .default('None')
      .describe(
        'None: one engine has the whole GPU and the students share the engine, which is fastest. MIG: one engine per MIG slice. TimeSliced: several engines take turns on one GPU.',
      ),
    slicesPerGPU: int32(2, 48).optional().describe('TimeSliced only: how many engines share a GPU.'),
    migProfile: z
      .string()
      .min(6)
      .max(16)
      .regex(MIG_PROFILE)
      .optional()
      .describe('MIG only: the profile, such as 1g.10gb.'),
    gpusPerEngine: int32(1, 16)
      .default(1)
      .describe('Whole GPUs of one node that each engine spans (`--tensor-parallel-size`).'),
    product: labelValue
      .optional()
      .describe('Value of the node label nvidia.com/gpu.product, such as NVIDIA-A10.'),
    nodeSelector: z
      .record(labelKey, labelValue)
      .refine((labels) => Object.keys(labels).length <= NODE_SELECTOR_MAX, {
        error: `must not have more than ${NODE_SELECTOR_MAX} entries`,
      })
      .meta({ maxProperties: NODE_SELECTOR_MAX })
      .optional()
      .describe('Further labels that a node must have.'),
    tolerations: z
      .array(tolerationSchema)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .default([])
      .describe('Taints that the engines accept, besides nvidia.com/gpu.'),
    memoryMiB: int32(1024, 4_194_304)
      .optional()
      .describe('Memory of one slot, only where nodes carry no GPU labels.'),
    resourceName: z
      .string()
      .min(3)
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/)
      .optional()
      .describe('Extended resource to ask for. Default: from `sharing`.'),
    nodePreparation: z
      .enum(['Report', 'Manage'])
      .default('Report')
      .describe(
        'Report: the status says how to prepare the nodes. Manage: the operator cordons, drains and labels them.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        "self.sharing != 'MIG' || has(self.migProfile)",
        "`migProfile` must be set when `sharing` is 'MIG', for example '1g.10gb'",
        'FieldValueRequired',
        '.migProfile',
      ),
      rule(
        "self.sharing == 'MIG' || !has(self.migProfile)",
        "`migProfile` must not be set unless `sharing` is 'MIG'",
        'FieldValueForbidden',
        '.migProfile',
      ),
      rule(
        "self.sharing != 'TimeSliced' || has(self.slicesPerGPU)",
        "`slicesPerGPU` must be set when `sharing` is 'TimeSliced'",
        'FieldValueRequired',
        '.slicesPerGPU',
      ),
      rule(
        "self.sharing == 'TimeSliced' || !has(self.slicesPerGPU)",
        "`slicesPerGPU` must not be set unless `sharing` is 'TimeSliced'",
        'FieldValueForbidden',
        '.slicesPerGPU',
      ),
      rule(
        "self.sharing == 'None' || !has(self.gpusPerEngine) || self.gpusPerEngine == 1",
        "`gpusPerEngine` must be 1 unless `sharing` is 'None': slices cannot work together",
        'FieldValueInvalid',
        '.gpusPerEngine',
      ),
      rule(
        `!has(self.nodeSelector) || self.nodeSelector.all(k, k.size() <= 316 && k.matches('${LABEL_KEY.source.replaceAll('\\/', '/')}'))`,
        "`nodeSelector` must have label names as keys, such as 'nvidia.com/gpu.product'",
        'FieldValueInvalid',
        '.nodeSelector',
      ),
    ],
  })
  .describe('Which GPUs the engines run on, and how they share them.');

export type GpuSpec = z.infer<typeof gpuSchema>;
