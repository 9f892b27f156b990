import { describe, expect, test } from '@jest/globals';
import { type PlanFiles, parseModelConfig, planInput } from '../../../../src/cli/plan/input.ts';
import type { EngineOptions } from '../../../../src/cli/plan/options.ts';
import { planRequestSchema } from '../../../../src/gpu/plan-types.ts';
import { type ClassroomDifference, classroom } from '../../../support/builders.ts';

const requestOf = (options: Partial<EngineOptions>, files: PlanFiles = {}) =>
  planRequestSchema.parse(planInput({ enforceEager: false, output: 'table', ...options }, files));

const classFile = (spec: ClassroomDifference['spec'], students?: number): PlanFiles => ({
  classFile: { classroom: classroom({ spec }), students },
});

test('every flag reaches the planner', () => {
  const options: EngineOptions = {
    model: 'Qwen/Qwen2.5-7B-Instruct',
    gpu: 'A10',
    memoryMib: 22_000,
    slicesPerGpu: 4,
    tensorParallel: 1,
    quantization: 'AWQ',
    kvCacheDtype: 'fp8',
    maxModelLen: 2048,
    maxNumSeqs: 16,
    maxNumBatchedTokens: 1024,
    gpuMemoryUtilization: 0.2,
    enforceEager: true,
    vllmVersion: '0.26.0',
    students: 20,
    output: 'json',
  };
  expect(requestOf(options)).toMatchObject({
    model: { id: 'Qwen/Qwen2.5-7B-Instruct' },
    slot: { gpu: 'A10', memoryMiB: 22_000, slicesPerGPU: 4 },
    tensorParallel: 1,
    quantization: 'AWQ',
    kvCacheDtype: 'fp8',
    maxModelLen: 2048,
    maxNumSeqs: 16,
    maxNumBatchedTokens: 1024,
    gpuMemoryUtilization: 0.2,
    enforceEager: true,
    vllmVersion: '0.26.0',
    students: 20,
  });
  expect(requestOf({ model: 'a/b', gpu: 'H100', migProfile: '1g.10gb' }).slot).toEqual({
    gpu: 'H100',
    migProfile: '1g.10gb',
  });
});

test('what no flag says is left to the planner', () => {
  expect(requestOf({ model: 'a/b', gpu: 'A10' })).toEqual(
    planRequestSchema.parse({ model: { id: 'a/b' }, slot: { gpu: 'A10' } }),
  );
});

describe('a class from a file', () => {
  test('is planned as it is written, with the students in the file', () => {
    const spec = {
      model: { id: 'a/b', maxModelLen: 8192 },
      gpu: { product: 'NVIDIA-A10' },
      engine: { replicas: { min: 0, max: 4, studentsPerReplica: 5 } },
    };
    expect(requestOf({}, classFile(spec, 12))).toMatchObject({
      model: { id: 'a/b' },
      slot: { gpu: 'NVIDIA-A10' },
      maxModelLen: 8192,
      students: 12,
      studentsPerReplica: 5,
      replicas: { min: 0, max: 4 },
    });
  });

  test('flags win over it', () => {
    const files = classFile(
      { model: { maxModelLen: 8192, quantization: 'AWQ' }, gpu: { product: 'NVIDIA-A10' } },
      12,
    );
    expect(requestOf({ maxModelLen: 2048, students: 30, quantization: 'None' }, files)).toMatchObject({
      maxModelLen: 2048,
      quantization: 'None',
      students: 30,
      slot: { gpu: 'NVIDIA-A10' },
    });
  });

  test('another model leaves nothing of the facts that were stated for the one in the class', () => {
    const files = classFile({ model: { id: 'acme/tutor', facts: { layers: 24 } } });
    expect(requestOf({ model: 'a/b' }, files).model).toEqual({ id: 'a/b' });
  });

  test('another GPU leaves nothing of the memory that was stated for the one in the class', () => {
    const files = classFile({ gpu: { memoryMiB: 12_000 } });
    expect(requestOf({ gpu: 'A10' }, files).slot).toEqual({ gpu: 'A10' });
    expect(requestOf({ memoryMib: 9000 }, files).slot).toEqual({ memoryMiB: 9000 });
  });

  test('another memory figure leaves the GPU of the class: it says what the GPU can compute', () => {
    const files = classFile({ gpu: { product: 'NVIDIA-T4', memoryMiB: 12_000 } });
    expect(requestOf({ memoryMib: 9000 }, files).slot).toEqual({ gpu: 'NVIDIA-T4', memoryMiB: 9000 });
  });

  test.each<[string, Partial<EngineOptions>, { slot: object; tensorParallel: number }]>([
    ['nothing', {}, { slot: { migProfile: '1g.10gb' }, tensorParallel: 1 }],
    ['time-slices', { slicesPerGpu: 2 }, { slot: { slicesPerGPU: 2 }, tensorParallel: 1 }],
    ['the whole GPU', { slicesPerGpu: 1 }, { slot: {}, tensorParallel: 1 }],
    ['another profile', { migProfile: '2g.20gb' }, { slot: { migProfile: '2g.20gb' }, tensorParallel: 1 }],
    ['several GPUs', { tensorParallel: 2 }, { slot: {}, tensorParallel: 2 }],
  ])('a class on MIG slices, with flags for %s', (_name, options, want) => {
    const product = 'NVIDIA-H100-80GB-HBM3';
    const { slot, tensorParallel } = requestOf(
      options,
      classFile({ gpu: { product, sharing: 'MIG', migProfile: '1g.10gb' } }),
    );
    expect({ slot, tensorParallel }).toEqual({ ...want, slot: { gpu: product, ...want.slot } });
  });

  test('a class over two GPUs is over one when its GPU is cut', () => {
    const files = classFile({ gpu: { product: 'NVIDIA-H100-80GB-HBM3', gpusPerEngine: 2 } });
    expect(requestOf({}, files).tensorParallel).toBe(2);
    expect(requestOf({ migProfile: '3g.40gb' }, files).tensorParallel).toBe(1);
  });
});

describe('a config.json', () => {
  const config = { hidden_size: 3584, num_hidden_layers: 28 };

  test('describes the model, with or without a name', () => {
    const modelConfig = parseModelConfig(JSON.stringify(config));
    expect(requestOf({ gpu: 'A10' }, { modelConfig }).model).toEqual({ config });
    expect(requestOf({ gpu: 'A10', model: 'a/b' }, { modelConfig }).model).toEqual({ id: 'a/b', config });
  });

  test.each(['', '{', '[]', '3'])('%p is none', (text) => {
    expect(() => parseModelConfig(text)).toThrow();
  });
});
