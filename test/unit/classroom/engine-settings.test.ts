import { describe, expect, test } from '@jest/globals';
import { cudaGraphStep, engineSettings } from '../../../src/classroom/engine-settings.ts';
import { type ClassroomDifference, classroom } from '../../support/builders.ts';

const settingsOf = (spec: ClassroomDifference['spec'], seats = 0) =>
  engineSettings(classroom({ spec }).spec, seats);

describe('sequences computed together', () => {
  test.each([
    { name: 'six students by default', spec: {}, want: 8 },
    { name: 'seven students need 8.4', spec: { engine: { replicas: { studentsPerReplica: 7 } } }, want: 16 },
    {
      name: 'ten students need 12',
      spec: { engine: { replicas: { studentsPerReplica: 10 } } },
      want: 16,
    },
    {
      name: 'twenty students need 24',
      spec: { engine: { replicas: { studentsPerReplica: 20 } } },
      want: 24,
    },
    { name: 'the spec says so', spec: { engine: { maxNumSeqs: 10 } }, want: 10 },
    {
      name: 'never more than tokens a step',
      spec: { engine: { maxNumBatchedTokens: 16, replicas: { studentsPerReplica: 40 } } },
      want: 16,
    },
  ])('$name: $want', ({ spec, want }) => {
    expect(settingsOf(spec).maxNumSeqs).toBe(want);
  });

  test('do not depend on the roster, so that a student who enrols restarts no engine', () => {
    const spec = { engine: { replicas: { min: 1, max: 1 } } };
    expect(settingsOf(spec, 40).maxNumSeqs).toBe(settingsOf(spec, 1).maxNumSeqs);
  });

  test.each([
    [1, 8],
    [8, 8],
    [8.4, 16],
    [33, 40],
  ])('%p are rounded up to the CUDA graph of %p', (sequences, want) => {
    expect(cudaGraphStep(sequences)).toBe(want);
  });
});

test('tokens a step are never fewer than sequences: vLLM would refuse to start', () => {
  expect(settingsOf({}).maxNumBatchedTokens).toBe(2048);
  expect(settingsOf({ engine: { maxNumSeqs: 4096 } }).maxNumBatchedTokens).toBe(4096);
});

describe('share of the GPU memory', () => {
  test.each([
    { name: 'one engine', spec: {}, want: 90 },
    { name: 'four time-slices', spec: { gpu: { sharing: 'TimeSliced', slicesPerGPU: 4 } }, want: 22 },
    {
      name: 'a MIG slice is a slot of its own',
      spec: { gpu: { sharing: 'MIG', migProfile: '1g.10gb' } },
      want: 90,
    },
    { name: 'the spec says so', spec: { engine: { gpuMemoryUtilizationPercent: 70 } }, want: 70 },
  ] as const)('$name: $want %', ({ spec, want }) => {
    expect(settingsOf(spec).gpuMemoryUtilizationPercent).toBe(want);
  });
});

describe('the extended resource', () => {
  test.each([
    { spec: {}, want: 'nvidia.com/gpu' },
    { spec: { gpu: { sharing: 'TimeSliced', slicesPerGPU: 4 } }, want: 'nvidia.com/gpu.shared' },
    { spec: { gpu: { sharing: 'MIG', migProfile: '1g.10gb' } }, want: 'nvidia.com/mig-1g.10gb' },
    { spec: { gpu: { sharing: 'MIG', migProfile: '1g.10gb+me' } }, want: 'nvidia.com/mig-1g.10gb.me' },
    { spec: { gpu: { resourceName: 'example.com/gpu' } }, want: 'example.com/gpu' },
  ] as const)('$want', ({ spec, want }) => {
    expect(settingsOf(spec).resourceName).toBe(want);
  });
});

describe('engines', () => {
  test.each([
    { name: 'as many as the seats need', seats: 7, min: 0, max: 4, want: 2 },
    { name: 'at least the minimum', seats: 0, min: 1, max: 4, want: 1 },
    { name: 'at most the maximum', seats: 100, min: 1, max: 4, want: 4 },
    { name: 'none without seats where that is allowed', seats: 0, min: 0, max: 4, want: 0 },
  ])('$name', ({ seats, min, max, want }) => {
    expect(settingsOf({ engine: { replicas: { min, max } } }, seats).replicas).toBe(want);
  });

  test('too few for the class are pointed out', () => {
    expect(settingsOf({}, 6).basis).not.toContain('more than');
    expect(settingsOf({}, 20).basis).toContain('20 students are more than 1 × 6: some will wait.');
  });
});
