import { describe, expect, test } from '@jest/globals';
import { planTable } from '../../../../src/cli/plan/table.ts';
import type { EnginePlan } from '../../../../src/gpu/plan-types.ts';

/** A plan that fits; a case states only what differs. */
function enginePlan(difference: Partial<EnginePlan> = {}): EnginePlan {
  return {
    fits: true,
    reason: 'qwen2.5-7b fits A10: 4.25 GiB of KV cache.',
    memory: {
      totalMiB: 22_528,
      budgetMiB: 20_275,
      weightsMiB: 14_633,
      activationsMiB: 1065,
      graphsMiB: 0,
      overheadMiB: 225,
      heldBackMiB: 0,
      kvCacheMiB: 4352,
    },
    physical: { afterStartMiB: 20_000, underLoadMiB: 20_338, availableMiB: 22_528 },
    sum: ['19.80 GiB  budget of the engine', '14.29 GiB  weights'],
    kvCacheBytesPerToken: 57_344,
    kvCacheTokens: 79_577,
    fullLengthSequences: 19.43,
    maxConcurrentSequences: 16,
    students: 8,
    studentsBasis: 'the KV cache',
    replicas: 3,
    settings: {
      maxModelLen: 4096,
      maxNumSeqs: 16,
      maxNumBatchedTokens: 2048,
      gpuMemoryUtilization: 0.9,
      kvCacheMemoryBytes: 4_563_402_752,
      tensorParallel: 1,
      enforceEager: false,
      kvCacheDtype: 'auto',
    },
    sequenceTerm: 'students',
    sequenceBasis: '8 students × 1.2, rounded up',
    engineArgs: ['--max-model-len', '4096', '--enforce-eager', '--max-num-seqs', '16'],
    warnings: [],
    suggestions: [],
    confidence: 'high',
    confidenceBasis: 'measured on this release',
    model: { name: 'Qwen/Qwen2.5-7B-Instruct', source: 'catalogue', parameters: 7.6156e9 },
    gpu: { name: 'A10', computeCapability: '8.6' },
    vllmVersion: '0.32.0',
    ...difference,
  };
}

test('a plan that fits: answer, subject, sum, what follows, arguments', () => {
  expect(planTable(enginePlan())).toBe(`\
qwen2.5-7b fits A10: 4.25 GiB of KV cache.

Model                       Qwen/Qwen2.5-7B-Instruct, 7.6 billion parameters (figures from the catalogue)
GPU                         A10
vLLM                        0.32.0
Confidence                  high: measured on this release

Memory of one GPU:
  19.80 GiB  budget of the engine
  14.29 GiB  weights

Requests computed together  16: 8 students × 1.2, rounded up
Students an engine carries  8: the KV cache
Engines                     3

vllm serve <model>
  --max-model-len 4096
  --enforce-eager
  --max-num-seqs 16
`);
});

test('a plan that does not fit: why, the sum, and flags to try; no figures of an engine that never starts', () => {
  const text = planTable(
    enginePlan({
      fits: false,
      code: 'WeightsTooLarge',
      reason: 'the weights are too large.',
      engineArgs: [],
      suggestions: [
        {
          message: 'Take a checkpoint in 4 bits.',
          change: { quantization: 'AWQ' },
          kvCacheTokens: 100,
          students: 4,
        },
        { message: 'Allow more engines.', change: { replicas: { max: 8 } }, kvCacheTokens: 100, students: 4 },
      ],
    }),
  );
  expect(text).toMatch(/^Does not fit: the weights are too large\.\n/);
  expect(text).toMatch(
    /What would make it fit:\n {2}- Take a checkpoint in 4 bits\.\n {6}--quantization AWQ\n {2}- Allow more engines\.\n$/,
  );
  expect(text).not.toMatch(/Students an engine carries|vllm serve/);
});

test('an estimate says so where the model is named', () => {
  const model = { name: 'acme/tutor-7b', source: 'estimate', parameters: 8.3e9 } as const;
  expect(planTable(enginePlan({ model }))).toMatch(/acme\/tutor-7b, 8\.3 billion parameters \(ESTIMATED/);
});

describe('long texts', () => {
  test('are broken between words, and no line ends with a blank', () => {
    const sequenceBasis = 'because the students of an engine may have two requests in flight each, '.repeat(
      3,
    );
    const lines = planTable(enginePlan({ sequenceBasis })).split('\n');
    expect(lines.every((line) => line === line.trimEnd())).toBe(true);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test('a warning is one line: the terminal breaks it', () => {
    const warnings = [{ code: 'SlicesOnlyCost', message: 'word '.repeat(60).trim() }];
    expect(planTable(enginePlan({ warnings }))).toContain(`Warnings:\n  - ${warnings[0]?.message}\n`);
  });
});
