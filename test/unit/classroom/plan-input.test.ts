import { describe, expect, test } from '@jest/globals';
import { planInputOf, releaseOf } from '../../../src/classroom/plan-input.ts';
import { planRequestSchema } from '../../../src/gpu/plan-types.ts';
import { type ClassroomDifference, classroom } from '../../support/builders.ts';

const requestOf = (spec: ClassroomDifference['spec']) =>
  planRequestSchema.parse(planInputOf(classroom({ spec }).spec));

describe('where one engine runs', () => {
  test.each([
    {
      name: 'a whole GPU',
      gpu: { product: 'NVIDIA-A10' },
      want: { gpu: 'NVIDIA-A10' },
    },
    {
      name: 'a slice of MIG',
      gpu: { product: 'NVIDIA-H100-80GB-HBM3', sharing: 'MIG', migProfile: '1g.10gb' },
      want: { gpu: 'NVIDIA-H100-80GB-HBM3', migProfile: '1g.10gb' },
    },
    {
      name: 'a time-slice',
      gpu: { product: 'NVIDIA-A10', sharing: 'TimeSliced', slicesPerGPU: 4 },
      want: { gpu: 'NVIDIA-A10', slicesPerGPU: 4 },
    },
    { name: 'a GPU without labels', gpu: { memoryMiB: 24_000 }, want: { labelMemoryMiB: 24_000 } },
    {
      name: 'a time-slice of a GPU without labels: the class states a slot, the planner wants the GPU',
      gpu: { memoryMiB: 6000, sharing: 'TimeSliced', slicesPerGPU: 4 },
      want: { labelMemoryMiB: 24_000, slicesPerGPU: 4 },
    },
  ] as const)('$name', ({ gpu, want }) => {
    expect(requestOf({ gpu }).slot).toEqual(want);
  });

  test('over several whole GPUs', () => {
    expect(requestOf({ gpu: { gpusPerEngine: 2 } }).tensorParallel).toBe(2);
  });
});

test('figures of the spec are kept, and what it leaves out is left to the planner', () => {
  expect(requestOf({})).toMatchObject({
    maxNumSeqs: undefined,
    maxNumBatchedTokens: undefined,
    gpuMemoryUtilization: undefined,
    studentsPerReplica: undefined,
    lora: undefined,
  });
  const stated = {
    model: { id: 'Qwen/Qwen2.5-7B-Instruct-AWQ', quantization: 'AWQ', maxModelLen: 8192 },
    engine: {
      maxNumSeqs: 24,
      maxNumBatchedTokens: 4096,
      gpuMemoryUtilizationPercent: 85,
      replicas: { min: 0, max: 4, studentsPerReplica: 5 },
    },
    limits: { perStudent: { concurrentRequests: 3 } },
  } as const;
  expect(requestOf(stated)).toMatchObject({
    model: { id: 'Qwen/Qwen2.5-7B-Instruct-AWQ' },
    quantization: 'AWQ',
    maxModelLen: 8192,
    maxNumSeqs: 24,
    maxNumBatchedTokens: 4096,
    gpuMemoryUtilization: 0.85,
    studentsPerReplica: 5,
    requestsPerStudent: 3,
    replicas: { min: 0, max: 4 },
  });
});

test('facts of a model that nobody else describes are passed on', () => {
  const model = { id: 'acme/tutor', facts: { layers: 24, hiddenSize: 896 } };
  expect(requestOf({ model }).model).toEqual(model);
});

test('adapters take memory', () => {
  const adapters = [{ name: 'sql-tutor', path: 'adapters/sql-tutor' }];
  const model = { storage: { claimName: 'models' } };
  expect(requestOf({ adapters, model }).lora).toBeDefined();
});

describe("of the trainer's own arguments those count that change memory", () => {
  test.each([
    { extraArgs: ['--kv-cache-dtype', 'fp8'], want: { kvCacheDtype: 'fp8', enforceEager: false } },
    { extraArgs: ['--kv_cache_dtype=fp8_e4m3'], want: { kvCacheDtype: 'fp8_e4m3' } },
    { extraArgs: ['--seed', '1', '--enforce-eager'], want: { kvCacheDtype: 'auto', enforceEager: true } },
  ])('$extraArgs', ({ extraArgs, want }) => {
    expect(requestOf({ engine: { extraArgs } })).toMatchObject(want);
  });
});

test.each([
  ['vllm/vllm-openai:v0.32.0', '0.32.0'],
  ['registry.test:5000/vllm:0.26.0-cu129', '0.26.0'],
  ['vllm/vllm-openai:latest', undefined],
  ['registry.test:5000/vllm', undefined],
  ['vllm/vllm-openai:v0.32.0@sha256:0123', '0.32.0'],
])('the release of %s is %s', (image, want) => {
  expect(releaseOf(image)).toBe(want);
});
