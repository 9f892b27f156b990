import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EngineFailures } from '../../../../src/api/engine-failures.ts';
import {
  advanceRecord,
  isHeld,
  type RecordInput,
  retryAtMs,
  stepsFor,
} from '../../../../src/classroom/failures/record.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { containerStatus, enginePod } from '../../../support/classroom.ts';

const NOON_MS = Date.parse('2026-09-01T12:00:00Z');
const MINUTE_MS = 60_000;
const IMAGE = 'vllm/vllm-openai:v0.32.0';
const ARGS = [
  'Qwen/Qwen2.5-7B-Instruct',
  ...['--max-model-len', '4096', '--max-num-seqs', '16'],
  ...['--max-num-batched-tokens', '2048', '--gpu-memory-utilization', '0.9'],
];

const OUT_OF_MEMORY =
  'EngineCore failed to start.\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB';
const OUT_OF_MEMORY_LATER =
  'EngineCore encountered a fatal error.\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB';
const BAD_FLAG = 'main.py: error: unrecognized arguments: --no-such-flag 1';
const GATED =
  'huggingface_hub.errors.GatedRepoError: 403 Client Error. Cannot access gated repo for url https://hub/x';

interface EndedPod {
  message?: string;
  exitCode?: number;
  /** Minutes after noon. */
  at?: number;
  name?: string;
  args?: readonly string[];
  image?: string;
}

/** A pod whose container ended so and is waiting to be started again. */
function ended({
  message = '',
  exitCode = 1,
  at = 0,
  name = 'engine-a',
  args = ARGS,
  image = IMAGE,
}: EndedPod): Pod {
  const finishedAt = new Date(NOON_MS + at * MINUTE_MS).toISOString().replace('.000Z', 'Z');
  return enginePod({
    metadata: { name },
    spec: { containers: [{ name: 'vllm', image, args: [...args] }] },
    status: {
      containerStatuses: [
        containerStatus({
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode, reason: 'Error', message, finishedAt } },
        }),
      ],
    },
  });
}

function input(difference: Partial<RecordInput> = {}): RecordInput {
  return {
    specHash: 'spec-1',
    pods: [],
    rolledOut: { image: IMAGE, args: ARGS },
    isAsWanted: true,
    readyEngines: 0,
    wantedEngines: 1,
    nowMs: NOON_MS,
    ...difference,
  };
}

/** The record after the same pod ended so many times, a minute apart. */
function afterEnds(count: number, end: EndedPod, before?: EngineFailures): EngineFailures | undefined {
  let record = before;
  for (let at = 1; at <= count; at++) {
    record = advanceRecord(record, input({ pods: [ended({ at, ...end })], nowMs: NOON_MS + at * MINUTE_MS }));
  }
  return record;
}

/** The arguments of an engine that runs with the steps taken. */
function withSteps(args: readonly string[], record: EngineFailures | undefined): string[] {
  const flags = {
    MaxNumBatchedTokens: '--max-num-batched-tokens',
    MaxNumSeqs: '--max-num-seqs',
    MaxModelLen: '--max-model-len',
    GPUMemoryUtilization: '--gpu-memory-utilization',
  };
  const lowered = [...args];
  for (const { setting, to } of record?.memorySteps ?? []) lowered[lowered.indexOf(flags[setting]) + 1] = to;
  return lowered;
}

const stepsOf = (record: EngineFailures | undefined) =>
  (record?.memorySteps ?? []).map(({ setting, from, to }) => `${setting} ${from} → ${to}`);

describe('nothing is remembered', () => {
  test.each([0, 137, 143])('when an engine that is deleted ends with exit code %i', (exitCode) => {
    const deletionTimestamp = '2026-09-01T12:01:00Z';
    const status = {
      containerStatuses: [
        containerStatus({ state: { terminated: { exitCode, finishedAt: deletionTimestamp } } }),
      ],
    };
    const running = ended({});
    const pod: Pod = { ...running, metadata: { ...running.metadata, deletionTimestamp }, status };
    expect(advanceRecord(undefined, input({ pods: [pod] }))).toBeUndefined();
  });

  test('but how it had ended before it was deleted', () => {
    const pod = ended({ message: GATED });
    const deleted = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-09-01T12:01:00Z' } };
    expect(advanceRecord(undefined, input({ pods: [deleted] }))).toMatchObject({
      reason: 'ModelGated',
      count: 1,
    });
  });

  test('while nothing fails', () => {
    expect(advanceRecord(undefined, input())).toBeUndefined();
  });

  test('once all engines answer', () => {
    const record = afterEnds(1, { message: GATED });
    expect(record).toMatchObject({ reason: 'ModelGated', count: 1 });
    expect(advanceRecord(record, input({ readyEngines: 1 }))).toBeUndefined();
  });

  test('of engines that ran otherwise than they are rolled out now', () => {
    const other = [ended({ message: BAD_FLAG, args: ['x'] }), ended({ message: BAD_FLAG, image: 'other' })];
    expect(advanceRecord(undefined, input({ pods: other }))).toBeUndefined();
  });
});

describe('an engine that runs out of GPU memory at its start', () => {
  test('is started again a step lower', () => {
    const record = advanceRecord(undefined, input({ pods: [ended({ message: OUT_OF_MEMORY })] }));
    expect(record).toMatchObject({
      reason: 'OutOfGPUMemoryAtStart',
      memorySteps: [
        {
          setting: 'MaxNumBatchedTokens',
          from: '2048',
          to: '1024',
          reason: 'OutOfGPUMemoryAtStart',
          time: '2026-09-01T12:00:00Z',
        },
      ],
    });
    expect(record?.held).toBeUndefined();
  });

  test('takes one step for one end, however often it is looked at', () => {
    const pods = [ended({ message: OUT_OF_MEMORY })];
    const first = advanceRecord(undefined, input({ pods }));
    expect(advanceRecord(first, input({ pods, nowMs: NOON_MS + MINUTE_MS }))).toEqual(first);
  });

  test('takes one step where several engines ended at once', () => {
    const pods = ['a', 'b', 'c'].map((name) => ended({ message: OUT_OF_MEMORY, name }));
    const record = advanceRecord(undefined, input({ pods, wantedEngines: 3 }));
    expect(stepsOf(record)).toHaveLength(1);
    expect(advanceRecord(record, input({ pods, wantedEngines: 3 }))).toEqual(record);
  });

  test('takes no further step for an engine that the step before has not reached', () => {
    const first = advanceRecord(undefined, input({ pods: [ended({ message: OUT_OF_MEMORY })] }));
    const again = advanceRecord(first, input({ pods: [ended({ message: OUT_OF_MEMORY, at: 5 })] }));
    expect(stepsOf(again)).toEqual(stepsOf(first));
  });

  test('goes down to the last step, and is then held until the spec changes, with advice', () => {
    let record: EngineFailures | undefined;
    for (let at = 0; at < 20; at++) {
      const args = withSteps(ARGS, record);
      const pods = [ended({ message: OUT_OF_MEMORY, at, args })];
      record = advanceRecord(record, input({ pods, rolledOut: { image: IMAGE, args } }));
    }
    expect(stepsOf(record)).toEqual([
      'MaxNumBatchedTokens 2048 → 1024',
      'MaxNumBatchedTokens 1024 → 512',
      'MaxNumSeqs 16 → 8',
      'MaxModelLen 4096 → 2048',
      'GPUMemoryUtilization 0.9 → 0.855',
      'GPUMemoryUtilization 0.855 → 0.812',
      'GPUMemoryUtilization 0.812 → 0.771',
      'GPUMemoryUtilization 0.771 → 0.732',
    ]);
    expect(record?.held).toEqual({ since: '2026-09-01T12:00:00Z' });
    expect(record?.message).toContain('nothing is left to lower. Choose a smaller or quantised model');
  });

  test('keeps what was lowered when it answers, and forgets the rest', () => {
    const record = advanceRecord(undefined, input({ pods: [ended({ message: OUT_OF_MEMORY })] }));
    const answering = advanceRecord(record, input({ readyEngines: 1 }));
    expect(stepsOf(answering)).toEqual(stepsOf(record));
    expect(answering).not.toHaveProperty('reason');
  });

  test('takes no step where others answer with the same settings', () => {
    const pods = [ended({ message: OUT_OF_MEMORY })];
    const record = advanceRecord(undefined, input({ pods, readyEngines: 1, wantedEngines: 2 }));
    expect(stepsOf(record)).toEqual([]);
  });
});

test('an end of an engine that is to be replaced lowers nothing of what it is replaced by', () => {
  const pods = [ended({ message: OUT_OF_MEMORY_LATER, exitCode: 0 })];
  const waiting = input({ pods, isAsWanted: false, readyEngines: 1, wantedEngines: 2 });
  const record = advanceRecord(undefined, waiting);
  expect(stepsOf(record)).toEqual([]);
  expect(record).not.toHaveProperty('reason');
  expect(advanceRecord(record, waiting)).toEqual(record);
  expect(stepsOf(advanceRecord(record, { ...waiting, isAsWanted: true }))).toEqual([]);
});

test('an engine that runs out of GPU memory while it serves takes a step, also where others answer', () => {
  const pods = [ended({ message: OUT_OF_MEMORY_LATER, exitCode: 0 })];
  const record = advanceRecord(undefined, input({ pods, readyEngines: 1, wantedEngines: 2 }));
  expect(record?.reason).toBe('OutOfGPUMemory');
  expect(stepsOf(record)).toEqual(['MaxNumBatchedTokens 2048 → 1024']);
});

describe('a start that fails for ever', () => {
  test('is held after the second, until the spec changes', () => {
    expect(afterEnds(1, { message: BAD_FLAG, exitCode: 2 })?.held).toBeUndefined();
    const held = afterEnds(2, { message: BAD_FLAG, exitCode: 2 });
    expect(held?.held).toEqual({ since: '2026-09-01T12:02:00Z' });
    expect(retryAtMs(held)).toBeUndefined();
    expect(isHeld(held, { specHash: 'spec-1', nowMs: NOON_MS + 1e12 })).toBe(true);
    expect(isHeld(held, { specHash: 'spec-2', nowMs: NOON_MS })).toBe(false);
  });

  test('holds nobody while another engine serves, also when that misses its probe for a moment', () => {
    const busy = enginePod({ status: { containerStatuses: [containerStatus({ started: true })] } });
    let record: EngineFailures | undefined;
    for (let at = 1; at <= 9; at++) {
      const pods = [busy, ended({ message: BAD_FLAG, exitCode: 2, at, name: 'engine-b' })];
      record = advanceRecord(record, input({ pods, wantedEngines: 2 }));
    }
    expect(record).toMatchObject({ reason: 'ArgumentRefused', count: 9 });
    expect(record).not.toHaveProperty('held');
  });

  test('is held after two of each engine where the class has several', () => {
    let record: EngineFailures | undefined;
    const heldAfter: boolean[] = [];
    for (let at = 1; at <= 2; at++) {
      for (const name of ['a', 'b', 'c']) {
        const pods = [ended({ message: BAD_FLAG, exitCode: 2, at, name })];
        record = advanceRecord(record, input({ pods, wantedEngines: 3 }));
        heldAfter.push(record?.held !== undefined);
      }
    }
    expect(heldAfter).toEqual([false, false, false, false, false, true]);
  });

  test('is not held while another engine answers', () => {
    let record: EngineFailures | undefined;
    for (let at = 1; at < 5; at++) {
      const pods = [ended({ message: BAD_FLAG, exitCode: 2, at })];
      record = advanceRecord(record, input({ pods, readyEngines: 1, wantedEngines: 2 }));
    }
    expect(record).toMatchObject({ count: 4 });
    expect(record?.held).toBeUndefined();
  });

  test('starts its count anew with another cause', () => {
    const record = afterEnds(1, { message: GATED, at: 9 }, afterEnds(1, { message: BAD_FLAG, exitCode: 2 }));
    expect(record).toMatchObject({ reason: 'ModelGated', count: 1 });
  });
});

describe('a start that somebody may mend elsewhere', () => {
  const held = afterEnds(5, { message: GATED });

  test('is held after the fifth, for a quarter of an hour', () => {
    expect(afterEnds(4, { message: GATED })?.held).toBeUndefined();
    expect(held?.held).toEqual({ since: '2026-09-01T12:05:00Z', retryTime: '2026-09-01T12:20:00Z' });
    const at = (nowMs: number) => isHeld(held, { specHash: 'spec-1', nowMs });
    expect([at(NOON_MS + 19 * MINUTE_MS), at(NOON_MS + 20 * MINUTE_MS)]).toEqual([true, false]);
  });

  test('says the same as long as it is held', () => {
    expect(advanceRecord(held, input({ nowMs: NOON_MS + 19 * MINUTE_MS }))).toEqual(held);
  });

  test('is tried again then, and held twice as long after one start, up to two hours', () => {
    const restsMinutes: number[] = [];
    let record = held;
    for (let round = 0; round < 5; round++) {
      const nowMs = retryAtMs(record) ?? Number.NaN;
      record = advanceRecord(record, input({ nowMs }));
      expect(record?.held).toBeUndefined();
      const at = (nowMs - NOON_MS) / MINUTE_MS + 1;
      record = advanceRecord(record, input({ pods: [ended({ message: GATED, at })], nowMs }));
      restsMinutes.push(((retryAtMs(record) ?? Number.NaN) - nowMs) / MINUTE_MS);
    }
    expect(restsMinutes).toEqual([30, 60, 120, 120, 120]);
  });
});

describe('what mends itself', () => {
  test.each([
    { exitCode: 0, reason: 'EngineDied' },
    { exitCode: 137, reason: 'Killed' },
  ])('$reason is counted and never held: students are served between', ({ exitCode, reason }) => {
    const record = afterEnds(50, { exitCode });
    expect(record).toMatchObject({ reason, count: 50 });
    expect(record?.held).toBeUndefined();
  });
});

describe('a change of the spec', () => {
  const held = afterEnds(2, { message: BAD_FLAG, exitCode: 2 });

  test('frees what was held, and forgets what was lowered', () => {
    const lowered = advanceRecord(undefined, input({ pods: [ended({ message: OUT_OF_MEMORY })] }));
    for (const record of [held, lowered]) {
      const after = advanceRecord(record, input({ specHash: 'spec-2' }));
      expect(after).toMatchObject({ specHash: 'spec-2', memorySteps: [], count: 0 });
      expect(after).not.toHaveProperty('held');
      expect(stepsFor(record, 'spec-2')).toEqual([]);
    }
  });

  test('is not charged with ends from before', () => {
    const before = ended({ message: BAD_FLAG, exitCode: 2, at: 2 });
    expect(advanceRecord(held, input({ specHash: 'spec-2', pods: [before] }))).toMatchObject({ count: 0 });
  });
});

test('whatever happens, looking again without news changes nothing', () => {
  const pod = fc.record({
    message: fc.constantFrom(OUT_OF_MEMORY, OUT_OF_MEMORY_LATER, BAD_FLAG, GATED, ''),
    exitCode: fc.constantFrom(0, 1, 2, 137),
    at: fc.integer({ min: 0, max: 9 }),
    name: fc.constantFrom('a', 'b'),
  });
  const look = fc.record({ ends: fc.array(pod, { maxLength: 3 }), ready: fc.integer({ min: 0, max: 2 }) });
  fc.assert(
    fc.property(fc.array(look, { maxLength: 8 }), (looks) => {
      let record: EngineFailures | undefined;
      for (const { ends, ready } of looks) {
        const now = input({ pods: ends.map(ended), readyEngines: ready, wantedEngines: 2 });
        record = advanceRecord(record, now);
        expect(advanceRecord(record, now)).toEqual(record);
      }
    }),
  );
});
