import { describe, expect, test } from '@jest/globals';
import { type EngineOptions, readEngineOptions } from '../../../../src/demo/vllm/command-line/options.ts';
import { parseCommandLine } from '../../../../src/demo/vllm/command-line/parse.ts';
import type { Clock } from '../../../../src/demo/vllm/engine/clock.ts';
import { type GpuMemory, steadyNeighbours } from '../../../../src/demo/vllm/engine/gpu-memory.ts';
import { GPU_PROFILES } from '../../../../src/demo/vllm/engine/gpu-profiles.ts';
import { type EnginePlan, engineSizes, type GpuSlotMemory } from '../../../../src/demo/vllm/engine/memory.ts';
import { modelFacts } from '../../../../src/demo/vllm/engine/models.ts';
import { StartFailure } from '../../../../src/demo/vllm/engine/start-failure.ts';
import { type EngineMemory, engineMemory } from '../../../../src/demo/vllm/lifecycle/engine-memory.ts';
import { type LoadedEngine, Loading } from '../../../../src/demo/vllm/lifecycle/loading.ts';
import { Log } from '../../../../src/demo/vllm/lifecycle/log.ts';
import { sharedGpu } from '../../../../src/demo/vllm/lifecycle/shared-gpu.ts';
import { planEngine } from '../../../../src/gpu/planner/plan.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { recordedText } from '../../../support/vllm-recordings.ts';

const QWEN = 'Qwen/Qwen2.5-7B-Instruct';
const LLAMA = 'meta-llama/Llama-3.1-8B';
const SMALL = 'Qwen/Qwen2.5-1.5B';
const H100: GpuSlotMemory = { profile: GPU_PROFILES.H100 };

const read = (...argv: string[]): EngineOptions => readEngineOptions(parseCommandLine(argv));

interface Started {
  plan: EnginePlan;
  /** What the engine holds when it is ready. */
  holdsGiB: number;
  memory: EngineMemory;
}

/** All steps of a start at once. */
function start(argv: readonly string[], slot: GpuSlotMemory = H100, othersGiB = 0): Started {
  const options = read(...argv);
  let holdsGiB = 0;
  const gpu: GpuMemory = {
    ...steadyNeighbours(othersGiB),
    hold: (gib) => {
      holdsGiB = gib;
    },
  };
  const memory = engineMemory(options, engineSizes(options, modelFacts(options.model), slot), gpu);
  memory.begin();
  memory.loadWeights(0);
  memory.weightsLoaded();
  const plan = memory.takeCache();
  memory.captureGraphs();
  return { plan, holdsGiB, memory };
}

const flags = (text: string): string[] => text.split(' ');

describe('the KV cache, as measured on an H100', () => {
  test.each([
    [QWEN, '0.2728', 10, 2048, 'Cold', '', 6.04, 21.29],
    [QWEN, '0.2728', 64, 2048, 'Cold', '', 6.04, 21.58],
    [QWEN, '0.25', 32, 2048, 'Cold', '', 4.25, 19.6],
    [LLAMA, '0.25', 32, 2048, 'Cold', '', 3.56, 19.58],
    [SMALL, '0.054', 32, 2048, 'Cold', '', 0.64, 4.71],
    [SMALL, '0.108', 32, 2048, 'Warm', '', 5.2, 9.31],
    [QWEN, '0.25', 32, 2048, 'Cold', ' --enforce-eager', 4.98, 20.42],
    [QWEN, '0.2728', 8, 32_768, 'Cold', '', 2.88, 18.13],
    [QWEN, '0.45', 32, 2048, 'Warm', '', 20.83, 36.17],
  ] as const)(
    '%s at %s with %d sequences of %d tokens, %s cache%s: %d GiB, the engine holds %d',
    (model, utilisation, seqs, batched, compileCache, more, kvCacheGiB, holdsGiB) => {
      const started = start(
        flags(
          `${model} --gpu-memory-utilization ${utilisation} --max-model-len 4096 --max-num-seqs ${seqs} --max-num-batched-tokens ${batched}${more}`,
        ),
        { ...H100, compileCache },
      );
      expect(Math.abs(started.plan.kvCacheGiB - kvCacheGiB)).toBeLessThan(0.15);
      expect(Math.abs(started.holdsGiB - holdsGiB)).toBeLessThan(0.3);
    },
  );

  test('comes within 2 % of the tokens', () => {
    const argv = `${QWEN} --gpu-memory-utilization 0.2728 --max-model-len 4096 --max-num-batched-tokens 2048`;
    expect(Math.abs(start(flags(argv)).plan.kvCacheTokens / 113_136 - 1)).toBeLessThan(0.02);
  });

  test('is, when pinned, what vLLM had in six of six starts', () => {
    const argv = `${SMALL} --kv-cache-memory-bytes 2G --max-model-len 4096`;
    expect(start(flags(argv)).plan.kvCacheTokens).toBe(74_896);
  });
});

test('several GPUs divide weights and KV cache', () => {
  const pinned = [QWEN, '--kv-cache-memory-bytes', '4G'];
  const one = start(pinned).plan;
  const two = start([...pinned, '--tensor-parallel-size', '2'], { ...H100, gpus: 2 }).plan;
  expect(two.weightsGiB / one.weightsGiB).toBeCloseTo(0.5, 1);
  expect(two.kvCacheTokens / one.kvCacheTokens).toBeCloseTo(2, 2);
});

describe('a start is refused with the logged text', () => {
  test.each([
    [
      'a neighbour holds the memory',
      () => start([QWEN, '--gpu-memory-utilization', '0.9'], H100, 70.51),
      'e5b-hog70-util0.9',
      /Free memory on device cuda:0 \(8\.15\/79\.18 GiB\) on startup is less than desired GPU memory utilization \(0\.9, 71\.26 GiB\)\. [^\n]*/,
    ],
    [
      'the batch is smaller than the sequences',
      () => start([QWEN, '--max-num-batched-tokens', '8', '--max-num-seqs', '64']),
      'badarg-batched-lt-seqs',
      /Value error, max_num_batched_tokens \(8\) must be greater than or equal to max_num_seqs \(64\)\./,
    ],
    [
      'the utilisation is above 1',
      () => start([QWEN, '--gpu-memory-utilization', '1.5']),
      'badarg-util',
      /Input should be less than or equal to 1 \[type=less_than_equal, input_value=1\.5/,
    ],
    [
      'there are two GPUs too few',
      () => start([QWEN, '--tensor-parallel-size', '2']),
      'badarg-tp2',
      /World size \(2\) is larger than the number of available GPUs \(1\) in this node\./,
    ],
  ])('%s', (_, refused, log, pattern) => {
    const [logged] = pattern.exec(recordedText(`0.26.0-h100/${log}.log.txt`)) ?? [];
    expect(logged).toBeDefined();
    expect(refused).toThrow(logged);
  });

  test('a context that does not fit, with the numbers an operator can read', () => {
    const tooLong = `${LLAMA} --gpu-memory-utilization 0.25 --max-model-len 131072 --enforce-eager`;
    const pattern =
      /max seq len \(131072\), \(16\.0 GiB KV cache is needed, which is larger than the available KV cache memory \([\d.]+ GiB\)\. Based on the available memory, the estimated maximum model length is \d+\./;
    expect(pattern.test(recordedText('0.26.0-h100/e5b-kv-too-small.log.txt'))).toBe(true);
    expect(() => start(flags(tooLong))).toThrow(pattern);
  });

  test('weights that fill the budget leave no cache blocks', () => {
    expect(() => start([QWEN, '--gpu-memory-utilization', '0.18'])).toThrow(
      'No available memory for the cache blocks',
    );
  });

  test.each([
    ['the first look at the GPU', [QWEN, '--gpu-memory-utilization', '0.9'], 70.51],
    ['the cache', [QWEN, '--gpu-memory-utilization', '0.18'], 0],
    ['the last step', [QWEN, '--kv-cache-memory-bytes', '64G'], 0],
  ] as const)('ends in the line that does not say why: %s', (_, argv, othersGiB) => {
    const failure = failureOf(() => start(argv, H100, othersGiB));
    expect(failure.exitCode).toBe(1);
    expect(failure.lines.at(-1)?.text).toBe(
      'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
    );
  });
});

function failureOf(refused: () => unknown): StartFailure {
  try {
    refused();
  } catch (error) {
    if (error instanceof StartFailure) return error;
    throw error;
  }
  throw new Error('it started');
}

describe('an engine started as planned', () => {
  test.each([
    ['Qwen/Qwen2.5-7B-Instruct', { gpu: 'NVIDIA-A10' }],
    ['Qwen/Qwen2.5-7B-Instruct-AWQ', { gpu: 'NVIDIA-A10' }],
    ['Qwen/Qwen2.5-1.5B-Instruct', { gpu: 'NVIDIA-A10', slicesPerGPU: 2 }],
    ['Qwen/Qwen2.5-1.5B-Instruct', { gpu: 'NVIDIA-H100-80GB-HBM3', migProfile: '1g.10gb' }],
    ['meta-llama/Llama-3.1-8B-Instruct', { gpu: 'NVIDIA-H100-80GB-HBM3' }],
    ['google/gemma-3-12b-it', { gpu: 'NVIDIA-H100-80GB-HBM3' }],
    ['Qwen/Qwen3-30B-A3B', { gpu: 'NVIDIA-H100-80GB-HBM3' }],
    ['acme/own-3b', { gpu: 'NVIDIA-A10' }],
  ])('%s on %j has the tokens that were planned, and room under load', (id, slot) => {
    const plan = planEngine({ model: { id }, slot });
    expect(plan.fits).toBe(true);
    const profile = 'migProfile' in slot ? 'H100-MIG-1g.10gb' : slot.gpu === 'NVIDIA-A10' ? 'A10' : 'H100';
    const started = start([id, ...plan.engineArgs], { profile: GPU_PROFILES[profile] });
    expect(Math.abs(started.plan.kvCacheTokens - plan.kvCacheTokens)).toBeLessThanOrEqual(16);
    expect(started.memory.firstRequest()).toBeUndefined();
  });
});

describe('an engine takes more than its budget', () => {
  const slice: GpuSlotMemory = { profile: GPU_PROFILES['H100-MIG-1g.10gb'], compileCache: 'Warm' };
  const argv = (utilisation: string): string[] =>
    flags(`${SMALL} --max-model-len 4096 --max-num-seqs 32 --gpu-memory-utilization ${utilisation}`);

  test('at 0.9 of a small slice it starts and dies of its first request', () => {
    const { memory, holdsGiB } = start(argv('0.9'), slice);
    expect(holdsGiB).toBeLessThan(9.5);
    expect(memory.firstRequest()).toMatch(
      /^torch\.OutOfMemoryError: CUDA out of memory\. Tried to allocate 0\.33 GiB\. GPU 0 has a total capacity of 9\.5 GiB/,
    );
  });

  test('at 0.85 it has room', () => {
    expect(start(argv('0.85'), slice).memory.firstRequest()).toBeUndefined();
  });

  test('a pinned cache that does not fit runs out of memory', () => {
    expect(() => start([...argv('0.85'), '--kv-cache-memory-bytes', '7G'], slice)).toThrow(
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 7.0 GiB.',
    );
  });
});

const LOAD_SECONDS = 100;

function simulatorClock(clock: FakeClock): Clock {
  return {
    nowMs: () => clock.monotonic(),
    wallMs: () => clock.now(),
    after: (delayMs, callback) => {
      const timer = clock.setTimeout(callback, delayMs);
      return () => timer.cancel();
    },
  };
}

interface Race {
  results: PromiseSettledResult<LoadedEngine>[];
  diesUnderLoad: boolean[];
  log: string;
}

/** Starts engines of one GPU, each so many seconds after the first. */
async function race(
  afterSeconds: readonly number[],
  argv: readonly string[],
  slot: GpuSlotMemory = { ...H100, compileCache: 'Warm' },
): Promise<Race> {
  await using folder = await temporaryFolder();
  const fake = createFakeClock();
  const clock = simulatorClock(fake);
  const options = read(...argv);
  let log = '';
  const write = (text: string): void => {
    log += text;
  };
  const starts: Promise<PromiseSettledResult<LoadedEngine>[]>[] = [];
  let nowSeconds = 0;
  for (const [index, seconds] of afterSeconds.entries()) {
    await fake.advance((seconds - nowSeconds) * 1000);
    nowSeconds = seconds;
    const loading = new Loading({
      options,
      facts: modelFacts(options.model),
      slot,
      gpu: sharedGpu({ folder: folder.path, engine: `engine-${index}`, clock, pid: process.pid }),
      kvCacheTokens: undefined,
      loadSeconds: LOAD_SECONDS,
      log: new Log({ stdout: write, stderr: write }, clock, 1),
      clock,
    });
    starts.push(Promise.allSettled([loading.run()]));
  }
  await fake.advance(2 * LOAD_SECONDS * 1000);
  const results = (await Promise.all(starts)).flat();
  const diesUnderLoad = results.map(
    (result) => result.status === 'fulfilled' && result.value.memory?.firstRequest() !== undefined,
  );
  return { results, diesUnderLoad, log };
}

const HALF = flags(
  `${QWEN} --gpu-memory-utilization 0.45 --max-model-len 4096 --max-num-seqs 32 --max-num-batched-tokens 2048`,
);

const kvOf = ({ results }: Race): number[] =>
  results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value.plan.kvCacheGiB;
  });

describe('two engines on one GPU', () => {
  test('one after the other have what each would have alone', async () => {
    const [first = 0, second = 0] = kvOf(await race([0, 100], HALF));
    expect(first).toBeCloseTo(second);
    expect(Math.abs(first - 20.83)).toBeLessThan(0.15);
  });

  test('that start nearly at once measure each other: 30 % and 72 % less, as on an H100, without a word', async () => {
    const raced = await race([0, 29.85], HALF);
    const [first = 0, second = 0] = kvOf(raced);
    expect(Math.abs(first - 14.61)).toBeLessThan(0.15);
    expect(Math.abs(second - 5.83)).toBeLessThan(0.15);
    expect(raced.log).not.toMatch(/WARNING|ERROR/);
    expect(raced.log).toMatch(/Actual usage is [^\n]* 6\.\d\d GiB for non-torch memory/);
    expect(raced.log).toMatch(/Actual usage is [^\n]* 15\.\d\d GiB for non-torch memory/);
  });

  test('that start in the same moment both lose', async () => {
    for (const kv of kvOf(await race([0, 0], HALF))) expect(kv / 20.83).toBeLessThan(0.4);
  });

  test('with a pinned cache do not measure, and have it whole', async () => {
    const raced = await race([0, 0], [...HALF, '--kv-cache-memory-bytes', '15G']);
    expect(kvOf(raced)).toEqual([15, 15]);
    expect(raced.log).toContain(
      'reserved 15.0 GiB memory for KV Cache as specified by kv_cache_memory_bytes',
    );
  });

  test('too many for the GPU: the last is refused', async () => {
    const { results } = await race([0, 100, 200], HALF);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(results[2]).toMatchObject({
      reason: { message: expect.stringContaining('is less than desired GPU memory utilization (0.45') },
    });
  });

  test('of which one leaves while the other measures: vLLM notices that memory came back', async () => {
    await using folder = await temporaryFolder();
    const clock = simulatorClock(createFakeClock());
    const shared = (engine: string): GpuMemory =>
      sharedGpu({ folder: folder.path, engine, clock, pid: process.pid });
    const leaving = shared('leaving');
    leaving.hold(30);
    const options = read(...HALF);
    const memory = engineMemory(options, engineSizes(options, modelFacts(QWEN), H100), shared('starting'));
    memory.begin();
    memory.weightsLoaded();
    leaving.release();
    expect(() => memory.takeCache()).toThrow(
      /Error in memory profiling\. Initial free memory 48\.66 GiB, current/,
    );
  });
});

test.each([2, 4])(
  '%d engines planned for time-slices of an A10 fit when they start in turn',
  async (slices) => {
    const id = 'Qwen/Qwen2.5-0.5B-Instruct';
    const plan = planEngine({ model: { id }, slot: { gpu: 'NVIDIA-A10', slicesPerGPU: slices } });
    const inTurn = Array.from({ length: slices }, (_, index) => index * LOAD_SECONDS);
    const raced = await race(inTurn, [id, ...plan.engineArgs], { profile: GPU_PROFILES.A10 });
    const planned = plan.settings.kvCacheMemoryBytes / 2 ** 30;
    for (const kv of kvOf(raced)) expect(kv).toBeCloseTo(planned);
    expect(raced.diesUnderLoad).toEqual(inTurn.map(() => false));
  },
);

describe('what a process holds of a shared GPU', () => {
  test('counts for the others, not for itself, and grows evenly', async () => {
    await using folder = await temporaryFolder();
    const fake = createFakeClock();
    const clock = simulatorClock(fake);
    const [one, other] = ['one', 'other'].map((engine) =>
      sharedGpu({ folder: folder.path, engine, clock, pid: process.pid }),
    );
    one?.hold(10, 4000);
    await fake.advance(1000);
    expect(other?.usedByOthersGiB()).toBeCloseTo(2.5);
    expect(one?.usedByOthersGiB()).toBe(0);
    await fake.advance(10_000);
    expect(other?.usedByOthersGiB()).toBe(10);
    one?.release();
    expect(other?.usedByOthersGiB()).toBe(0);
  });
});
