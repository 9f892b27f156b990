import { describe, expect, test } from '@jest/globals';
import { planEngine } from '../../../../src/gpu/planner/plan.ts';

/**
 * Requests of 4,096 tokens that the formula for vLLM 0.21 to 0.25 leaves room for, before any safety margin: share 0.9,
 * 32 sequences, 2,048 tokens a step. Calculated apart from this code. null: not even one.
 */
const TOTALS_GIB = [4.75, 9.5, 11.4, 14.6, 16.0, 19.5, 22.0, 39.25, 44.4, 79.1];
const HELD: readonly (readonly [string, 'None' | 'AWQ' | 'FP8', readonly (number | null)[]])[] = [
  ['qwen2.5-0.5b', 'None', [54.4, 145.6, 182.1, 243.5, 270.4, 337.6, 385.6, 716.8, 815.6, 1481.9]],
  ['qwen2.5-1.5b', 'None', [4.9, 43.9, 59.6, 85.9, 97.4, 126.2, 146.8, 288.7, 331.1, 616.7]],
  ['llama-3.2-1b', 'None', [9.0, 43.2, 56.9, 80.0, 90.0, 115.2, 133.2, 257.4, 294.5, 544.4]],
  ['qwen3-1.7b', 'None', [null, 10.3, 14.2, 20.8, 23.7, 30.9, 36.0, 71.5, 82.1, 153.5]],
  ['qwen2.5-3b', 'None', [null, 13.4, 25.6, 46.0, 55.0, 77.4, 93.4, 203.8, 236.8, 458.8]],
  ['qwen3-4b', 'None', [null, null, 3.3, 8.4, 10.7, 16.3, 20.3, 47.9, 56.1, 111.6]],
  ['qwen2.5-7b', 'AWQ', [null, 10.8, 18.6, 31.7, 37.5, 51.9, 62.2, 133.2, 154.4, 297.1]],
  ['qwen2.5-7b', 'None', [null, null, null, null, null, 10.7, 20.9, 91.9, 113.1, 255.9]],
  ['llama-3.1-8b', 'AWQ', [null, 4.5, 7.9, 13.7, 16.2, 22.5, 27.0, 58.0, 67.3, 129.8]],
  ['llama-3.1-8b', 'FP8', [null, null, 1.7, 7.4, 9.9, 16.2, 20.7, 51.8, 61.1, 123.5]],
  ['llama-3.1-8b', 'None', [null, null, null, null, null, 3.2, 7.7, 38.8, 48.0, 110.5]],
  ['qwen2.5-14b', 'AWQ', [null, null, null, 3.8, 5.5, 9.7, 12.7, 33.4, 39.5, 81.2]],
  ['qwen2.5-14b', 'None', [null, null, null, null, null, null, null, 9.0, 15.2, 56.8]],
  ['qwen2.5-32b', 'AWQ', [null, null, null, null, null, null, null, 16.1, 20.7, 52.0]],
];
const CELLS = HELD.flatMap(([model, quantization, held]) =>
  held.map((requests, index) => ({ model, quantization, requests, totalGiB: TOTALS_GIB[index] ?? 0 })),
);

function planOf(model: string, quantization: 'None' | 'AWQ' | 'FP8', totalGiB: number) {
  return planEngine({
    model: { id: model },
    slot: { memoryMiB: Math.floor(totalGiB * 1024) },
    quantization,
    maxModelLen: 4096,
    maxNumSeqs: 32,
    maxNumBatchedTokens: 2048,
    gpuMemoryUtilization: 0.9,
    vllmVersion: '0.25.0',
  });
}

describe('vLLM 0.21 to 0.25, which charge CUDA graphs', () => {
  test.each(CELLS.filter(({ requests }) => requests !== null))(
    '$model $quantization on $totalGiB GiB leaves $requests requests',
    ({ model, quantization, requests, totalGiB }) => {
      const { memory, kvCacheBytesPerToken } = planOf(model, quantization, totalGiB);
      const left = ((memory.kvCacheMiB + memory.heldBackMiB) * 2 ** 20) / kvCacheBytesPerToken / 4096;
      expect(Math.abs(left - (requests ?? 0))).toBeLessThan(0.1 + 0.005 * (requests ?? 0));
    },
  );

  test.each(CELLS.filter(({ requests }) => requests === null))(
    '$model $quantization on $totalGiB GiB is refused',
    ({ model, quantization, totalGiB }) => {
      expect(planOf(model, quantization, totalGiB).fits).toBe(false);
    },
  );

  test('an exact sum: Qwen2.5-7B AWQ on 22 GiB', () => {
    const { memory, kvCacheTokens } = planOf('qwen2.5-7b', 'AWQ', 22);
    expect(memory.activationsMiB / 1024).toBeCloseTo(0.394, 2);
    expect(memory.graphsMiB / 1024).toBeCloseTo(0.345, 2);
    expect(memory.kvCacheMiB / 1024).toBeCloseTo(13.605, 1);
    expect(Math.abs(kvCacheTokens / 254_736 - 1)).toBeLessThan(0.002);
  });

  test('an exact sum: Llama-3.1-8B on 79.1 GiB', () => {
    const { memory, kvCacheTokens } = planOf('llama-3.1-8b', 'None', 79.1);
    expect(memory.kvCacheMiB / 1024).toBeCloseTo(55.241, 1);
    expect(Math.abs(kvCacheTokens / 452_528 - 1)).toBeLessThan(0.002);
  });

  test.each([
    ['llama-3.1-8b', 'FP8', 11.4],
    ['qwen2.5-1.5b', 'None', 4.75],
  ] as const)('%s %s on %d GiB would start, with too little to spare', (model, quantization, totalGiB) => {
    expect(planOf(model, quantization, totalGiB).fits).toBe(false);
  });
});
