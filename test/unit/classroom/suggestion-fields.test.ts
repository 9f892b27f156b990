import { describe, expect, test } from '@jest/globals';
import { fieldsOf } from '../../../src/classroom/suggestion-fields.ts';
import type { SuggestedChange } from '../../../src/gpu/plan-types.ts';
import { type ClassroomDifference, classroom } from '../../support/builders.ts';

const fields = (change: SuggestedChange, spec: ClassroomDifference['spec'] = {}) =>
  fieldsOf(change, classroom({ spec }).spec);

describe('a suggested change is said in fields of the Classroom', () => {
  test.each<[SuggestedChange, string[]]>([
    [{ maxModelLen: 2048 }, ['model.maxModelLen: 2048']],
    [{ quantization: 'AWQ' }, ['model.quantization: AWQ']],
    [{ model: { id: 'Qwen/Qwen2.5-3B-Instruct' } }, ['model.id: Qwen/Qwen2.5-3B-Instruct']],
    [{ tensorParallel: 2 }, ['gpu.gpusPerEngine: 2']],
    [{ gpuMemoryUtilization: 0.29 }, ['engine.gpuMemoryUtilizationPercent: 29']],
    [{ gpuMemoryUtilization: 0.855 }, ['engine.gpuMemoryUtilizationPercent: 85']],
    [
      { kvCacheDtype: 'fp8', enforceEager: true },
      ['engine.extraArgs: [--kv-cache-dtype, fp8, --enforce-eager]'],
    ],
    [
      { maxNumSeqs: 16, maxNumBatchedTokens: 1024 },
      ['engine.maxNumSeqs: 16', 'engine.maxNumBatchedTokens: 1024'],
    ],
    [
      { replicas: { max: 3 }, studentsPerReplica: 5 },
      ['engine.replicas.max: 3', 'engine.replicas.studentsPerReplica: 5'],
    ],
  ])('%j', (change, want) => {
    expect(fields(change)).toEqual(want);
  });

  const sliced = { gpu: { sharing: 'TimeSliced', slicesPerGPU: 4 } } as const;
  const mig = { gpu: { sharing: 'MIG', migProfile: '1g.10gb' } } as const;
  test.each([
    { name: 'fewer slices', spec: sliced, slot: { slicesPerGPU: 2 }, want: ['gpu.slicesPerGPU: 2'] },
    { name: 'the whole GPU', spec: sliced, slot: { gpu: 'NVIDIA-A10' }, want: ['gpu.sharing: None'] },
    { name: 'a larger slice', spec: mig, slot: { migProfile: '2g.20gb' }, want: ['gpu.migProfile: 2g.20gb'] },
    { name: 'another GPU, which has to be there first', spec: {}, slot: { gpu: 'L40S' }, want: [] },
  ])('$name', ({ spec, slot, want }) => {
    expect(fields({ slot }, spec)).toEqual(want);
  });
});
