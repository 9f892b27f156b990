import { describe, expect, test } from '@jest/globals';
import { decideRollout, type RolloutInput } from '../../../../src/classroom/rollout/decision.ts';
import type { Leave } from '../../../../src/classroom/rollout/leave.ts';
import type { PodTemplate, RolledOut } from '../../../../src/classroom/rollout/rolled-out.ts';
import { containerStatus, enginePod, readyPod } from '../../../support/classroom.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');
const IDLE_MS = 300_000;

function template(args: readonly string[] = ['model', '--max-num-seqs', '8']): PodTemplate {
  return { metadata: {}, spec: { containers: [{ name: 'vllm', args: [...args] }] } };
}

const RUNS: RolledOut = {
  template: template(),
  strategy: 'Recreate',
  servedName: 'qwen',
  plan: undefined,
  slot: undefined,
};
const CHANGED = template(['model', '--max-num-seqs', '16']);

const WHEN_IDLE: Leave = { kind: 'WhenQuiet', forMs: IDLE_MS, awaited: 'Idle' };
const AT_ONCE: Leave = { kind: 'AtOnce' };
const AFTER_EXAM: Leave = { kind: 'NotYet', awaited: 'ExamEnd' };

function decide(difference: Partial<RolloutInput> = {}) {
  return decideRollout({
    leave: WHEN_IDLE,
    rolledOut: RUNS,
    wanted: CHANGED,
    replicas: 1,
    pods: [readyPod('a')],
    activity: { kind: 'busy' },
    nowMs: NOW_MS,
    ...difference,
  });
}

const quietFor = (ms: number) => ({ kind: 'quiet' as const, sinceMs: NOW_MS - ms });

test.each([WHEN_IDLE, AT_ONCE, AFTER_EXAM])('engines that run as wanted are left alone: $kind', (leave) => {
  expect(decide({ leave, wanted: template() })).toEqual({ kind: 'current' });
});

test('where nothing runs there is nothing to wait for', () => {
  expect(decide({ rolledOut: undefined })).toMatchObject({ kind: 'now', changes: [] });
});

describe('a change', () => {
  test('waits while students ask', () => {
    expect(decide()).toMatchObject({ kind: 'wait', for: 'Idle', obstacle: undefined, lookAtMs: undefined });
  });

  test('waits until nobody has asked for long enough, and is looked at then', () => {
    expect(decide({ activity: quietFor(IDLE_MS - 1) })).toMatchObject({ kind: 'wait', lookAtMs: NOW_MS + 1 });
    expect(decide({ activity: quietFor(IDLE_MS) })).toMatchObject({
      kind: 'now',
      why: 'the engines are idle',
    });
  });

  test('waits where nobody knows whether students ask, and says so', () => {
    const why = 'engine a: no answer within 5 s';
    expect(decide({ activity: { kind: 'unknown', why } })).toMatchObject({ kind: 'wait', obstacle: why });
  });

  test('that must wait for something else does so however long nobody asks', () => {
    const later = decide({ leave: AFTER_EXAM, activity: quietFor(IDLE_MS) });
    expect(later).toMatchObject({ kind: 'wait', for: 'ExamEnd', obstacle: undefined, lookAtMs: undefined });
  });

  test('is made at once where the spec says so', () => {
    expect(decide({ leave: AT_ONCE })).toMatchObject({ kind: 'now' });
  });
});

describe('engines that serve nobody are replaced at once', () => {
  const crashing = containerStatus({ state: { waiting: { reason: 'CrashLoopBackOff' } } });
  test.each([
    { name: 'none', pods: [] },
    { name: 'one that fails', pods: [enginePod({ status: { containerStatuses: [crashing] } })] },
    { name: 'one that loads', pods: [enginePod()] },
    { name: 'one that no node takes', pods: [enginePod({ spec: {}, status: { containerStatuses: [] } })] },
  ])('$name', ({ pods }) => {
    const now = { kind: 'now', why: 'no engine serves anybody' };
    expect(decide({ pods })).toMatchObject(now);
    expect(decide({ pods, leave: AFTER_EXAM })).toMatchObject(now);
  });

  test('all at once: there is nobody whom one by one would keep served', () => {
    expect(decide({ pods: [enginePod(), enginePod()], replicas: 2 })).toMatchObject({ strategy: 'Recreate' });
    expect(decide({ pods: [], replicas: 2, rolledOut: undefined })).toMatchObject({ strategy: 'OneByOne' });
  });

  test('but not beside one that answers', () => {
    expect(decide({ pods: [readyPod('a'), enginePod()] })).toMatchObject({ kind: 'wait' });
  });

  test('and not one that misses its readiness probe for a moment', () => {
    const busy = containerStatus({ started: true, ready: false });
    expect(decide({ pods: [enginePod({ status: { containerStatuses: [busy] } })] })).toMatchObject({
      kind: 'wait',
    });
  });
});

describe('how engines are replaced', () => {
  const MODEL = template(['another-model', '--max-num-seqs', '8']);
  test.each([
    { name: 'a single one', replicas: 1, wanted: CHANGED, want: 'Recreate' },
    { name: 'several: the class goes on with the others', replicas: 3, wanted: CHANGED, want: 'OneByOne' },
    {
      name: 'several with another model: no student is answered by both',
      replicas: 3,
      wanted: MODEL,
      want: 'Recreate',
    },
  ])('$name: $want', ({ replicas, wanted, want }) => {
    expect(decide({ leave: AT_ONCE, replicas, wanted })).toMatchObject({ strategy: want });
  });
});
