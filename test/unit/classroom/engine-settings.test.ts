import { describe, expect, test } from '@jest/globals';
import {
  cudaGraphStep,
  type EnginePlanning,
  planEngines,
  planStatusOf,
  replicasFor,
} from '../../../src/classroom/engine-settings.ts';
import { fitsCondition } from '../../../src/classroom/fits-condition.ts';
import { type ClassroomDifference, classroom } from '../../support/builders.ts';

const UNKNOWN = { kind: 'unknown' as const, why: 'no node suits the class' };
const A10 = { kind: 'known' as const, request: { gpu: 'NVIDIA-A10', labelMemoryMiB: 23_028 } };
const GPU = 'nvidia.com/gpu';

const planningOf = (spec: ClassroomDifference['spec'], slot: Parameters<typeof planEngines>[1] = A10) =>
  planEngines(classroom({ spec }).spec, slot, GPU);

function settingsOf(spec: ClassroomDifference['spec'], slot: Parameters<typeof planEngines>[1] = UNKNOWN) {
  const planning = planningOf(spec, slot);
  if (planning.kind === 'unfit') throw new Error(planning.plan.reason);
  return planning.settings;
}

describe('where the memory of an engine is known', () => {
  test('its figures are planned, and the KV cache pinned', () => {
    const planning = planningOf({});
    expect(planning).toMatchObject({ kind: 'fits', plan: { fits: true, gpu: { name: expect.any(String) } } });
    const { settings, plan } = planning as Extract<EnginePlanning, { kind: 'fits' }>;
    expect(settings).toMatchObject({
      maxNumSeqs: plan.settings.maxNumSeqs,
      gpuMemoryUtilization: plan.settings.gpuMemoryUtilization,
      kvCacheMemoryBytes: plan.settings.kvCacheMemoryBytes,
      studentsPerReplica: plan.students,
    });
  });

  test('the status has the sum', () => {
    const planning = planningOf({}) as Extract<EnginePlanning, { kind: 'fits' }>;
    expect(planStatusOf(planning)).toMatchObject({
      memory: planning.plan.memory,
      kvCacheTokens: planning.plan.kvCacheTokens,
      studentsPerReplica: planning.plan.students,
    });
  });

  test('so does the condition Fits, in words', () => {
    const condition = fitsCondition(planningOf({}), classroom().spec);
    expect(condition).toMatchObject({ type: 'Fits', status: 'True', reason: 'PlanFits' });
    expect(condition.message).toContain('The sum: ');
  });

  test.each(['acme/tutor-7b', 'acme/tutor-70b'])('a guess is called one: %s', (id) => {
    const { message } = fitsCondition(planningOf({ model: { id } }), classroom().spec);
    expect(message).toContain('are guessed from the size in its name.');
    expect(message).toContain('State what is known of the model in `model.facts`.');
  });

  test('a model that is too large has no settings, and the condition says why and what would fit', () => {
    const planning = planningOf({ model: { id: 'Qwen/Qwen2.5-14B-Instruct' } });
    expect(planning.kind).toBe('unfit');
    expect(planStatusOf(planning)).toBeUndefined();
    const condition = fitsCondition(planning, classroom().spec);
    expect(condition).toMatchObject({ status: 'False', reason: 'WeightsTooLarge' });
    expect(condition.message).toContain('What would fit: ');
    expect(condition.message).toContain('`model.quantization: AWQ`');
    expect(condition.message).toContain('It is not started');
  });

  test('a model of which nobody knows anything is started by rules of thumb', () => {
    const planning = planningOf({ model: { id: 'acme/tutor' } });
    expect(planning).toMatchObject({ kind: 'unchecked', reason: 'ModelUnknown' });
    const condition = fitsCondition(planning, classroom().spec);
    expect(condition).toMatchObject({ status: 'Unknown', reason: 'ModelUnknown' });
    expect(condition.message).toContain('`model.facts`');
  });

  test('students that the spec gives to an engine are not put in question by the plan', () => {
    expect(settingsOf({ engine: { replicas: { studentsPerReplica: 3 } } }, A10).studentsPerReplica).toBe(3);
  });
});

describe('where nobody knows how much memory an engine has', () => {
  test('it is started by rules of thumb, and the condition Fits says so', () => {
    const planning = planningOf({}, UNKNOWN);
    expect(fitsCondition(planning, classroom().spec)).toEqual({
      type: 'Fits',
      status: 'Unknown',
      reason: 'GPUMemoryUnknown',
      message:
        'How much memory an engine has is not known: no node suits the class. The engines are started with figures by rules of thumb, and may run out of memory. To have it checked, let GPU feature discovery label the nodes, or state the memory of one slot in `gpu.memoryMiB`.',
    });
    expect(planStatusOf(planning)?.basis).toMatch(/^Rules of thumb\./);
    expect(settingsOf({}).kvCacheMemoryBytes).toBeUndefined();
  });

  test.each([
    { name: 'six students by default', spec: {}, want: 8 },
    { name: 'seven students need 8.4', spec: { engine: { replicas: { studentsPerReplica: 7 } } }, want: 16 },
    { name: 'twenty students need 24', spec: { engine: { replicas: { studentsPerReplica: 20 } } }, want: 24 },
    { name: 'the spec says so', spec: { engine: { maxNumSeqs: 10 } }, want: 10 },
    {
      name: 'never more than tokens a step',
      spec: { engine: { maxNumBatchedTokens: 16, replicas: { studentsPerReplica: 40 } } },
      want: 16,
    },
  ])('sequences computed together: $name: $want', ({ spec, want }) => {
    expect(settingsOf(spec).maxNumSeqs).toBe(want);
  });

  test('tokens a step are never fewer than sequences: vLLM would refuse to start', () => {
    expect(settingsOf({}).maxNumBatchedTokens).toBe(2048);
    expect(settingsOf({ engine: { maxNumSeqs: 4096 } }).maxNumBatchedTokens).toBe(4096);
  });

  test.each([
    { name: 'one engine', spec: {}, want: 0.9 },
    { name: 'four time-slices', spec: { gpu: { sharing: 'TimeSliced', slicesPerGPU: 4 } }, want: 0.22 },
    {
      name: 'a MIG slice is a slot of its own',
      spec: { gpu: { sharing: 'MIG', migProfile: '1g.10gb' } },
      want: 0.9,
    },
    { name: 'the spec says so', spec: { engine: { gpuMemoryUtilizationPercent: 70 } }, want: 0.7 },
  ] as const)('share of the GPU memory: $name: $want', ({ spec, want }) => {
    expect(settingsOf(spec).gpuMemoryUtilization).toBe(want);
  });
});

test.each([
  [1, 8],
  [8, 8],
  [8.4, 16],
  [33, 40],
])('%p sequences are rounded up to the CUDA graph of %p', (sequences, want) => {
  expect(cudaGraphStep(sequences)).toBe(want);
});

describe('units of the resource', () => {
  test.each([
    { gpu: {}, want: 1 },
    { gpu: { gpusPerEngine: 4 }, want: 4 },
    { gpu: { sharing: 'MIG', migProfile: '1g.10gb' }, want: 1 },
    { gpu: { sharing: 'TimeSliced', slicesPerGPU: 4 }, want: 1 },
  ] as const)('$gpu: $want', ({ gpu, want }) => {
    expect(settingsOf({ gpu }).resourceCount).toBe(want);
  });
});

describe('engines', () => {
  test.each([
    { name: 'as many as the seats need', seats: 7, min: 0, max: 4, want: 2 },
    { name: 'at least the minimum', seats: 0, min: 1, max: 4, want: 1 },
    { name: 'at most the maximum', seats: 100, min: 1, max: 4, want: 4 },
    { name: 'none without seats where that is allowed', seats: 0, min: 0, max: 4, want: 0 },
  ])('$name', ({ seats, min, max, want }) => {
    expect(replicasFor(seats, 6, { min, max })).toBe(want);
  });
});
