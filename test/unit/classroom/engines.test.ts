import { describe, expect, test } from '@jest/globals';
import type { EngineFailureReason } from '../../../src/api/reasons.ts';
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
  reason?: EngineFailureReason;
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
    reason: 'ImageNotPulled',
    message:
      'the image cannot be pulled (ImagePullBackOff: no such tag). Check `engine.image` and whether the node may pull from its registry; it is tried again by itself.',
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
    reason: 'TokenSecretMissing',
    message:
      'Secret hf-token, or its key, is not there (CreateContainerConfigError: secret "hf-token" not found). Create it in the namespace of the class, with the key that `model.tokenSecretRef` or `engine.env` names; the engine then starts by itself.',
  },
  {
    name: 'it crashes again and again: its log tells why',
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
    reason: 'OutOfGPUMemoryAtStart',
    message:
      'GPU memory ran out at the start (torch.OutOfMemoryError: CUDA out of memory). The operator lowers settings step by step: see `status.failures.memorySteps`.',
  },
  {
    name: 'it loads again after a crash',
    pod: enginePod({ status: { containerStatuses: [containerStatus({ restartCount: 1, lastState: oom })] } }),
    state: 'Loading',
    reason: 'OutOfGPUMemoryAtStart',
    message:
      'started at 2026-09-01T09:00:00Z; the start before failed: GPU memory ran out at the start (torch.OutOfMemoryError: CUDA out of memory). The operator lowers settings step by step: see `status.failures.memorySteps`.',
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
    reason: 'HostOutOfMemory',
    message:
      "the node's memory (not the GPU's) ran out, or the container reached its limit (OOMKilled, exit code 137). Use a node with more memory: loading needs about the size of the weights.",
  },
  {
    name: 'it ended with exit code 0, as vLLM does when its engine has died',
    pod: enginePod({
      status: {
        containerStatuses: [containerStatus({ state: { terminated: { exitCode: 0, reason: 'Completed' } } })],
      },
    }),
    state: 'Failing',
    reason: 'EngineDied',
    message:
      "vLLM's engine process died (exit code 0). It is started again. If it happens again, read the log with `kubectl logs --previous` of the pod.",
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
    reason: 'HealthCheckFailed',
    message:
      'the engine no longer answers its health check (it stopped answering at 2026-09-01T10:00:00Z). It is restarted if it goes on for a minute.',
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
    reason: 'Evicted',
    message:
      'Kubernetes ended the pod (Evicted: The node was low on memory). It is replaced. If it happens again, give the node more disk or memory, or the engines a `priorityClassName`.',
  },
  {
    name: 'it is deleted',
    pod: enginePod({ metadata: { deletionTimestamp: '2026-09-01T09:05:00Z' } }),
    state: 'Stopping',
    message: 'ends by 2026-09-01T09:05:00Z at the latest',
  },
];

describe('an engine, from its pod', () => {
  test.each(CASES)('$name', ({ pod, state, reason, message }) => {
    const got = engineStatus(pod);
    expect({ state: got.state, reason: got.reason, message: got.message }).toEqual({
      state,
      reason,
      message,
    });
  });

  test('a long message is quoted by its beginning and its end', () => {
    const message = `${'a'.repeat(5000)} the cause`;
    const pod = enginePod({ status: { containerStatuses: [containerStatus(waiting('Error', message))] } });
    const got = engineStatus(pod).message ?? '';
    expect(got.length).toBeLessThanOrEqual(1024);
    expect(got).toMatch(/\(Error: a+ … a+ the cause\)/);
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
