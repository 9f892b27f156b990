import { describe, expect, test } from '@jest/globals';
import { PodPlayer, podOf } from './pod-player.ts';

const health = { httpGet: { path: '/health', port: 8000 } };
const start = (attempt: number) => ({ type: 'start', container: 'vllm', attempt, failure: undefined });
const signal = (name: string) => ({ type: 'signal', container: 'vllm', signal: name });
const probe = (kind: string, attempt = 1) => ({ type: 'probe', container: 'vllm', attempt, probe: kind });

describe('a pod that starts', () => {
  test('is Pending while its container is created, and names it as unready', () => {
    const player = new PodPlayer(podOf());
    expect(player.takeActions()).toEqual([start(1)]);
    expect(player.status.phase).toBe('Pending');
    expect(player.shown).toBe('ContainerCreating');
    expect(player.status.podIP).toBeUndefined();
    expect(player.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'Ready',
        status: 'False',
        reason: 'ContainersNotReady',
        message: 'containers with unready status: [vllm]',
      }),
    );
  });

  test('without probes is ready as soon as its container runs', () => {
    const player = new PodPlayer(podOf()).started();
    expect(player.status).toMatchObject({ phase: 'Running', podIP: '127.244.0.2', hostIP: '127.244.0.1' });
    expect(player.isReady).toBe(true);
    expect(player.wakesInSeconds).toBeUndefined();
  });

  test('runs init containers one after another before its own', () => {
    const player = new PodPlayer(
      podOf({ spec: { initContainers: [{ name: 'fetch' }, { name: 'unpack' }] } }),
    );
    expect(player.takeActions()).toEqual([{ ...start(1), container: 'fetch' }]);
    expect(player.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Initialized', status: 'False' }),
    );
    player.started('fetch').exited(0, '', 'fetch');
    expect(player.takeActions()).toEqual([{ ...start(1), container: 'unpack' }]);
    player.started('unpack').exited(0, '', 'unpack');
    expect(player.takeActions()).toEqual([start(1)]);
    expect(player.status.initContainerStatuses).toMatchObject([{ ready: true }, { ready: true }]);
  });

  test('fails for good when an init container fails and nothing is restarted', () => {
    const spec = { restartPolicy: 'Never', initContainers: [{ name: 'fetch' }] };
    const player = new PodPlayer(podOf({ spec })).started('fetch').exited(3, '', 'fetch');
    expect(player.status.phase).toBe('Failed');
    expect(player.takeActions()).toEqual([{ ...start(1), container: 'fetch' }]);
  });
});

describe('probes', () => {
  test('readiness and liveness wait until the startup probe has succeeded', () => {
    const container = { startupProbe: health, readinessProbe: health, livenessProbe: health };
    const player = new PodPlayer(podOf({ container })).started();
    expect(player.takeActions()).toEqual([start(1), probe('startup')]);
    player.probed('startup', false).pass(10);
    expect(player.takeActions()).toEqual([probe('startup')]);
    expect(player.isReady).toBe(false);
    player.probed('startup', true);
    expect(player.takeActions()).toEqual([probe('readiness'), probe('liveness')]);
    expect(player.isReady).toBe(false);
    player.probed('readiness', true);
    expect(player.isReady).toBe(true);
  });

  test('a container that does not start up in time is ended and started again', () => {
    const container = { startupProbe: { ...health, periodSeconds: 5, failureThreshold: 2 } };
    const player = new PodPlayer(podOf({ container })).started().probed('startup', false).pass(5);
    player.takeActions();
    player.probed('startup', false);
    expect(player.takeActions()).toEqual([signal('SIGTERM')]);
    player.exited(143);
    expect(player.takeActions()).toEqual([start(2)]);
    expect(player.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 143 });
  });

  test.each([
    { name: 'fewer failures than the threshold keep it ready', failures: 2, wantReady: true },
    { name: 'as many failures as the threshold make it unready', failures: 3, wantReady: false },
  ])('readiness: $name', ({ failures, wantReady }) => {
    const player = new PodPlayer(podOf({ container: { readinessProbe: health } })).started();
    player.probed('readiness', true);
    for (let count = 0; count < failures; count++) player.pass(10).probed('readiness', false);
    expect(player.isReady).toBe(wantReady);
    expect(player.shown).toBe('Running');
  });

  test('a probe that has no answer yet is not sent twice', () => {
    const player = new PodPlayer(podOf({ container: { readinessProbe: health } })).started();
    expect(player.takeActions()).toEqual([start(1), probe('readiness')]);
    player.pass(60);
    expect(player.takeActions()).toEqual([]);
  });

  test('a container that hangs is killed when it ignores SIGTERM for the grace period', () => {
    const container = { livenessProbe: { ...health, failureThreshold: 1 } };
    const player = new PodPlayer(podOf({ container, spec: { terminationGracePeriodSeconds: 20 } })).started();
    player.takeActions();
    player.probed('liveness', false);
    expect(player.takeActions()).toEqual([signal('SIGTERM')]);
    player.pass(19);
    expect(player.takeActions()).toEqual([]);
    player.pass(1);
    expect(player.takeActions()).toEqual([signal('SIGKILL')]);
    player.exited(137);
    expect(player.takeActions()).toEqual([start(2)]);
  });

  test('the answer to a probe of an earlier start is ignored', () => {
    const player = new PodPlayer(podOf({ container: { readinessProbe: health } })).started();
    player.exited(1).started();
    const attempt = 1;
    player.tell({
      type: 'probed',
      container: 'vllm',
      attempt,
      probe: 'readiness',
      success: true,
      message: '',
    });
    expect(player.isReady).toBe(false);
  });
});

describe('a container that ends', () => {
  test('is restarted at once, then after 10 s, 20 s, 40 s … 5 min', () => {
    const player = new PodPlayer(podOf()).started();
    const delays = Array.from({ length: 8 }, () => {
      player.exited(1);
      const delay = player.wakesInSeconds ?? 0;
      player.pass(delay).started();
      return delay;
    });
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    expect(player.status.containerStatuses?.[0]?.restartCount).toBe(8);
  });

  test('waits in CrashLoopBackOff and says for how long', () => {
    const player = new PodPlayer(podOf()).started().exited(1).started().exited(1);
    expect(player.status.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: 'CrashLoopBackOff',
      message: 'back-off 10s restarting failed container=vllm pod=engine_class(uid-1)',
    });
    expect(player.status.phase).toBe('Running');
    expect(player.isReady).toBe(false);
  });

  test('starts its back-off afresh after it has run for ten minutes', () => {
    const player = new PodPlayer(podOf()).started().exited(1).started().exited(1).pass(10).started();
    player.pass(601).exited(1);
    expect(player.shown).toBe('ContainerCreating');
  });

  test.each([
    { name: 'exit 0 is Completed and has no message', exitCode: 0, reason: 'Completed', message: undefined },
    {
      name: 'exit 1 is Error, with the end of its log',
      exitCode: 1,
      reason: 'Error',
      message: 'out of memory',
    },
    { name: 'SIGKILL is Error 137', exitCode: 137, reason: 'Error', message: 'out of memory' },
  ])('tells how: $name', ({ exitCode, reason, message }) => {
    const player = new PodPlayer(podOf()).started().exited(exitCode, 'out of memory');
    const last = player.status.containerStatuses?.[0]?.lastState?.terminated;
    expect(last).toMatchObject({ exitCode, reason });
    expect(last?.message).toBe(message);
  });

  test.each([0, 1])('exit %s: what it wrote to its termination log comes first', (exitCode) => {
    const player = new PodPlayer(podOf()).started().exited(exitCode, 'output', 'vllm', 'what is wrong');
    expect(player.status.containerStatuses?.[0]?.lastState?.terminated?.message).toBe('what is wrong');
  });

  test('has no message where only a file would give one', () => {
    const player = new PodPlayer(podOf({ container: { terminationMessagePolicy: 'File' } })).started();
    player.exited(1, 'out of memory');
    expect(player.status.containerStatuses?.[0]?.lastState?.terminated).not.toHaveProperty('message');
  });

  test.each([
    { restartPolicy: 'Never', exitCode: 0, wantPhase: 'Succeeded' },
    { restartPolicy: 'Never', exitCode: 1, wantPhase: 'Failed' },
    { restartPolicy: 'OnFailure', exitCode: 0, wantPhase: 'Succeeded' },
    { restartPolicy: 'OnFailure', exitCode: 1, wantPhase: 'Running' },
    { restartPolicy: 'Always', exitCode: 0, wantPhase: 'Running' },
  ])('with restartPolicy $restartPolicy and exit code $exitCode is $wantPhase', (row) => {
    const player = new PodPlayer(podOf({ spec: { restartPolicy: row.restartPolicy } })).started();
    player.takeActions();
    player.exited(row.exitCode);
    expect(player.status.phase).toBe(row.wantPhase);
    expect(player.takeActions()).toEqual(row.wantPhase === 'Running' ? [start(2)] : []);
  });
});

describe('a container that cannot be started', () => {
  test('shows ErrImagePull, then ImagePullBackOff, and is tried again after 10 s, 20 s …', () => {
    const player = new PodPlayer(podOf()).notStarted('ErrImagePull', 'not found');
    expect(player.shown).toBe('ErrImagePull');
    player.pass(1);
    expect(player.shown).toBe('ImagePullBackOff');
    expect(player.wakesInSeconds).toBe(9);
    player.takeActions();
    player.pass(9);
    expect(player.takeActions()).toEqual([start(2)]);
    player.notStarted('ErrImagePull', 'not found').pass(1);
    expect(player.wakesInSeconds).toBe(19);
    expect(player.status.containerStatuses?.[0]?.restartCount).toBe(0);
    expect(player.status.phase).toBe('Pending');
  });

  test('for want of a Secret is tried again every 10 s', () => {
    const player = new PodPlayer(podOf()).notStarted('CreateContainerConfigError', 'secret "key" not found');
    player.takeActions();
    expect(player.status.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'secret "key" not found',
    });
    player.pass(10);
    expect(player.takeActions()).toEqual([start(2)]);
    player.started();
    expect(player.status.containerStatuses?.[0]?.restartCount).toBe(0);
  });
});

describe('a pod that is deleted', () => {
  test('gets SIGTERM at once, SIGKILL after the grace period, and goes when nothing runs', () => {
    const player = new PodPlayer(podOf({ spec: { terminationGracePeriodSeconds: 60 } })).started();
    player.takeActions();
    player.deleted();
    expect(player.takeActions()).toEqual([signal('SIGTERM')]);
    player.pass(60);
    expect(player.takeActions()).toEqual([signal('SIGKILL')]);
    player.exited(137);
    expect(player.takeActions()).toEqual([{ type: 'finish' }]);
    expect(player.status.phase).toBe('Failed');
    expect(player.wakesInSeconds).toBeUndefined();
  });

  test('is asked to end only after its preStop sleep, which counts as grace period', () => {
    const container = { lifecycle: { preStop: { sleep: { seconds: 5 } } } };
    const player = new PodPlayer(podOf({ container, spec: { terminationGracePeriodSeconds: 20 } })).started();
    player.takeActions();
    player.deleted().pass(4);
    expect(player.takeActions()).toEqual([]);
    player.pass(1);
    expect(player.takeActions()).toEqual([signal('SIGTERM')]);
    player.pass(15);
    expect(player.takeActions()).toEqual([signal('SIGKILL')]);
  });

  test('gets at least two seconds between SIGTERM and SIGKILL', () => {
    const container = { lifecycle: { preStop: { sleep: { seconds: 60 } } } };
    const player = new PodPlayer(podOf({ container, spec: { terminationGracePeriodSeconds: 10 } })).started();
    player.takeActions();
    player.deleted().pass(10);
    expect(player.takeActions()).toEqual([signal('SIGTERM')]);
    player.pass(2);
    expect(player.takeActions()).toEqual([signal('SIGKILL')]);
  });

  test('ends in success when its container does', () => {
    const player = new PodPlayer(podOf()).started().deleted().exited(0);
    expect(player.status.phase).toBe('Succeeded');
    expect(player.shown).toBe('Completed');
  });

  test('stays ready for readers until its container ends', () => {
    const player = new PodPlayer(podOf({ container: { readinessProbe: health } })).started();
    player.probed('readiness', true).deleted();
    expect(player.isReady).toBe(true);
    player.exited(0);
    expect(player.isReady).toBe(false);
  });

  test('goes at once while its container waits for a restart', () => {
    const player = new PodPlayer(podOf()).notStarted('ErrImagePull', 'not found');
    player.takeActions();
    player.deleted();
    expect(player.takeActions()).toEqual([{ type: 'finish' }]);
  });

  test('waits for a container that is just being created, then ends it', () => {
    const player = new PodPlayer(podOf());
    player.takeActions();
    player.deleted();
    expect(player.takeActions()).toEqual([]);
    player.started();
    expect(player.takeActions()).toEqual([signal('SIGTERM')]);
  });
});

describe('a pod of an earlier agent', () => {
  const at = '2026-09-01T08:00:00Z';

  test('whose container ran is started again and tells that the node went away', () => {
    const state = { running: { startedAt: at } };
    const status = { name: 'vllm', image: '', imageID: '', ready: true, restartCount: 2, state };
    const player = new PodPlayer(podOf({ status: { phase: 'Running', containerStatuses: [status] } }));
    expect(player.takeActions()).toEqual([start(1)]);
    player.started();
    expect(player.status.containerStatuses).toMatchObject([
      { restartCount: 3, lastState: { terminated: { exitCode: 255, reason: 'Unknown', startedAt: at } } },
    ]);
  });

  test('that had ended for good stays as it was', () => {
    const state = { terminated: { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at } };
    const status = { name: 'vllm', image: '', imageID: '', ready: false, restartCount: 0, state };
    const spec = { restartPolicy: 'Never' };
    const player = new PodPlayer(
      podOf({ spec, status: { phase: 'Succeeded', containerStatuses: [status] } }),
    );
    expect(player.takeActions()).toEqual([]);
    expect(player.status).toMatchObject({ phase: 'Succeeded', containerStatuses: [{ state }] });
  });

  test('keeps the times of the conditions that have not changed', () => {
    const conditions = [{ type: 'Initialized', status: 'True', lastTransitionTime: at }];
    const player = new PodPlayer(podOf({ status: { phase: 'Running', conditions } })).started();
    expect(player.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Initialized', lastTransitionTime: at }),
    );
  });
});

describe('failures', () => {
  test('of the start go with every start while they are set', () => {
    const player = new PodPlayer(podOf());
    player.takeActions();
    player.play({ kind: 'CrashAtStart' }).started().exited(1);
    expect(player.takeActions()).toEqual([{ ...start(2), failure: { kind: 'CrashAtStart' } }]);
    player.play(undefined).started().exited(1).pass(10);
    expect(player.takeActions()).toEqual([start(3)]);
  });

  test('are played only as often as asked for', () => {
    const failure = { kind: 'CrashAtStart', times: 1 } as const;
    const player = new PodPlayer(podOf());
    player.takeActions();
    player.play(failure).started().exited(1).started().exited(1).pass(10);
    expect(player.takeActions()).toEqual([{ ...start(2), failure }, start(3)]);
  });

  test('of a running container are played once per start, after the time asked for', () => {
    const failure = { kind: 'Crash', afterSeconds: 30 } as const;
    const player = new PodPlayer(podOf()).started().play(failure);
    player.takeActions();
    player.pass(29);
    expect(player.takeActions()).toEqual([]);
    player.pass(1);
    expect(player.takeActions()).toEqual([{ type: 'playFailure', container: 'vllm', failure }]);
    player.pass(60);
    expect(player.takeActions()).toEqual([]);
    player.exited(137).started().pass(30);
    expect(player.takeActions()).toEqual([start(2), { type: 'playFailure', container: 'vllm', failure }]);
  });

  test('a container that the kernel ends for want of memory says so', () => {
    const player = new PodPlayer(podOf()).started().play({ kind: 'OOMKilled', afterSeconds: 0 }).exited(137);
    expect(player.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
      reason: 'OOMKilled',
      exitCode: 137,
    });
  });
});

test('people are told what happens, in the words of a kubelet', () => {
  const player = new PodPlayer(podOf({ container: { livenessProbe: { ...health, failureThreshold: 1 } } }));
  player.started().probed('liveness', false);
  expect(player.takeEvents()).toEqual([
    'Container vllm started',
    'Liveness probe failed: HTTP probe failed with statuscode: 503',
    'Container vllm failed liveness probe, will be restarted',
  ]);
});
