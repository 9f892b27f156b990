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

const LLAMA_8B = {
  model_type: 'llama',
  num_hidden_layers: 32,
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128_256,
};
/** What a config.json may say without being refused, sense or nonsense. */
const count = fc.constantFrom(0, 1, 2, 7, 64, 4096, 100_000, null);
const ODD_FIELDS = {
  model_type: fc.constantFrom(
    'qwen2',
    'gemma3_text',
    'gpt_oss',
    'mixtral',
    'deepseek_v3',
    'llama4',
    'constructor',
  ),
  intermediate_size: fc.constantFrom(1, [64, 4096], null),
  head_dim: count,
  num_key_value_heads: fc.constantFrom(1, 7, 4096, null),
  sliding_window: count,
  sliding_window_pattern: fc.constantFrom(1, 6, 'LLLG', '', null),
  layer_types: fc.constantFrom([], ['full_attention'], Array(64).fill('sliding_attention'), null),
  use_sliding_window: fc.boolean(),
  max_window_layers: count,
  num_local_experts: count,
  moe_intermediate_size: count,
  n_shared_experts: count,
  first_k_dense_replace: count,
  mlp_only_layers: fc.constantFrom([], [0, 1]),
  kv_lora_rank: count,
  q_lora_rank: count,
  qk_rope_head_dim: count,
  v_head_dim: count,
  max_position_embeddings: fc.constantFrom(1, 4096, 1e9, null),
  num_parameters: fc.constantFrom(1, 1e9, 1e18, null),
  rope_scaling: fc.record({
    rope_type: fc.constantFrom('yarn', 'linear', 'llama3'),
    factor: fc.constantFrom(0, -1, 4, 1e300, 'much'),
    original_max_position_embeddings: fc.constantFrom(0, 8192),
  }),
  quantization_config: fc.record({
    quant_method: fc.constantFrom('awq', 'gptq', 'fp8', 'mxfp4', 'compressed-tensors', 'new'),
    bits: fc.constantFrom(-4, 0, 4, 8),
    group_size: fc.constantFrom(-1, 0, 128),
    weight_block_size: fc.constantFrom([0], [128, 128], null),
  }),
  vision_config: fc.record({ hidden_size: fc.constantFrom(0, 1152), depth: fc.constantFrom(1, 1e6) }),
};

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
          expect(large.students).toBeGreaterThanOrEqual(small.students);
          if (small.fits) expect(large.fits).toBe(true);
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

  test.each<['maxModelLen' | 'maxNumSeqs' | 'maxNumBatchedTokens', number]>([
    ['maxModelLen', 40_000],
    ['maxNumSeqs', 2048],
    ['maxNumBatchedTokens', 32_768],
  ])(
    'a higher %s never leaves more for the cache, nor makes more requests of full length fit',
    (field, max) => {
      const figures = fc.uniqueArray(fc.integer({ min: 1, max }), { minLength: 2, maxLength: 2 });
      fc.assert(
        fc.property(requests, figures, (request, pair) => {
          const [low, high] = pair
            .toSorted((a, b) => a - b)
            .map((figure) => planEngine({ ...request, [field]: figure }));
          expect(high?.memory.kvCacheMiB).toBeLessThanOrEqual(low?.memory.kvCacheMiB ?? 0);
          expect(high?.fullLengthSequences).toBeLessThanOrEqual(low?.fullLengthSequences ?? 0);
        }),
        { numRuns: 100 },
      );
    },
  );

  test('a larger share of the GPU never gives fewer tokens', () => {
    fc.assert(
      fc.property(
        requests,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        (request, less, more) => {
          const at = (percent: number) => planEngine({ ...request, gpuMemoryUtilization: percent / 100 });
          expect(at(less + more).kvCacheTokens).toBeGreaterThanOrEqual(at(less).kvCacheTokens);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('fewer slices of a GPU never give fewer tokens, and all engines on it stay within it', () => {
    fc.assert(
      fc.property(
        requests,
        fc.integer({ min: 2, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        (request, few, more) => {
          const cut = (slicesPerGPU: number) =>
            planEngine({ ...request, gpuMemoryUtilization: undefined, slot: { gpu: 'L40S', slicesPerGPU } });
          const [large, small] = [cut(few), cut(few + more)];
          expect(large.kvCacheTokens).toBeGreaterThanOrEqual(small.kvCacheTokens);
          if (large.fits)
            expect(large.physical.underLoadMiB * few).toBeLessThanOrEqual(large.memory.totalMiB - 512);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('one byte a value never holds fewer tokens than two, nor other than twice as many in as many bytes', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const [wide, narrow] = (['auto', 'fp8'] as const).map((kvCacheDtype) =>
          planEngine({ ...request, kvCacheDtype }),
        );
        expect(narrow?.kvCacheTokens).toBeGreaterThanOrEqual(wide?.kvCacheTokens ?? 0);
        expect(narrow?.kvCacheBytesPerToken).toBe((wide?.kvCacheBytesPerToken ?? 0) / 2);
      }),
      { numRuns: 100 },
    );
  });

  test('every figure is a number, whatever config.json says, and a sum that cannot be made is refused', () => {
    const configs = fc.record(ODD_FIELDS, { requiredKeys: [] }).map((odd) => ({ ...LLAMA_8B, ...odd }));
    fc.assert(
      fc.property(configs, (config) => {
        const plan = planEngine({ model: { config }, slot: { gpu: 'H100' } });
        expect(
          Object.values({ ...plan.memory, ...plan.physical }).filter((mib) => !Number.isFinite(mib)),
        ).toEqual([]);
        expect(plan.memory.weightsMiB).toBeGreaterThanOrEqual(0);
        expect(plan.memory.activationsMiB).toBeGreaterThanOrEqual(0);
        if (plan.fits) expect(plan.kvCacheTokens).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
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
