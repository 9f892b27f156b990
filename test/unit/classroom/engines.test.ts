import { describe, expect, test } from '@jest/globals';
import { engineStatus, engineStatuses, readySince } from '../../../src/classroom/engines.ts';
import type { Pod } from '../../../src/kube/resources.ts';
import { containerStatus, enginePod, readyPod } from '../../support/classroom.ts';

const waiting = (reason: string, message?: string) => ({
  state: { waiting: { reason, ...(message === undefined ? {} : { message }) } },
});
const oom = {
  terminated: {
    exitCode: 1,
    reason: 'Error',
    message:
      'INFO loading\n\n(APIServer pid=63) EngineCore failed to start.\ntorch.OutOfMemoryError: CUDA out of memory.\n',
  },
};

/** A pod that no node has taken. */
function unscheduledPod(conditions: NonNullable<NonNullable<Pod['status']>['conditions']>): Pod {
  return { ...enginePod(), spec: { containers: [] }, status: { phase: 'Pending', conditions } };
}

interface Case {
  name: string;
  pod: Pod;
  state: string;
  message: string | undefined;
}

const CASES: Case[] = [
  {
    name: 'nobody has looked at it yet',
    pod: unscheduledPod([]),
    state: 'Scheduling',
    message: 'waits for the scheduler',
  },
  {
    name: 'no node has a free GPU',
    pod: unscheduledPod([
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.',
      },
    ]),
    state: 'Scheduling',
    message: 'Unschedulable: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.',
  },
  {
    name: 'the node has not begun',
    pod: enginePod({ status: { phase: 'Pending', containerStatuses: [] } }),
    state: 'Loading',
    message: 'the node has not started it yet',
  },
  {
    name: 'the image is pulled',
    pod: enginePod({ status: { containerStatuses: [containerStatus(waiting('ContainerCreating'))] } }),
    state: 'Loading',
    message: 'the image is being pulled and the container made',
  },
  {
    name: 'the model is loaded',
    pod: enginePod(),
    state: 'Loading',
    message: 'started at 2026-09-01T09:00:00Z',
  },
  {
    name: 'it answers',
    pod: readyPod('python-101-engine-a'),
    state: 'Ready',
    message: undefined,
  },
  {
    name: 'the image cannot be pulled',
    pod: enginePod({
      status: { containerStatuses: [containerStatus(waiting('ImagePullBackOff', 'no such tag'))] },
    }),
    state: 'Failing',
    message: 'ImagePullBackOff: no such tag',
  },
  {
    name: 'a Secret is missing',
    pod: enginePod({
      status: {
        containerStatuses: [
          containerStatus(waiting('CreateContainerConfigError', 'secret "hf-token" not found')),
        ],
      },
    }),
    state: 'Failing',
    message: 'CreateContainerConfigError: secret "hf-token" not found',
  },
  {
    name: 'it crashes again and again: the last lines of its log tell why',
    pod: enginePod({
      status: {
        containerStatuses: [
          containerStatus({
            ...waiting('CrashLoopBackOff', 'back-off 40s restarting failed container'),
            restartCount: 3,
            lastState: oom,
          }),
        ],
      },
    }),
    state: 'Failing',
    message:
      'CrashLoopBackOff: ended (exit code 1): INFO loading | EngineCore failed to start. | torch.OutOfMemoryError: CUDA out of memory.',
  },
  {
    name: 'it loads again after a crash',
    pod: enginePod({ status: { containerStatuses: [containerStatus({ restartCount: 1, lastState: oom })] } }),
    state: 'Loading',
    message:
      'started at 2026-09-01T09:00:00Z; the one before ended (exit code 1): INFO loading | EngineCore failed to start. | torch.OutOfMemoryError: CUDA out of memory.',
  },
  {
    name: 'it needed more memory than the node gave it',
    pod: enginePod({
      status: {
        containerStatuses: [
          containerStatus({ state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }),
        ],
      },
    }),
    state: 'Failing',
    message: 'ended (OOMKilled, exit code 137)',
  },
  {
    name: 'it ended with exit code 0, as vLLM does when its engine has died',
    pod: enginePod({
      status: {
        containerStatuses: [containerStatus({ state: { terminated: { exitCode: 0, reason: 'Completed' } } })],
      },
    }),
    state: 'Failing',
    message: 'ended (exit code 0)',
  },
  {
    name: 'it answered and stopped doing so',
    pod: enginePod({
      status: {
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-09-01T10:00:00Z' }],
        containerStatuses: [containerStatus({ started: true })],
      },
    }),
    state: 'Failing',
    message: 'stopped answering its health check at 2026-09-01T10:00:00Z',
  },
  {
    name: 'its start-up probe has just passed',
    pod: enginePod({ status: { containerStatuses: [containerStatus({ started: true })] } }),
    state: 'Loading',
    message: 'started at 2026-09-01T09:00:00Z',
  },
  {
    name: 'it was evicted',
    pod: enginePod({
      status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory.' },
    }),
    state: 'Failing',
    message: 'Evicted: The node was low on memory.',
  },
  {
    name: 'it is deleted',
    pod: enginePod({ metadata: { deletionTimestamp: '2026-09-01T09:05:00Z' } }),
    state: 'Stopping',
    message: 'ends by 2026-09-01T09:05:00Z at the latest',
  },
];

describe('an engine, from its pod', () => {
  test.each(CASES)('$name', ({ pod, state, message }) => {
    const status = engineStatus(pod);
    expect({ state: status.state, message: status.message }).toEqual({ state, message });
  });

  test('a long message keeps its beginning and the end, where the cause is', () => {
    const message = `${'a'.repeat(5000)} the cause`;
    const pod = enginePod({ status: { containerStatuses: [containerStatus(waiting('Error', message))] } });
    const got = engineStatus(pod).message ?? '';
    expect(got.length).toBeLessThanOrEqual(1024);
    expect(got).toMatch(/^Error: a+ … a+ the cause$/);
  });

  test('one that ended is told of only while an engine is missing', () => {
    const evicted = enginePod({ metadata: { name: 'old' }, status: { phase: 'Failed', reason: 'Evicted' } });
    const names = (wanted: number) =>
      engineStatuses([evicted, readyPod('new')], wanted).map(({ name }) => name);
    expect(names(1)).toEqual(['new']);
    expect(names(2)).toEqual(['old', 'new']);
  });

  test('since when it answers', () => {
    expect(readySince(readyPod('a'))).toBe('2026-09-01T09:01:00Z');
    expect(readySince(enginePod())).toBeUndefined();
  });
});
