import { z } from 'zod';
import { dnsLabel, dnsSubdomain, int32, listBy, text, volumePath } from './bounds.ts';
import { rule } from './cel.ts';
import { weeklyWindowSchema } from './schedule.ts';

const hyperparametersSchema = z
  .object({
    rank: int32(1, 512).default(8).describe('LoRA rank.'),
    epochs: int32(1, 1000).default(1).describe('Passes over the dataset.'),
    learningRate: z
      .string()
      .min(1)
      .max(32)
      .regex(/^[0-9]+(\.[0-9]+)?([eE]-?[0-9]{1,3})?$/)
      .optional()
      .describe("Learning rate as text, such as '2e-4'."),
    batchSize: int32(1, 1024).optional().describe('Examples in one step.'),
    sequenceLength: int32(16, 1_048_576).optional().describe('Tokens of one example.'),
  })
  .describe('What the trainer is told.');

const jobSchema = z
  .object({
    name: dnsLabel(40).describe('Name of the job and of the adapter that it makes.'),
    dataset: z
      .object({
        claimName: dnsSubdomain().describe('PersistentVolumeClaim that holds the dataset.'),
        path: volumePath(512).describe('File on that volume.'),
      })
      .describe('The examples to learn from.'),
    trainer: z
      .enum(['Axolotl', 'LlamaFactory', 'Custom'])
      .default('Axolotl')
      .describe('The training program.'),
    image: text(512).optional().describe("Container image; required with trainer 'Custom'."),
    command: z
      .array(text(1024))
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional()
      .describe("Command of a 'Custom' trainer."),
    hyperparameters: hyperparametersSchema.prefault({}),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        "self.trainer != 'Custom' || has(self.image)",
        "`image` must be set when `trainer` is 'Custom'",
        'FieldValueRequired',
        '.image',
      ),
    ],
  });

export const fineTuningSchema = z
  .object({
    window: weeklyWindowSchema.describe(
      'When the GPUs may be used for training; the class must be closed and idle.',
    ),
    jobs: listBy('name', jobSchema, { min: 1, max: 32 }).describe('Jobs, run one after another.'),
  })
  .describe('LoRA fine-tuning on the idle GPUs.');
