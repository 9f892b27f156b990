import { describe, expect, test } from '@jest/globals';
import type { ClassroomStatus, EnginePlanStatus, EngineStatus } from '../../../../src/api/classroom.ts';
import {
  type MeasurementInput,
  type MeasurementReport,
  measurementReport,
  TOLERANCE,
} from '../../../../src/classroom/engine-watch/as-planned.ts';
import type { WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { sharingPod } from './engines.ts';

const NOW_MS = Date.parse('2026-09-01T10:00:00Z');
const PLANNED = 389_952;

const engine = (name: string, difference: Partial<EngineStatus> = {}): EngineStatus => ({
  name,
  state: 'Ready',
  node: 'node-1',
  ...difference,
});

const heard = (kvCacheTokens: number | undefined): WatchedEngine => ({
  health: 'Well',
  kvCacheTokens,
  use: { kind: 'quiet', sinceMs: 0 },
});

const plan: EnginePlanStatus = {
  maxModelLen: 4096,
  maxNumSeqs: 32,
  maxNumBatchedTokens: 2048,
  gpuMemoryUtilizationPercent: 45,
  kvCacheTokens: PLANNED,
  resourceName: 'nvidia.com/gpu.shared',
  basis: '',
};

const unplanned: EnginePlanStatus = { ...plan, kvCacheTokens: undefined };

interface Case extends Partial<MeasurementInput> {
  /** What each engine says, by name; undefined: it has not been asked. */
  says?: Record<string, number | undefined>;
  podsOf?: Record<string, Parameters<typeof sharingPod>[1]>;
}

function report({ says = {}, podsOf = {}, ...difference }: Case): MeasurementReport {
  const names = Object.keys(says);
  const pods: Pod[] = names.map((name) => sharingPod(name, podsOf[name]));
  return measurementReport({
    engines: names.map((name) => engine(name)),
    pods,
    enginePods: pods,
    watched: new Map(
      names.flatMap((name) => (says[name] === undefined ? [] : [[name, heard(says[name])] as const])),
    ),
    plan,
    template: { spec: sharingPod('any').spec },
    previous: undefined,
    nowMs: NOW_MS,
    ...difference,
  });
}

/** Starts of which none meets another. */
const APART = {
  a: { started: '09:00:00', ready: '09:01:00' },
  b: { started: '09:02:00', ready: '09:03:00' },
};

describe('engines are as planned', () => {
  test('when they say so, with both figures', () => {
    const { condition, engines } = report({ says: { a: PLANNED, b: PLANNED } });
    expect(condition).toEqual({
      type: 'EngineAsPlanned',
      status: 'True',
      reason: 'AsPlanned',
      message: 'The KV cache holds 389,952 tokens, 389,952 were planned.',
    });
    expect(engines).toEqual([
      engine('a', { kvCacheTokens: PLANNED }),
      engine('b', { kvCacheTokens: PLANNED }),
    ]);
  });

  test.each([
    ['more, as on a warm compile cache', PLANNED * 1.18],
    ['a little less', PLANNED * 0.82],
  ])('when they have %s', (_, tokens) => {
    expect(report({ says: { a: Math.round(tokens), b: PLANNED } }).condition).toMatchObject({
      status: 'True',
      message: expect.stringMatching(/holds [\d,]+ to [\d,]+ tokens, 389,952 were planned/),
    });
  });

  test('the tolerance lies between what is harmless and the weakest race', () => {
    const harmless = 1 - 79_488 / 93_000;
    const race = 1 - 273_616 / 389_952;
    expect(TOLERANCE).toBeGreaterThan(harmless);
    expect(TOLERANCE).toBeLessThan(race);
  });
});

describe('a start race', () => {
  const raced = { a: 273_616, b: 109_200 };

  test('is told with both engines, and kept with each', () => {
    const { condition, engines } = report({ says: raced });
    expect(condition).toMatchObject({ status: 'False', reason: 'StartRace' });
    expect(condition.message).toContain('389,952 tokens as planned');
    expect(condition.message).toContain('engine a has 273,616 and started on its GPU at the same time as b');
    expect(engines).toEqual([
      engine('a', { kvCacheTokens: 273_616, startedBeside: 'b' }),
      engine('b', { kvCacheTokens: 109_200, startedBeside: 'a' }),
    ]);
  });

  test('is not forgotten when the other engine is gone', () => {
    const before: ClassroomStatus = { engines: report({ says: raced }).engines };
    const alone = report({ says: { b: 109_200 }, previous: before });
    expect(alone.condition.reason).toBe('StartRace');
    expect(alone.engines).toEqual([engine('b', { kvCacheTokens: 109_200, startedBeside: 'a' })]);
  });

  test('of the start before is no race of this start', () => {
    const before: ClassroomStatus = {
      engines: [engine('a', { kvCacheTokens: 100_000, startedBeside: 'b' })],
    };
    const { engines } = report({ says: { a: 90_000 }, previous: before });
    expect(engines[0]).not.toHaveProperty('startedBeside');
  });

  test('is none when no engine met another: then the person is told where to look', () => {
    const { condition, engines } = report({ says: raced, podsOf: APART });
    expect(condition).toMatchObject({ status: 'False', reason: 'SmallerThanPlanned' });
    expect(condition.message).toContain('nvidia-smi');
    expect(engines.map(({ startedBeside }) => startedBeside)).toEqual([undefined, undefined]);
  });

  test('shows without a plan beside what these engines had before', () => {
    const before: ClassroomStatus = { largestKvCache: report({ says: { a: PLANNED } }).largestKvCache };
    const { condition } = report({ says: raced, plan: unplanned, previous: before });
    expect(condition).toMatchObject({ status: 'False', reason: 'StartRace' });
    expect(condition.message).toContain('389,952 tokens as the largest of these engines did');
  });
});

describe('nothing to compare', () => {
  test.each<[string, Case, string]>([
    ['no engine answers', { says: {} }, 'NotMeasured'],
    ['no engine was asked yet', { says: { a: undefined } }, 'NotMeasured'],
    ['rules of thumb say nothing of it', { says: { a: PLANNED }, plan: unplanned }, 'NotPlanned'],
    [
      'engines still run as before a change',
      { says: { a: 1000 }, podsOf: { a: { args: ['old'] } } },
      'NotMeasured',
    ],
  ])('%s: unknown', (_, input, reason) => {
    expect(report(input).condition).toMatchObject({ status: 'Unknown', reason });
  });

  test('the largest of engines with other arguments is forgotten', () => {
    const before: ClassroomStatus = { largestKvCache: report({ says: { a: PLANNED } }).largestKvCache };
    const args = ['m', '--max-model-len', '2048'];
    const changed = report({
      says: { a: 100_000 },
      podsOf: { a: { args } },
      template: { spec: sharingPod('any', { args }).spec },
      plan: unplanned,
      previous: before,
    });
    expect(changed.condition.reason).toBe('NotPlanned');
    expect(changed.largestKvCache?.tokens).toBe(100_000);
  });
});

describe('an operator that starts anew', () => {
  test.each<[string, Case]>([
    ['as planned', { says: { a: PLANNED, b: PLANNED } }],
    ['a race', { says: { a: 273_616, b: 109_200 } }],
    ['smaller', { says: { a: 273_616, b: PLANNED }, podsOf: APART }],
    ['not planned', { says: { a: PLANNED }, plan: unplanned }],
  ])('says the same before it has asked: %s', (_, input) => {
    const said = report(input);
    const previous: ClassroomStatus = { engines: said.engines, largestKvCache: said.largestKvCache };
    expect(report({ ...input, previous, watched: new Map() })).toEqual(said);
  });

  test('forgets what an engine measured that has stopped answering', () => {
    const previous: ClassroomStatus = { engines: [engine('a', { kvCacheTokens: PLANNED })] };
    const engines = [engine('a', { state: 'Failing' })];
    expect(report({ says: { a: undefined }, engines, previous }).engines).toEqual(engines);
  });
});
