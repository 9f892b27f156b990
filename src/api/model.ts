import { z } from 'zod';
import { dnsSubdomain, int32, int64, quantity, secretKey, setOf, text } from './bounds.ts';
import { rule } from './cel.ts';

const servedName = text(128).regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/);

/** Where the model volume is mounted in every engine: a `model.id` that is a path lies below it. */
export const MODEL_VOLUME_PATH = '/models';

export const secretKeyRefSchema = z
  .object({
    name: dnsSubdomain().describe('Name of a Secret in the namespace of the class.'),
    key: secretKey().default('token').describe('Key in that Secret.'),
  })
  .describe('Where the Hugging Face token of a private or gated model is.');

export const storageSchema = z
  .object({
    claimName: dnsSubdomain()
      .optional()
      .describe('An existing PersistentVolumeClaim in the namespace of the class.'),
    size: quantity()
      .optional()
      .describe('Make one PersistentVolumeClaim of this size, and keep it when the class is deleted.'),
    storageClassName: dnsSubdomain().optional().describe('StorageClass of the claim that is made.'),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        'has(self.claimName) != has(self.size)',
        '`storage` must have either `claimName` or `size`',
        'FieldValueInvalid',
      ),
      rule(
        '!has(self.storageClassName) || has(self.size)',
        '`storageClassName` must not be set without `size`',
        'FieldValueForbidden',
        '.storageClassName',
      ),
    ],
  })
  .describe("Where model files and vLLM's compile caches live. Absent: a volume that goes with the pod.");

/** Architecture facts of a model that neither the catalogue nor its config.json describes. */
export const modelFactsSchema = z
  .object({
    parameters: int64(1).optional().describe('Number of parameters.'),
    layers: int32(1, 1000).optional().describe('Number of hidden layers.'),
    hiddenSize: int32(1, 1_000_000).optional().describe('Width of the hidden state.'),
    intermediateSize: int32(1, 1_000_000).optional().describe('Width of the feed-forward layers.'),
    attentionHeads: int32(1, 10_000).optional().describe('Number of attention heads.'),
    keyValueHeads: int32(1, 10_000)
      .optional()
      .describe('Number of key-value heads (grouped-query attention).'),
    headDimension: int32(1, 10_000).optional().describe('Size of one attention head.'),
    vocabularySize: int32(1, 10_000_000).optional().describe('Number of tokens in the vocabulary.'),
    bytesPerParameter: int32(1, 8).optional().describe('Bytes of one weight in the checkpoint.'),
  })
  .describe('Architecture facts, only for models that neither the catalogue nor config.json describes.');

export const modelSchema = z
  .object({
    id: text(512).describe(
      'What vLLM loads: a Hugging Face model id, or an absolute path on the model volume.',
    ),
    servedName: servedName.optional().describe('The name students write as `model`. Default: `id`.'),
    aliases: setOf(servedName, { max: 16 }).default([]).describe('Further names students may write.'),
    revision: text(256).optional().describe('Branch, tag or commit on the hub.'),
    maxModelLen: int32(128, 10_000_000)
      .default(4096)
      .describe('Context length in tokens, prompt and completion together (`--max-model-len`).'),
    quantization: z
      .enum(['None', 'AWQ', 'FP8', 'GPTQ', 'BitsAndBytes'])
      .default('None')
      .describe('None means: as the checkpoint says.'),
    tokenSecretRef: secretKeyRefSchema.optional(),
    storage: storageSchema.optional(),
    facts: modelFactsSchema.optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        '!(has(self.servedName) ? self.servedName : self.id).startsWith("/")',
        '`servedName` must be set where `id` is a path',
        'FieldValueRequired',
        '.servedName',
      ),
      rule(
        '!has(self.aliases) || !self.aliases.exists(a, a == (has(self.servedName) ? self.servedName : self.id))',
        '`aliases` must not repeat the served name',
        'FieldValueInvalid',
        '.aliases',
      ),
    ],
  })
  .describe('The model of the class.');

export type ModelSpec = z.infer<typeof modelSchema>;

/** The first name under which the engine serves the model: what students write, and what answers carry. */
export function servedNameOf(model: Pick<ModelSpec, 'id' | 'servedName'>): string {
  return model.servedName ?? model.id;
}
