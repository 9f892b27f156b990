import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { PlanInput, Quantization } from '../../../../src/gpu/plan-types.ts';
import { planEngine } from '../../../../src/gpu/planner/plan.ts';

const rowsSchema = z.object({
  common: z.object({
    gpu_total_gib: z.number(),
    gpu_memory_utilization: z.number(),
    max_num_seqs: z.number(),
    max_num_batched_tokens: z.number(),
  }),
  rows: z.array(
    z.object({
      id: z.string(),
      arch: z.string(),
      quantization: z.string().nullable(),
      kv_cache_dtype: z.enum(['auto', 'fp8']),
      tp: z.number(),
      max_model_len: z.number(),
      vllm_version: z.string(),
      reported: z.object({
        weights_gib_per_gpu: z.number(),
        kv_cache_gib_per_gpu: z.number(),
        kv_cache_tokens: z.number().nullable(),
      }),
    }),
  ),
});

const startsSchema = z.object({
  totalGiB: z.number(),
  vllmVersion: z.string(),
  starts: z.array(
    z.object({
      id: z.string(),
      model: z.string(),
      budgetGiB: z.number(),
      maxModelLen: z.number(),
      maxNumSeqs: z.number(),
      maxNumBatchedTokens: z.number(),
      compileCache: z.enum(['cold', 'warm', 'none']),
      enforceEager: z.boolean(),
      weightsGiB: z.number(),
      kvCacheGiB: z.number(),
      kvCacheTokens: z.number().nullable(),
      usedGiB: z.number().nullable(),
      started: z.boolean(),
    }),
  ),
});

const othersSchema = z.object({
  common: rowsSchema.shape.common,
  rows: z.array(
    z.object({
      id: z.string(),
      model: z.string(),
      config: z.record(z.string(), z.unknown()).optional(),
      tp: z.number(),
      max_model_len: z.number(),
      vllm_version: z.string(),
      reported: z.object({
        weights_gib_per_gpu: z.number(),
        kv_cache_gib_per_gpu: z.number(),
        max_concurrency: z.number(),
      }),
    }),
  ),
});

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/gpu/${name}`, import.meta.url), 'utf8'));

const published = rowsSchema.parse(fixture('vllm-fit-rows.json'));
const others = othersSchema.parse(fixture('vllm-fit-rows-other-attention.json'));
const measured = startsSchema.parse(fixture('h100-starts.json'));

const QUANTIZATIONS: Readonly<Record<string, Quantization>> = {
  'fp8 (online --quantization fp8)': 'FP8',
  'fp8-dynamic': 'FP8',
  w8a8: 'FP8',
  'w4a16 (gptq_marlin)': 'GPTQ',
};

function requestOfRow(row: (typeof published.rows)[number]): PlanInput {
  const { common } = published;
  const quantization = row.quantization === null ? 'None' : QUANTIZATIONS[row.quantization];
  if (quantization === undefined) throw new Error(`no quantisation for ${row.quantization}`);
  return {
    model: { id: row.arch },
    slot: { gpu: 'H100-80', memoryMiB: Math.floor(common.gpu_total_gib * 1024) },
    tensorParallel: row.tp,
    quantization,
    kvCacheDtype: row.kv_cache_dtype,
    maxModelLen: row.max_model_len,
    maxNumSeqs: common.max_num_seqs,
    maxNumBatchedTokens: common.max_num_batched_tokens,
    gpuMemoryUtilization: common.gpu_memory_utilization,
    vllmVersion: row.vllm_version,
  };
}

function requestOfStart(start: (typeof measured.starts)[number]): PlanInput {
  return {
    model: { id: start.model },
    slot: { gpu: 'H100-80', memoryMiB: Math.floor(measured.totalGiB * 1024) },
    maxModelLen: start.maxModelLen,
    maxNumSeqs: start.maxNumSeqs,
    maxNumBatchedTokens: start.maxNumBatchedTokens,
    gpuMemoryUtilization: start.budgetGiB / measured.totalGiB,
    enforceEager: start.enforceEager,
    compileCache: start.compileCache === 'cold' ? 'cold' : 'warm',
    vllmVersion: measured.vllmVersion,
  };
}

function requestOfOther(row: (typeof others.rows)[number]): PlanInput {
  const { common } = others;
  return {
    model: row.config === undefined ? { id: row.model } : { id: row.model, config: row.config },
    slot: { gpu: 'H100-80', memoryMiB: Math.floor(common.gpu_total_gib * 1024) },
    tensorParallel: row.tp,
    maxModelLen: row.max_model_len,
    maxNumSeqs: common.max_num_seqs,
    maxNumBatchedTokens: common.max_num_batched_tokens,
    gpuMemoryUtilization: common.gpu_memory_utilization,
    vllmVersion: row.vllm_version,
  };
}

/** The plan for a start that was published: what was planned less what the engine found, nothing held back. */
function compare<Row extends { id: string; reported: { kv_cache_gib_per_gpu: number } }>(
  row: Row,
  request: PlanInput,
) {
  const plan = planEngine(request);
  const budgetLeft = plan.memory.kvCacheMiB + plan.memory.heldBackMiB;
  const measuredGiB = row.reported.kv_cache_gib_per_gpu;
  return { id: row.id, measuredGiB, errorGiB: budgetLeft / 1024 - measuredGiB, row, plan };
}

interface Compared {
  id: string;
  measuredGiB: number;
  /** Planned less measured. */
  errorGiB: number;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

function printErrors(title: string, rows: readonly Compared[]): void {
  const sizes = rows.map(({ errorGiB }) => Math.abs(errorGiB));
  const buckets = [0.05, 0.1, 0.15, 0.3, 0.5, 1, Number.POSITIVE_INFINITY];
  const histogram = buckets.map((upTo, index) => {
    const from = buckets[index - 1] ?? 0;
    const count = sizes.filter((size) => size >= from && size < upTo).length;
    return `  ${from} to ${upTo} GiB: ${'#'.repeat(count)} ${count}`;
  });
  const worst = rows.toSorted((a, b) => Math.abs(b.errorGiB) - Math.abs(a.errorGiB)).slice(0, 5);
  const lines = [
    `${title}: ${rows.length} starts, median |error| ${median(sizes).toFixed(3)} GiB`,
    ...histogram,
    ...worst.map(({ id, measuredGiB, errorGiB }) => `  ${errorGiB.toFixed(2)} of ${measuredGiB} ${id}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

describe('published starts of vLLM 0.15 to 0.19 on an H100', () => {
  const compared = published.rows.map((row) => compare(row, requestOfRow(row)));

  test('the median error of the KV cache is at most 0.3 GiB, and none is more than 0.7 GiB', () => {
    printErrors('Published starts', compared);
    expect(median(compared.map(({ errorGiB }) => Math.abs(errorGiB)))).toBeLessThanOrEqual(0.3);
    expect(compared.filter(({ errorGiB }) => Math.abs(errorGiB) > 0.7)).toEqual([]);
  });

  test('the cache that is pinned is never more than 0.3 GiB above what the engine found', () => {
    const tooMuch = compared.filter(
      ({ plan, measuredGiB }) => plan.memory.kvCacheMiB / 1024 > measuredGiB + 0.3,
    );
    expect(tooMuch.map(({ id }) => id)).toEqual([]);
  });

  test('every one that started fits', () => {
    expect(compared.filter(({ plan }) => !plan.fits).map(({ id, plan }) => [id, plan.reason])).toEqual([]);
  });

  test.each(compared.filter(({ row }) => row.reported.kv_cache_tokens !== null))(
    '$id: tokens follow from the bytes',
    ({ row, plan }) => {
      const { kv_cache_tokens: tokens, kv_cache_gib_per_gpu: gib } = row.reported;
      const perGiB = (tokens ?? 0) / gib;
      expect(Math.abs(plan.kvCacheTokens / (plan.memory.kvCacheMiB / 1024) / perGiB - 1)).toBeLessThan(0.01);
    },
  );
});

describe('starts of vLLM 0.26 on an H100', () => {
  const compared = measured.starts.map((start) => {
    const plan = planEngine(requestOfStart(start));
    const errorGiB = plan.memory.kvCacheMiB / 1024 - start.kvCacheGiB;
    return { id: start.id, measuredGiB: start.kvCacheGiB, errorGiB, start, plan };
  });

  test('all 17 are within 0.15 GiB', () => {
    printErrors('Measured starts', compared);
    expect(compared).toHaveLength(17);
    expect(compared.filter(({ errorGiB }) => Math.abs(errorGiB) > 0.15)).toEqual([]);
  });

  test.each(compared)('$id: fits if it started, and not if it failed', ({ start, plan }) => {
    expect(plan.fits).toBe(start.started);
  });

  test.each(compared)('$id: weights within 0.05 GiB', ({ start, plan }) => {
    expect(Math.abs(plan.memory.weightsMiB / 1024 - start.weightsGiB)).toBeLessThan(0.05);
  });

  test.each(compared.filter(({ start }) => start.usedGiB !== null))(
    '$id: the engine takes what was measured, within 0.4 GiB',
    ({ start, plan }) => {
      expect(Math.abs(plan.physical.afterStartMiB / 1024 - (start.usedGiB ?? 0))).toBeLessThan(0.4);
    },
  );

  test('a first start with a cold cache is promised no more than a restart finds', () => {
    for (const { start, plan } of compared) {
      const cold = planEngine({ ...requestOfStart(start), compileCache: 'cold' });
      expect(cold.kvCacheTokens).toBeLessThanOrEqual(plan.kvCacheTokens);
    }
  });
});

test('a published start on another GPU: gpt-oss-20b on an A100 80 GB, vLLM 0.19', () => {
  // https://myoceane.fr/index.php/ai-vllm-a100-gemma-4/: 13.72 GiB of weights, 36.56 GiB of KV cache.
  const { memory } = planEngine({
    model: { id: 'openai/gpt-oss-20b' },
    slot: { gpu: 'A100-80' },
    maxModelLen: 131_072,
    maxNumSeqs: 256,
    maxNumBatchedTokens: 2048,
    gpuMemoryUtilization: 0.65,
    vllmVersion: '0.19.0',
  });
  expect(memory.weightsMiB / 1024).toBeCloseTo(13.72, 0);
  expect(Math.abs(memory.kvCacheMiB / 1024 - 36.56)).toBeLessThan(0.2);
});

describe('published starts of other kinds of models: latent attention, windows, experts, pictures', () => {
  const compared = others.rows.map((row) => compare(row, requestOfOther(row)));

  test('the median error of the KV cache is at most 0.3 GiB, and none is more than 0.5 GiB', () => {
    printErrors('Other kinds of models', compared);
    expect(median(compared.map(({ errorGiB }) => Math.abs(errorGiB)))).toBeLessThanOrEqual(0.3);
    expect(compared.filter(({ errorGiB }) => Math.abs(errorGiB) > 0.5)).toEqual([]);
  });

  test.each(compared)('$id: weights within 1 %', ({ row, plan }) => {
    const { weights_gib_per_gpu: weights } = row.reported;
    expect(Math.abs(plan.memory.weightsMiB / 1024 / weights - 1)).toBeLessThan(0.01);
  });

  test.each(compared)('$id: as many requests of full length in as many bytes', ({ row, plan }) => {
    const perGiB = row.reported.max_concurrency / row.reported.kv_cache_gib_per_gpu;
    const planned = plan.fullLengthSequences / (plan.memory.kvCacheMiB / 1024);
    expect(Math.abs(planned / perGiB - 1)).toBeLessThan(0.01);
  });
});
