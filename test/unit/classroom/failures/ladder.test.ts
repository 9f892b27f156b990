import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EngineFailureReason } from '../../../../src/api/reasons.ts';
import {
  figuresOf,
  honours,
  lowerSettings,
  type MemoryFigures,
  nextStep,
  type StepDraft,
} from '../../../../src/classroom/failures/ladder.ts';

const A10: MemoryFigures = {
  maxNumBatchedTokens: 2048,
  maxNumSeqs: 32,
  maxModelLen: 4096,
  gpuMemoryUtilization: 0.9,
};
const settingsOf = (figures: MemoryFigures) => ({
  ...figures,
  kvCacheMemoryBytes: undefined as number | undefined,
});
const GIB = 1024 ** 3;

/** Every step down of an engine that goes on running out of memory, with what it ran with after each. */
function wholeLadder(
  reason: EngineFailureReason,
  start: MemoryFigures,
  details: Record<string, string> = {},
) {
  const steps: StepDraft[] = [];
  const figures: MemoryFigures[] = [start];
  for (;;) {
    const now = lowerSettings(settingsOf(start), steps, undefined);
    const step = nextStep({ reason, details }, now, steps);
    if (step === undefined) return { steps, figures };
    steps.push(step);
    figures.push(lowerSettings(settingsOf(start), steps, undefined));
  }
}

const inWords = ({ setting, from, to }: StepDraft) => `${setting} ${from} → ${to}`;

describe('the steps of an engine that goes on failing', () => {
  test('out of GPU memory: tokens a step, then sequences, then context, then the share of the GPU', () => {
    expect(wholeLadder('OutOfGPUMemoryAtStart', A10).steps.map(inWords)).toEqual([
      'MaxNumBatchedTokens 2048 → 1024',
      'MaxNumBatchedTokens 1024 → 512',
      'MaxNumSeqs 32 → 16',
      'MaxNumSeqs 16 → 8',
      'MaxModelLen 4096 → 2048',
      'GPUMemoryUtilization 0.9 → 0.855',
      'GPUMemoryUtilization 0.855 → 0.812',
      'GPUMemoryUtilization 0.812 → 0.771',
      'GPUMemoryUtilization 0.771 → 0.732',
    ]);
  });

  test('the sampler: sequences, which are what it is tried with, then the share', () => {
    const settings = wholeLadder('SamplerOutOfMemory', A10).steps.map(({ setting }) => setting);
    expect([...new Set(settings)]).toEqual(['MaxNumSeqs', 'GPUMemoryUtilization']);
  });

  test('a KV cache too small: the context that vLLM says would fit, in one step', () => {
    const { steps } = wholeLadder('KVCacheTooSmall', { ...A10, maxModelLen: 131072 }, { most: '35472' });
    expect(steps.map(inWords)).toEqual(['MaxModelLen 131072 → 35328']);
  });

  test('a KV cache too small for any context of use: nothing', () => {
    expect(nextStep({ reason: 'KVCacheTooSmall', details: { most: '900' } }, A10, [])).toBeUndefined();
  });

  test('weights too large: tokens a step, which is all that makes room for the cache', () => {
    const { steps } = wholeLadder('WeightsDoNotFit', { ...A10, maxNumBatchedTokens: 8192 });
    expect(steps.map(inWords)).toEqual([
      'MaxNumBatchedTokens 8192 → 4096',
      'MaxNumBatchedTokens 4096 → 2048',
    ]);
  });

  test.each<EngineFailureReason>(['ModelNotFound', 'GPUMemoryTaken', 'EngineDied', 'HostOutOfMemory'])(
    '%s: none, for no setting of the engine is to blame',
    (reason) => {
      expect(nextStep({ reason, details: {} }, A10, [])).toBeUndefined();
    },
  );
});

const figures: fc.Arbitrary<MemoryFigures> = fc
  .record({
    maxNumSeqs: fc.integer({ min: 1, max: 4096 }),
    extraTokens: fc.integer({ min: 0, max: 65_536 }),
    maxModelLen: fc.integer({ min: 1, max: 1_000_000 }),
    permille: fc.integer({ min: 50, max: 980 }),
  })
  .map(({ maxNumSeqs, extraTokens, maxModelLen, permille }) => ({
    maxNumSeqs,
    maxNumBatchedTokens: maxNumSeqs + extraTokens,
    maxModelLen,
    gpuMemoryUtilization: permille / 1000,
  }));
const reasons = fc.constantFrom<EngineFailureReason>(
  'OutOfGPUMemoryAtStart',
  'OutOfGPUMemory',
  'SamplerOutOfMemory',
  'KVCacheTooSmall',
  'WeightsDoNotFit',
);
const details = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined }).map((most) => ({
  ...(most === undefined ? {} : { most: String(most) }),
}));

describe('whatever an engine begins with', () => {
  test('the ladder ends after a dozen steps at most', () => {
    fc.assert(
      fc.property(reasons, figures, details, (reason, start, said) => {
        expect(wholeLadder(reason, start, said).steps.length).toBeLessThanOrEqual(12);
      }),
    );
  });

  test('each step lowers one figure and raises none', () => {
    fc.assert(
      fc.property(reasons, figures, details, (reason, start, said) => {
        const all = wholeLadder(reason, start, said).figures;
        for (const [index, after] of all.slice(1).entries()) {
          const before = all[index] ?? start;
          const keys = Object.keys(before) as (keyof MemoryFigures)[];
          const lower = keys.filter((key) => after[key] < before[key]);
          expect(lower).toHaveLength(1);
          expect(keys.filter((key) => after[key] > before[key])).toEqual([]);
        }
      }),
    );
  });

  test('vLLM takes what comes out: no fewer tokens a step than sequences, all above nothing', () => {
    fc.assert(
      fc.property(reasons, figures, details, (reason, start, said) => {
        for (const after of wholeLadder(reason, start, said).figures) {
          expect(after.maxNumBatchedTokens).toBeGreaterThanOrEqual(after.maxNumSeqs);
          expect(Math.min(after.maxModelLen, after.maxNumSeqs)).toBeGreaterThanOrEqual(1);
          expect(after.gpuMemoryUtilization).toBeGreaterThanOrEqual(0.05);
        }
      }),
    );
  });

  test('engines that run with the steps honour them, and those that began before do not', () => {
    fc.assert(
      fc.property(reasons, figures, details, (reason, start, said) => {
        const { steps, figures: all } = wholeLadder(reason, start, said);
        expect(honours(all.at(-1) ?? start, steps)).toBe(true);
        if (steps.length > 0) expect(honours(start, steps)).toBe(false);
      }),
    );
  });

  test('steps hold whatever is planned later: nothing is higher than they say', () => {
    fc.assert(
      fc.property(reasons, figures, figures, (reason, start, later) => {
        const { steps } = wholeLadder(reason, start);
        expect(honours(lowerSettings(settingsOf(later), steps, undefined), steps)).toBe(true);
      }),
    );
  });
});

describe('a pinned KV cache', () => {
  const pinned = { ...A10, kvCacheMemoryBytes: 6 * GIB };
  const step = (setting: StepDraft['setting'], to: string) => ({ setting, to });

  test('stays as planned while other settings are lowered: what they free stays free', () => {
    const steps = [step('MaxNumBatchedTokens', '512'), step('MaxNumSeqs', '8')];
    expect(lowerSettings(pinned, steps, 22 * GIB).kvCacheMemoryBytes).toBe(6 * GIB);
  });

  test('gives up what the share of the GPU gives up', () => {
    const got = lowerSettings(pinned, [step('GPUMemoryUtilization', '0.8')], 20 * GIB).kvCacheMemoryBytes;
    expect((got ?? 0) / GIB).toBeCloseTo(4, 6);
  });

  test('keeps half of what was planned, however much is given up', () => {
    const steps = [step('GPUMemoryUtilization', '0.5')];
    expect(lowerSettings(pinned, steps, 22 * GIB).kvCacheMemoryBytes).toBe(3 * GIB);
    expect(lowerSettings(pinned, steps, undefined).kvCacheMemoryBytes).toBe(3 * GIB);
  });

  test('is not pinned by a step', () => {
    const steps = [step('GPUMemoryUtilization', '0.5')];
    expect(lowerSettings(settingsOf(A10), steps, 22 * GIB).kvCacheMemoryBytes).toBeUndefined();
  });
});

test('the figures of an engine are read from its arguments', () => {
  const args = [
    'Qwen/Qwen2.5-7B-Instruct',
    ...['--max-model-len', '4096', '--max-num-seqs', '8'],
    ...['--max-num-batched-tokens', '2048', '--gpu-memory-utilization', '0.90'],
  ];
  expect(figuresOf(args)).toEqual({ ...A10, maxNumSeqs: 8 });
  expect(figuresOf(args.slice(0, -2))).toBeUndefined();
});
