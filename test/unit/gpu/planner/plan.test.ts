import { describe, expect, test } from '@jest/globals';
import type { PlanInput } from '../../../../src/gpu/plan-types.ts';
import { planEngine } from '../../../../src/gpu/planner/plan.ts';

const QWEN_7B_ON_A10: PlanInput = { model: { id: 'Qwen/Qwen2.5-7B-Instruct' }, slot: { gpu: 'A10' } };

function planOf(change: Partial<PlanInput> = {}) {
  return planEngine({ ...QWEN_7B_ON_A10, ...change });
}

function argument(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

const codesOf = (plan: ReturnType<typeof planEngine>) => plan.warnings.map(({ code }) => code);

describe('classes', () => {
  test('Qwen2.5-7B on one A10 carries five to eight students', () => {
    const plan = planOf();
    expect(plan.fits).toBe(true);
    expect(plan.students).toBeGreaterThanOrEqual(5);
    expect(plan.students).toBeLessThanOrEqual(8);
    expect(plan.replicas).toBe(1);
  });

  test.each([5, 6, 7, 8])('%d students need one A10', (students) => {
    expect(planOf({ students })).toMatchObject({ fits: true, replicas: 1 });
  });

  test('twenty students need three or four', () => {
    const { replicas } = planOf({ students: 20 });
    expect([3, 4]).toContain(replicas);
  });

  test('AWQ makes room where 24 GB are short: for a long context', () => {
    const plan = planOf({ model: { id: 'Qwen/Qwen2.5-14B-Instruct' }, maxModelLen: 16_384 });
    expect(plan.fits).toBe(false);
    expect(plan.suggestions).toContainEqual(expect.objectContaining({ change: { quantization: 'AWQ' } }));
  });

  test('AWQ makes room where 24 GB are short: for many students', () => {
    const plan = planOf({ students: 20, replicas: { max: 1 } });
    expect(codesOf(plan)).toContain('StudentsWait');
    expect(plan.suggestions).toContainEqual(expect.objectContaining({ change: { quantization: 'AWQ' } }));
  });

  test.each(['Qwen/Qwen2.5-1.5B-Instruct', 'Qwen/Qwen2.5-3B-Instruct', 'Qwen/Qwen2.5-7B-Instruct-AWQ'])(
    'an H100 cut in seven 1g.10gb serves %s on each',
    (id) => {
      const plan = planOf({ model: { id }, slot: { gpu: 'H100', migProfile: '1g.10gb' } });
      expect(plan).toMatchObject({ fits: true, memory: { totalMiB: 9728 } });
      expect(plan.settings.gpuMemoryUtilization).toBeLessThanOrEqual(0.85);
      expect(plan.physical.underLoadMiB).toBeLessThanOrEqual(9728);
    },
  );

  test('Qwen2.5-7B in 16 bits does not fit such a slice, and what would is said', () => {
    const plan = planOf({ slot: { gpu: 'H100', migProfile: '1g.10gb' } });
    expect(plan).toMatchObject({ fits: false, code: 'WeightsTooLarge', engineArgs: [], students: 0 });
    expect(plan.suggestions.map(({ change }) => change)).toEqual(
      expect.arrayContaining([{ quantization: 'AWQ' }, { slot: { gpu: 'H100', migProfile: '1g.20gb' } }]),
    );
  });

  test('a 1g.5gb slice is not promised to a model that fills it', () => {
    expect(
      planOf({ model: { id: 'qwen2.5-1.5b' }, slot: { gpu: 'A100-40', migProfile: '1g.5gb' } }).fits,
    ).toBe(false);
  });
});

describe('arguments', () => {
  test('state everything that memory depends on, and pin the cache', () => {
    const plan = planOf({ maxModelLen: 8192 });
    const args = plan.engineArgs;
    expect(argument(args, '--max-model-len')).toBe('8192');
    expect(argument(args, '--max-num-seqs')).toBe(String(plan.settings.maxNumSeqs));
    expect(argument(args, '--max-num-batched-tokens')).toBe('2048');
    expect(argument(args, '--gpu-memory-utilization')).toBe('0.9');
    expect(argument(args, '--kv-cache-memory-bytes')).toBe(String(plan.memory.kvCacheMiB * 2 ** 20));
    expect(args).not.toContain('--dtype');
    expect(args).not.toContain('--tensor-parallel-size');
  });

  test('Turing cannot compute in bfloat16', () => {
    const plan = planOf({ model: { id: 'qwen2.5-3b' }, slot: { gpu: 'T4' } });
    expect(plan.fits).toBe(true);
    expect(argument(plan.engineArgs, '--dtype')).toBe('half');
    expect(codesOf(plan)).toContain('NoBfloat16');
  });

  test('a stated share is passed on as it is', () => {
    expect(argument(planOf({ gpuMemoryUtilization: 0.9123 }).engineArgs, '--gpu-memory-utilization')).toBe(
      '0.9123',
    );
  });

  test('an engine that cannot pin its cache is not asked to', () => {
    expect(planOf({ vllmVersion: '0.10.2' }).engineArgs).not.toContain('--kv-cache-memory-bytes');
  });

  test('of everything stated', () => {
    const plan = planOf({
      slot: { gpu: 'L40S' },
      tensorParallel: 2,
      quantization: 'FP8',
      kvCacheDtype: 'fp8',
      maxNumSeqs: 24,
      maxNumBatchedTokens: 4096,
      enforceEager: true,
    });
    expect(plan.engineArgs).toEqual(
      expect.arrayContaining([
        '--tensor-parallel-size',
        '2',
        '--quantization',
        'fp8',
        '--kv-cache-dtype',
        '--enforce-eager',
      ]),
    );
    expect(argument(plan.engineArgs, '--max-num-seqs')).toBe('24');
    expect(argument(plan.engineArgs, '--max-num-batched-tokens')).toBe('4096');
  });
});

describe('sequences', () => {
  test.each([
    [
      '1.2 for each student, rounded up to a CUDA graph',
      { studentsPerReplica: 10, slot: { gpu: 'H100' } },
      16,
      'students',
    ],
    ['never less than 8', { studentsPerReplica: 2, slot: { gpu: 'H100' } }, 8, 'students'],
    ['forty students', { studentsPerReplica: 40, slot: { gpu: 'H100' } }, 48, 'students'],
    ['bounded by the KV cache', { studentsPerReplica: 40 }, 16, 'kvCache'],
    [
      'never less than 8, however short the cache',
      { studentsPerReplica: 40, maxModelLen: 16_384 },
      8,
      'kvCache',
    ],
    ['as stated', { maxNumSeqs: 10 }, 10, 'spec'],
    ['where nobody says', { slot: { gpu: 'H100' } }, 128, 'default'],
    [
      'never more than tokens a step',
      { slot: { gpu: 'H100' }, maxNumBatchedTokens: 64 },
      64,
      'batchedTokens',
    ],
  ])('%s', (_, change, maxNumSeqs, term) => {
    const plan = planOf(change);
    expect(plan.settings.maxNumSeqs).toBe(maxNumSeqs);
    expect(plan.sequenceTerm).toBe(term);
  });

  test('ten students on 10 sequences are told of the step without a CUDA graph and of the queue', () => {
    const plan = planOf({ maxNumSeqs: 10, studentsPerReplica: 40, slot: { gpu: 'H100' } });
    expect(codesOf(plan)).toEqual(expect.arrayContaining(['NoCudaGraph', 'FewSequences']));
  });

  test('do not depend on who enrolled', () => {
    const settings = [undefined, 0, 5, 200].map((students) => planOf({ students }).settings);
    expect(new Set(settings.map((each) => JSON.stringify(each))).size).toBe(1);
  });
});

describe('replicas', () => {
  test.each([
    ['one without students stated', {}, 1],
    ['none where none are enrolled', { students: 0 }, 0],
    ['at least the least', { students: 0, replicas: { min: 2 } }, 2],
    ['as many as students need', { students: 20, studentsPerReplica: 5 }, 4],
    ['at most the most', { students: 200, studentsPerReplica: 5, replicas: { max: 3 } }, 3],
  ])('%s', (_, change, replicas) => {
    expect(planOf(change).replicas).toBe(replicas);
  });
});

describe('time-slices', () => {
  const sliced = (change: Partial<PlanInput> = {}, slicesPerGPU = 4) =>
    planOf({ model: { id: 'qwen2.5-0.5b' }, slot: { gpu: 'A10', slicesPerGPU }, ...change });

  test('get equal shares of what the CUDA contexts leave', () => {
    expect(sliced().settings.gpuMemoryUtilization).toBe(0.219);
    expect(sliced({}, 2).settings.gpuMemoryUtilization).toBe(0.463);
  });

  test('all engines together fit the GPU, with all they take', () => {
    for (const slices of [2, 3, 4, 5, 6]) {
      const { physical, fits } = sliced({}, slices);
      if (fits) expect(slices * physical.underLoadMiB).toBeLessThanOrEqual(22_528 - 512);
    }
  });

  test('only cost, for one model', () => {
    expect(codesOf(sliced())).toEqual(expect.arrayContaining(['SlicesOnlyCost', 'NoMemoryIsolation']));
  });

  test('a share that leaves no room for the neighbours is refused', () => {
    expect(sliced({ gpuMemoryUtilization: 0.5 })).toMatchObject({ fits: false, code: 'UtilizationTooHigh' });
  });

  test('too many of them leave nothing', () => {
    expect(sliced({}, 48)).toMatchObject({ fits: false, code: 'NoMemoryForCache' });
  });
});

describe('the share', () => {
  test.each([300, 600, 1024, 2048, 3500, 9728, 22_528])(
    'that is planned for %d MiB is never too high',
    (memoryMiB) => {
      expect(planOf({ slot: { memoryMiB } }).code).not.toBe('UtilizationTooHigh');
    },
  );

  test.each([
    ['a GPU', { gpuMemoryUtilization: 0.99 }, { gpuMemoryUtilization: 0.97 }],
    [
      'a time-slice',
      { model: { id: 'qwen2.5-0.5b' }, slot: { gpu: 'A10', slicesPerGPU: 4 }, gpuMemoryUtilization: 0.5 },
      { gpuMemoryUtilization: 0.24 },
    ],
    [
      'too little of a slice',
      { model: { id: 'qwen2.5-0.5b' }, slot: { gpu: 'A10', slicesPerGPU: 4 }, gpuMemoryUtilization: 0.05 },
      { gpuMemoryUtilization: 0.21 },
    ],
    [
      'too little of a small MIG slice, which keeps room',
      {
        model: { id: 'qwen2.5-3b' },
        slot: { gpu: 'H100', migProfile: '1g.10gb' },
        gpuMemoryUtilization: 0.6,
      },
      { gpuMemoryUtilization: 0.85 },
    ],
  ])('of %s that nobody can have is put right by a suggestion', (_, request, change) => {
    expect(planOf(request).suggestions.map((suggestion) => suggestion.change)).toContainEqual(change);
  });
});

describe('what is wrong by itself is corrected beside what else must change', () => {
  test.each<[string, Partial<PlanInput>, PlanInput['slot'] | undefined, object]>([
    [
      'too high a share',
      { model: { id: 'qwen2.5-14b' }, gpuMemoryUtilization: 1 },
      undefined,
      { gpuMemoryUtilization: 0.97, quantization: 'AWQ' },
    ],
    [
      'too long a context',
      { model: { id: 'llama-2-13b' }, maxModelLen: 8192 },
      undefined,
      { maxModelLen: 4096, quantization: 'AWQ' },
    ],
    [
      'slices that shall work together',
      { tensorParallel: 2 },
      { memoryMiB: 9728, migProfile: '1g.10gb' },
      { tensorParallel: 1, quantization: 'AWQ' },
    ],
    [
      'more sequences than tokens',
      { model: { id: 'qwen2.5-14b' }, maxNumSeqs: 64, maxNumBatchedTokens: 20 },
      undefined,
      { maxNumSeqs: 16, quantization: 'AWQ' },
    ],
    [
      'an fp8 cache on Turing, and nothing else',
      { model: { id: 'qwen2.5-3b' }, kvCacheDtype: 'fp8' },
      { gpu: 'T4' },
      { kvCacheDtype: 'auto' },
    ],
    [
      'heads that so many GPUs cannot share',
      { tensorParallel: 8, kvCacheDtype: 'fp8' },
      { gpu: 'T4' },
      { tensorParallel: 4, kvCacheDtype: 'auto' },
    ],
    [
      'an fp8 cache on Turing',
      { kvCacheDtype: 'fp8' },
      { gpu: 'T4' },
      { kvCacheDtype: 'auto', quantization: 'AWQ' },
    ],
  ])('%s', (_, change, slot, want) => {
    const plan = planOf({ ...change, ...(slot === undefined ? {} : { slot }) });
    expect(plan.fits).toBe(false);
    expect(plan.suggestions.map((suggestion) => suggestion.change)).toContainEqual(want);
  });

  test('a correction that is changed again is not named twice', () => {
    const { suggestions } = planOf({ model: { id: 'llama-2-13b' }, slot: { gpu: 'T4' }, maxModelLen: 8192 });
    expect(suggestions).not.toEqual([]);
    for (const { message } of suggestions) expect(message.match(/context length/g) ?? []).toHaveLength(1);
  });
});

test('too many students for an engine: fewer are suggested', () => {
  const plan = planOf({ studentsPerReplica: 2000 });
  expect(plan).toMatchObject({ fits: false });
  expect(plan.suggestions.map(({ change }) => change)).toContainEqual({ studentsPerReplica: 100 });
});

test('a smaller model of a family without published counts is found', () => {
  const slot = { memoryMiB: 16_000, migProfile: '1g.18gb' };
  const { suggestions } = planOf({ model: { id: 'gemma-3-27b' }, slot, quantization: 'AWQ' });
  expect(suggestions.map(({ change }) => change)).toContainEqual({ model: { id: 'google/gemma-3-12b-it' } });
});

test('a larger GPU for a time-slice is a whole one, and says so', () => {
  const { suggestions } = planOf({ model: { id: 'qwen2.5-32b' }, slot: { gpu: 'A10', slicesPerGPU: 2 } });
  expect(suggestions.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^Give one engine the whole of a larger GPU, such as /),
  );
});

describe('what is refused, whatever the memory', () => {
  test.each<[string, Partial<PlanInput>, string]>([
    ['an unknown GPU', { slot: { gpu: 'X1' } }, 'UnknownGpu'],
    ['an unknown model', { model: { id: 'someone/model' } }, 'UnknownModel'],
    ['a config.json without shapes', { model: { config: { model_type: 'llama' } } }, 'InvalidModelFacts'],
    ['a GPU that cannot be cut', { slot: { gpu: 'A10', migProfile: '1g.6gb' } }, 'UnknownMigProfile'],
    [
      'several MIG slices for one engine',
      { slot: { gpu: 'H100', migProfile: '3g.40gb' }, tensorParallel: 2 },
      'TensorParallelOnSlice',
    ],
    [
      'several time-slices for one engine',
      { slot: { gpu: 'A10', slicesPerGPU: 2 }, tensorParallel: 2 },
      'TensorParallelOnSlice',
    ],
    ['heads that GPUs cannot share', { tensorParallel: 8 }, 'TensorParallelUnsuited'],
    ['a context above that of the model', { maxModelLen: 40_000 }, 'ContextTooLong'],
    ['fewer tokens a step than sequences', { maxNumSeqs: 64, maxNumBatchedTokens: 8 }, 'InvalidArguments'],
    [
      'fp8 on Turing',
      { model: { id: 'qwen2.5-3b' }, slot: { gpu: 'T4' }, quantization: 'FP8' },
      'UnsupportedOnGpu',
    ],
    [
      'an fp8 cache on Turing',
      { model: { id: 'qwen2.5-3b' }, slot: { gpu: 'T4' }, kvCacheDtype: 'fp8' },
      'UnsupportedOnGpu',
    ],
    ['AWQ on Volta', { slot: { gpu: 'V100-32' }, quantization: 'AWQ' }, 'UnsupportedOnGpu'],
    ['Gemma 3 on Turing', { model: { id: 'gemma-3-1b' }, slot: { gpu: 'T4' } }, 'UnsupportedOnGpu'],
    ['Pascal', { model: { id: 'qwen2.5-0.5b' }, slot: { gpu: 'P100' } }, 'UnsupportedOnGpu'],
    ['more memory than is free at the start', { gpuMemoryUtilization: 0.99 }, 'UtilizationTooHigh'],
    ['weights larger than the budget', { model: { id: 'qwen2.5-32b' } }, 'WeightsTooLarge'],
    [
      'a cache smaller than one request',
      { model: { id: 'llama-3.1-8b' }, maxModelLen: 131_072 },
      'CacheSmallerThanOneRequest',
    ],
  ])('%s', (_, change, code) => {
    const plan = planOf(change);
    expect(plan).toMatchObject({ fits: false, code, engineArgs: [], students: 0 });
    expect(plan.reason).toMatch(/\.$/);
  });

  test('AWQ of a checkpoint that is packed otherwise', () => {
    const config = {
      num_hidden_layers: 28,
      hidden_size: 3584,
      intermediate_size: 18944,
      num_attention_heads: 28,
      num_key_value_heads: 4,
      vocab_size: 152064,
      quantization_config: { quant_method: 'gptq', bits: 4, group_size: 128 },
    };
    expect(planOf({ model: { config }, quantization: 'AWQ' })).toMatchObject({ code: 'InvalidArguments' });
    expect(planOf({ model: { config }, quantization: 'GPTQ' })).toMatchObject({ fits: true });
    expect(planOf({ model: { config } })).toMatchObject({ fits: true, model: { packedAs: 'gptq' } });
  });

  test.each([
    ['AWQ', 14_336, 4, true],
    ['AWQ', 29_568, 2, false],
    ['AWQ', 29_696, 2, true],
  ])('%s in groups of 128: %d columns on %d GPUs', (_, intermediate_size, tensorParallel, fits) => {
    const config = {
      num_hidden_layers: 28,
      hidden_size: 3584,
      intermediate_size,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      vocab_size: 152064,
      quantization_config: { quant_method: 'awq', bits: 4, group_size: 128 },
    };
    const plan = planOf({ model: { config }, tensorParallel });
    expect(plan.fits).toBe(fits);
    if (!fits) expect(plan.code).toBe('TensorParallelUnsuited');
  });

  test('a model that an old release loads whole before it packs it', () => {
    const llama = {
      model: { id: 'llama-3.1-8b' },
      slot: { memoryMiB: 15_360 },
      quantization: 'FP8' as const,
    };
    expect(planOf({ ...llama, vllmVersion: '0.16.0' })).toMatchObject({
      fits: false,
      code: 'WeightsTooLarge',
    });
    expect(planOf({ ...llama, vllmVersion: '0.19.0' })).toMatchObject({ fits: true });
  });
});

describe('the sum', () => {
  test.each<[string, Partial<PlanInput>]>([
    ['a whole GPU', {}],
    ['a release that charges CUDA graphs', { vllmVersion: 'v0.22.1' }],
    ['a slice', { model: { id: 'qwen2.5-1.5b' }, slot: { gpu: 'H100', migProfile: '1g.10gb' } }],
    ['a model that does not fit', { model: { id: 'qwen2.5-72b' } }],
  ])('comes out for %s', (_, change) => {
    const { memory } = planOf(change);
    const { budgetMiB, weightsMiB, activationsMiB, graphsMiB, overheadMiB, kvCacheMiB } = memory;
    expect(weightsMiB + activationsMiB + graphsMiB + overheadMiB + kvCacheMiB).toBe(budgetMiB);
  });

  test('reads well', () => {
    expect(planOf({ vllmVersion: '0.26.0' }).sum).toMatchInlineSnapshot(`
[
  "  22.00 GiB  memory that CUDA sees: A10",
  "  19.80 GiB  budget of the engine: 0.9 of it",
  " −14.29 GiB  weights: 7.62 billion parameters, 16 bits a weight",
  "  −1.05 GiB  activations: a step of 2048 tokens, or the copy of the embedding that the first start compiles with",
  "  −0.22 GiB  overhead: libraries",
  "   4.24 GiB  KV cache: 79376 tokens, 19.4 requests of 4096",
  "  20.62 GiB  taken under load, of 21.70 GiB: with what comes on top of the budget, for 128 sequences",
]
`);
  });

  test('says in words why it does not fit', () => {
    expect(planOf({ model: { id: 'qwen2.5-14b' } }).reason).toMatchInlineSnapshot(
      `"The weights of qwen2.5-14b take 27.62 GiB of each GPU, more than the 19.80 GiB that an engine may use of A10."`,
    );
    expect(planOf({ model: { id: 'llama-3.1-8b' }, maxModelLen: 65_536 }).reason).toMatchInlineSnapshot(
      `"The KV cache on A10 would be too small: 19.80 GiB budget − 15.00 GiB weights − 1.01 GiB activations − 0.22 GiB overhead = 3.57 GiB; one request of 65536 tokens needs 8.00 GiB, and 0.35 GiB stay free for what cannot be foreseen."`,
    );
  });
});

describe('confidence', () => {
  test.each<[string, Partial<PlanInput>, string]>([
    ['a dense model of the catalogue', {}, 'high'],
    ['a mixture of experts', { model: { id: 'qwen3-30b-a3b' }, slot: { gpu: 'H100' } }, 'medium'],
    ['several GPUs', { tensorParallel: 2 }, 'medium'],
    ['a release between the measured ones', { vllmVersion: '0.22.0' }, 'medium'],
    ['a model known by its name only', { model: { id: 'someone/nice-7b' } }, 'low'],
    ['a release nobody can read', { vllmVersion: 'nightly' }, 'low'],
  ])('%s', (_, change, confidence) => {
    expect(planOf(change)).toMatchObject({ confidence });
  });

  test('a release after the measured ones is said to be planned with their terms', () => {
    expect(planOf({ vllmVersion: '0.32.0' }).confidenceBasis).toContain(
      '0.32.0 is planned with the terms of 0.26',
    );
    expect(planOf({ vllmVersion: '0.26.0' }).confidenceBasis).not.toContain('planned with');
  });

  test('an estimate holds memory back and says so', () => {
    const plan = planOf({ model: { id: 'someone/nice-7b' } });
    expect(plan.memory.heldBackMiB).toBeGreaterThan(0);
    expect(codesOf(plan)).toEqual(expect.arrayContaining(['ModelEstimated', 'CacheHeldBack']));
  });
});

describe('adapters', () => {
  test('take 0.07 GiB for two of rank 16 beside Qwen2.5-1.5B', () => {
    const base = planOf({ model: { id: 'qwen2.5-1.5b' } });
    const lora = planOf({ model: { id: 'qwen2.5-1.5b' }, lora: { maxLoras: 2, maxLoraRank: 16 } });
    expect((base.memory.kvCacheMiB - lora.memory.kvCacheMiB) / 1024).toBeCloseTo(0.07, 1);
  });
});

describe('warnings', () => {
  test.each<[string, Partial<PlanInput>, string]>([
    ['fp8 weights on Ampere', { quantization: 'FP8' }, 'Fp8WeightsOnly'],
    ['an fp8 cache on Ampere', { kvCacheDtype: 'fp8' }, 'Fp8CacheUncertain'],
    [
      'a cache dtype that vLLM has for models with an fp8 cache',
      { kvCacheDtype: 'bfloat16' },
      'CacheDtypeUncertain',
    ],
    ['GPUs without NVLink', { tensorParallel: 2 }, 'SlowLink'],
    ['a GPU nobody named', { slot: { memoryMiB: 40_000 } }, 'GpuNotNamed'],
    ['AWQ of a checkpoint that is not packed', { quantization: 'AWQ' }, 'CheckpointNotPacked'],
    ['Volta', { slot: { gpu: 'V100-32' } }, 'OldGpu'],
    ['a model that sees pictures', { model: { id: 'gemma-3-4b' } }, 'SeesPictures'],
    ['a folder that is taken for a model', { model: { id: '/models/Qwen2.5-7B-Instruct' } }, 'ModelAssumed'],
    [
      'MIG slices',
      { model: { id: 'qwen2.5-3b' }, slot: { gpu: 'H100', migProfile: '1g.10gb' } },
      'SlicesOnlyCost',
    ],
    ['more students than requests', { studentsPerReplica: 60 }, 'CacheShort'],
    ['steps of many tokens', { maxNumBatchedTokens: 16_384, slot: { gpu: 'H100' } }, 'LongSteps'],
  ])('%s', (_, change, code) => {
    expect(codesOf(planOf(change))).toContain(code);
  });

  test.each(['FP8', 'BitsAndBytes', 'GPTQ'] as const)(
    '%s of a checkpoint whose name says AWQ',
    (quantization) => {
      const plan = planOf({ model: { id: 'Qwen/Qwen2.5-7B-Instruct-AWQ' }, quantization });
      expect(codesOf(plan)).toContain('CheckpointPackedOtherwise');
      expect(codesOf(plan)).not.toContain('CheckpointNotPacked');
    },
  );

  test('what does not fit is not told to take more engines, nor what its cache gets', () => {
    const plan = planOf({ model: { id: 'someone/nice-70b' }, students: 20 });
    expect(plan.fits).toBe(false);
    expect(codesOf(plan)).not.toContain('StudentsWait');
    expect(codesOf(plan)).not.toContain('CacheHeldBack');
  });

  test('a plain plan has none', () => {
    expect(planOf().warnings).toEqual([]);
  });

  test('one that does not fit says nothing of the cache and the students that it has not', () => {
    const plan = planOf({ model: { id: 'someone/nice-70b' }, students: 20, studentsPerReplica: 6 });
    expect(plan.fits).toBe(false);
    expect(codesOf(plan)).toEqual(['ModelEstimated']);
  });

  test('an AWQ checkpoint needs no flag', () => {
    const plan = planOf({ model: { id: 'Qwen/Qwen2.5-7B-Instruct-AWQ' } });
    expect(plan.warnings).toEqual([]);
    expect(plan.engineArgs).not.toContain('--quantization');
  });
});
