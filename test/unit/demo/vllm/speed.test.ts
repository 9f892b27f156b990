import { describe, expect, test } from '@jest/globals';
import { Engine } from '../../../../src/demo/vllm/engine/engine.ts';
import { GPU_PROFILES, type GpuProfileName } from '../../../../src/demo/vllm/engine/gpu-profiles.ts';
import { modelFacts } from '../../../../src/demo/vllm/engine/models.ts';
import { Scheduler } from '../../../../src/demo/vllm/engine/scheduler.ts';
import { stepTimer } from '../../../../src/demo/vllm/engine/step-time.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

interface Load {
  readonly profile: GpuProfileName;
  readonly model: string;
  readonly maxNumSeqs: number;
  readonly students: number;
  readonly slowdown?: number;
}

/** Output tokens per second and seconds to the first token (median) of students who all ask at once: 210 in, 200 out. */
function measure({ profile, model, maxNumSeqs, students, slowdown = 1 }: Load): {
  tokensPerSecond: number;
  firstTokenSeconds: number;
} {
  const clock = new ManualClock();
  const limits = {
    maxNumSeqs,
    maxNumBatchedTokens: 2048,
    blockSize: 16,
    kvBlocks: 7071,
    policy: 'fcfs',
  } as const;
  const step = stepTimer(
    GPU_PROFILES[profile],
    { name: model, facts: modelFacts(model), quantization: undefined },
    { maxNumSeqs, gpus: 1, slowdown, speed: 1 },
  );
  const engine = new Engine(new Scheduler(limits, undefined), clock, step, {
    stepCompleted: () => {},
    sequenceFinished: () => {},
  });
  const promptTokens = Array.from({ length: 210 }, (_, index) => index);
  const spec = {
    promptTokens,
    outputTokens: 200,
    maxTokens: 200,
    endsBy: 'length',
    priority: 0,
    cacheScope: '',
  } as const;
  const listener = { progress: () => {}, engineDied: () => {} };
  const sequences = engine.submit(Array.from({ length: students }, () => ({ spec, listener })));
  clock.advance(600_000);
  const ends = sequences.map(({ finishedMs }) => finishedMs ?? Number.NaN);
  const firsts = sequences
    .map(({ firstTokenMs }) => firstTokenMs ?? Number.NaN)
    .sort((one, other) => one - other);
  return {
    tokensPerSecond: (students * 200 * 1000) / Math.max(...ends),
    firstTokenSeconds: (firsts[Math.floor(students / 2)] ?? Number.NaN) / 1000,
  };
}

describe('the simulated H100 is within 15 % of the measured one (Qwen2.5-7B, vLLM 0.26)', () => {
  test.each([
    { maxNumSeqs: 10, students: 1, measured: 156.9 },
    { maxNumSeqs: 10, students: 5, measured: 746.1 },
    { maxNumSeqs: 10, students: 10, measured: 1302.1 },
    { maxNumSeqs: 64, students: 20, measured: 2772.2 },
    { maxNumSeqs: 64, students: 40, measured: 5017.6 },
    { maxNumSeqs: 64, students: 64, measured: 7167.6 },
  ])('$students students, max-num-seqs $maxNumSeqs', ({ maxNumSeqs, students, measured }) => {
    const { tokensPerSecond } = measure({ profile: 'H100', model: 'Qwen2.5-7B', maxNumSeqs, students });
    expect(Math.abs(tokensPerSecond / measured - 1)).toBeLessThan(0.15);
  });
});

test('a small max-num-seqs makes forty students wait for their first token', () => {
  const few = measure({ profile: 'H100', model: 'Qwen2.5-7B', maxNumSeqs: 10, students: 40 });
  const many = measure({ profile: 'H100', model: 'Qwen2.5-7B', maxNumSeqs: 64, students: 40 });
  expect(few.firstTokenSeconds / many.firstTokenSeconds).toBeGreaterThan(10);
});

test('a MIG slice is slower than the whole GPU by about its share', () => {
  const load = { model: 'Qwen2.5-1.5B', maxNumSeqs: 8, students: 8 };
  const ratio =
    measure({ ...load, profile: 'H100' }).tokensPerSecond /
    measure({ ...load, profile: 'H100-MIG-1g.10gb' }).tokensPerSecond;
  expect(ratio).toBeGreaterThan(2);
  expect(ratio).toBeLessThan(9);
});

test('others on the same GPU make every step longer', () => {
  const load = { profile: 'A10', model: 'Qwen2.5-7B', maxNumSeqs: 8, students: 4 } as const;
  expect(measure(load).tokensPerSecond / measure({ ...load, slowdown: 3 }).tokensPerSecond).toBeCloseTo(3);
});
