import { describe, expect, test } from '@jest/globals';
import type { Leave } from '../../../../src/classroom/rollout/leave.ts';
import { type PauseInput, pauseOf } from '../../../../src/classroom/rollout/pause.ts';
import type { Deployment, Pod } from '../../../../src/kube/resources.ts';
import { containerStatus, enginePod } from '../../../support/classroom.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');
const IDLE_MS = 300_000;
const WHEN_IDLE: Leave = { kind: 'WhenQuiet', forMs: IDLE_MS, awaited: 'Idle' };

const running = (maxNumSeqs: string) => ({
  containers: [{ name: 'vllm', image: 'i', args: ['--max-num-seqs', maxNumSeqs] }],
});
const engine = (name: string, maxNumSeqs: string, started = true): Pod =>
  enginePod({
    metadata: { name },
    spec: running(maxNumSeqs),
    status: { containerStatuses: [containerStatus({ started })] },
  });

interface Rollout {
  paused?: boolean;
  updated?: number;
  observedGeneration?: number;
}

function deployment({ paused = false, updated = 1, observedGeneration = 7 }: Rollout): Deployment {
  const spec = { replicas: 2, paused, selector: {}, template: {} };
  const status = { observedGeneration, replicas: 2, updatedReplicas: updated };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'e', generation: 7 },
    spec,
    status,
  };
}

/** One of two engines runs with the change, the other one as before. */
function pause(rollout: Rollout = {}, difference: Partial<PauseInput> = {}) {
  return pauseOf({
    leave: WHEN_IDLE,
    rolledOut: { template: { spec: running('16') }, strategy: 'OneByOne' },
    deployment: deployment(rollout),
    pods: [engine('new', '16'), engine('old', '8')],
    activity: { kind: 'busy' },
    nowMs: NOW_MS,
    ...difference,
  });
}

const quietFor = (ms: number) => ({ activity: { kind: 'quiet' as const, sinceMs: NOW_MS - ms } });

describe('engines that were not replaced yet are left', () => {
  test('when students ask', () => {
    expect(pause()).toEqual({ isPaused: true, lookAtMs: undefined });
  });

  test('when an exam begins, though nobody asks yet', () => {
    const leave = { kind: 'NotYet' as const, awaited: 'ExamEnd' as const };
    expect(pause({}, { leave, ...quietFor(IDLE_MS) })).toEqual({ isPaused: true, lookAtMs: undefined });
  });

  test('until nobody has asked for as long as a change waits', () => {
    expect(pause({ paused: true }, quietFor(IDLE_MS - 1))).toEqual({ isPaused: true, lookAtMs: NOW_MS + 1 });
    expect(pause({ paused: true }, quietFor(IDLE_MS))).toEqual({ isPaused: false, lookAtMs: undefined });
  });

  test('as long as nobody knows whether students ask', () => {
    const unknown = { activity: { kind: 'unknown' as const, why: '' } };
    expect(pause({ paused: true }, unknown).isPaused).toBe(true);
    expect(pause({ paused: false }, unknown).isPaused).toBe(false);
  });

  test('as they were, until the cluster has counted them again', () => {
    expect(pause({ paused: true, observedGeneration: 6, updated: 2 }).isPaused).toBe(true);
    expect(pause({ paused: false, observedGeneration: 6 }).isPaused).toBe(false);
  });
});

describe('engines go on being replaced', () => {
  test.each<[string, Rollout, Partial<PauseInput>]>([
    ['where the spec wants it at once', { paused: true }, { leave: { kind: 'AtOnce' } }],
    ['while nobody asks', {}, quietFor(1)],
    [
      'where those that are left serve nobody',
      {},
      { pods: [engine('new', '16'), engine('old', '8', false)] },
    ],
    ['when none is left', { updated: 2, paused: true }, {}],
    ['where there is no Deployment yet', {}, { deployment: undefined }],
    [
      'where all go at once',
      {},
      { rolledOut: { template: { spec: running('16') }, strategy: 'Recreate' as const } },
    ],
  ])('%s', (_, rollout, difference) => {
    expect(pause(rollout, difference).isPaused).toBe(false);
  });
});
