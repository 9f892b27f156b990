import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GPUS } from '../../../../src/gpu/hardware/gpu-table.ts';
import { CATALOGUE } from '../../../../src/gpu/model/catalogue.ts';
import { type PlanInput, QUANTIZATIONS } from '../../../../src/gpu/plan-types.ts';
import { planEngine } from '../../../../src/gpu/planner/plan.ts';

const models = fc.constantFrom(...CATALOGUE.map(({ name }) => name), 'someone/nice-7b', 'someone/mix-8x7b');
const slots: fc.Arbitrary<PlanInput['slot']> = fc.oneof(
  fc.constantFrom(...GPUS).map(({ name }) => ({ gpu: name })),
  fc.record({ gpu: fc.constantFrom('A10', 'H100', 'L40S'), slicesPerGPU: fc.integer({ min: 2, max: 8 }) }),
  fc
    .constantFrom('1g.10gb', '1g.20gb', '2g.20gb', '3g.40gb')
    .map((migProfile) => ({ gpu: 'H100', migProfile })),
  fc.integer({ min: 2048, max: 160_000 }).map((memoryMiB) => ({ memoryMiB })),
);
const optional = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: undefined });
const requests: fc.Arbitrary<PlanInput> = fc.record({
  model: models.map((id) => ({ id })),
  slot: slots,
  tensorParallel: fc.constantFrom(1, 1, 1, 2, 4, 8),
  quantization: fc.constantFrom(...QUANTIZATIONS),
  kvCacheDtype: fc.constantFrom('auto' as const, 'fp8' as const),
  maxModelLen: fc.integer({ min: 256, max: 40_000 }),
  maxNumSeqs: optional(fc.integer({ min: 1, max: 512 })),
  maxNumBatchedTokens: optional(fc.constantFrom(512, 2048, 8192, 16_384)),
  gpuMemoryUtilization: optional(fc.integer({ min: 50, max: 96 }).map((percent) => percent / 100)),
  enforceEager: fc.boolean(),
  vllmVersion: fc.constantFrom('0.16.0', '0.19.0', '0.22.0', '0.26.0', '0.32.0'),
  students: optional(fc.integer({ min: 0, max: 200 })),
  studentsPerReplica: optional(fc.integer({ min: 1, max: 60 })),
});

describe('of any plan', () => {
  test('more memory never gives fewer tokens', () => {
    fc.assert(
      fc.property(
        requests,
        fc.integer({ min: 4096, max: 150_000 }),
        fc.integer({ min: 1, max: 20_000 }),
        (request, less, more) => {
          const at = (memoryMiB: number) => planEngine({ ...request, slot: { ...request.slot, memoryMiB } });
          const [small, large] = [at(less), at(less + more)];
          expect(large.kvCacheTokens).toBeGreaterThanOrEqual(small.kvCacheTokens);
          expect(large.memory.kvCacheMiB).toBeGreaterThanOrEqual(small.memory.kvCacheMiB);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('the sum comes out', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const { budgetMiB, weightsMiB, activationsMiB, graphsMiB, overheadMiB, kvCacheMiB } =
          planEngine(request).memory;
        expect(weightsMiB + activationsMiB + graphsMiB + overheadMiB + kvCacheMiB).toBe(budgetMiB);
      }),
      { numRuns: 150 },
    );
  });

  test('what fits holds one request, stays within the GPU, and has arguments; what does not has none', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const plan = planEngine(request);
        expect(plan.engineArgs.length > 0).toBe(plan.fits);
        expect(plan.students > 0).toBe(plan.fits);
        if (!plan.fits) return;
        expect(plan.kvCacheTokens).toBeGreaterThanOrEqual(plan.settings.maxModelLen);
        expect(plan.maxConcurrentSequences).toBeGreaterThanOrEqual(1);
        expect(plan.physical.underLoadMiB).toBeLessThanOrEqual(plan.physical.availableMiB);
        expect(plan.memory.heldBackMiB).toBeGreaterThanOrEqual(0);
        expect(plan.settings.maxNumSeqs).toBeLessThanOrEqual(plan.settings.maxNumBatchedTokens);
      }),
      { numRuns: 200 },
    );
  });

  test('a suggestion fits when it is followed, and carries all students', () => {
    fc.assert(
      fc.property(requests, (request) => {
        for (const { change, students, kvCacheTokens } of planEngine(request).suggestions) {
          const plan = planEngine({ ...request, ...change });
          expect(plan).toMatchObject({ fits: true, students, kvCacheTokens });
          expect(plan.students * plan.replicas).toBeGreaterThanOrEqual(request.students ?? 0);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('a longer context never carries more students', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 10_000 }), (request, more) => {
        const longer = planEngine({ ...request, maxModelLen: (request.maxModelLen ?? 0) + more });
        expect(longer.students).toBeLessThanOrEqual(planEngine(request).students);
      }),
      { numRuns: 100 },
    );
  });

  test('fewer bits never leave less for the cache', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const left = (quantization: PlanInput['quantization']) =>
          planEngine({ ...request, quantization }).memory.kvCacheMiB;
        expect(left('FP8')).toBeGreaterThanOrEqual(left('None'));
      }),
      { numRuns: 100 },
    );
  });

  test('the same request gives the same plan', () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(planEngine(request)).toEqual(planEngine(request));
      }),
      { numRuns: 50 },
    );
  });
});
