import { describe, expect, test } from '@jest/globals';
import type { EngineResources } from '../../../../src/api/engine-resources.ts';
import { enginePodTemplate } from '../../../../src/classroom/children/engine-pod.ts';
import type { EngineSettings } from '../../../../src/classroom/engine-settings.ts';
import { type ClassroomDifference, classroom } from '../../../support/builders.ts';
import { PodPlayer } from '../../demo/node-agent/pod-player.ts';

const SETTINGS: EngineSettings = {
  maxModelLen: 4096,
  maxNumSeqs: 8,
  maxNumBatchedTokens: 2048,
  gpuMemoryUtilization: 0.85,
  kvCacheMemoryBytes: undefined,
  dtype: undefined,
  weightsMiB: undefined,
  resourceName: 'nvidia.com/gpu',
  resourceCount: 1,
  studentsPerReplica: 6,
};

function podOf(spec: ClassroomDifference['spec'] = {}, settings: Partial<EngineSettings> = {}) {
  const template = enginePodTemplate('python-101', classroom({ spec }).spec, { ...SETTINGS, ...settings });
  const pod = template.spec;
  const container = pod?.containers[0];
  if (pod === undefined || container === undefined) throw new Error('the template has no container');
  return { template, pod, container };
}

/**
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, for the fields that an engine may
 * have. Names what is against it.
 */
function againstRestricted({ pod, container }: ReturnType<typeof podOf>): string[] {
  const volumes = pod.volumes ?? [];
  const allowed = new Set([
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ]);
  const checks: [string, boolean][] = [
    ['host namespaces', !pod.hostNetwork && !pod.hostPID && !pod.hostIPC],
    ['host ports', (container.ports ?? []).every(({ hostPort }) => hostPort === undefined)],
    ['privileged', container.securityContext?.privileged !== true],
    ['privilege escalation', container.securityContext?.allowPrivilegeEscalation === false],
    ['capabilities dropped', container.securityContext?.capabilities?.drop?.includes('ALL') === true],
    ['capabilities added', container.securityContext?.capabilities?.add === undefined],
    ['seccomp', pod.securityContext?.seccompProfile?.type === 'RuntimeDefault'],
    ['root', pod.securityContext?.runAsNonRoot === true && pod.securityContext.runAsUser !== 0],
    [
      'volumes',
      volumes.every((volume) => Object.keys(volume).every((key) => key === 'name' || allowed.has(key))),
    ],
  ];
  return checks.filter(([, holds]) => !holds).map(([name]) => name);
}

describe('pod security', () => {
  test('is "restricted" but for root, which the default image runs as', () => {
    expect(againstRestricted(podOf())).toEqual(['root']);
  });

  test('is "restricted" for an image that does not', () => {
    expect(againstRestricted(podOf({ engine: { podSecurity: 'Restricted' } }))).toEqual([]);
  });

  test('an engine has no token of the API server and sees no Service', () => {
    const { pod } = podOf();
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
  });
});

describe('the volumes', () => {
  test('shared memory is there, for the processes of one engine', () => {
    const { pod, container } = podOf();
    expect(pod.volumes).toContainEqual({ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '2Gi' } });
    expect(container.volumeMounts).toContainEqual({ name: 'shm', mountPath: '/dev/shm' });
  });

  test('all caches lie on the model volume, so that a restart neither downloads nor compiles again', () => {
    const { container } = podOf({ model: { storage: { claimName: 'models' } } });
    const [volume] = container.volumeMounts ?? [];
    const paths = new Map(container.env?.map(({ name, value }) => [name, value]));
    for (const cache of ['HF_HOME', 'VLLM_CACHE_ROOT', 'TRITON_CACHE_DIR']) {
      expect(paths.get(cache)?.startsWith(`${volume?.mountPath}/`)).toBe(true);
    }
  });

  test('the group of a volume that others made stays as it is', () => {
    expect(podOf().pod.securityContext?.fsGroup).toBe(2000);
    const given = podOf({ model: { storage: { claimName: 'models' } } });
    expect(given.pod.securityContext?.fsGroup).toBeUndefined();
  });
});

describe('the GPU', () => {
  test.each([
    { name: 'whole', gpu: {}, settings: {}, want: { 'nvidia.com/gpu': '1' } },
    {
      name: 'two whole ones',
      gpu: { gpusPerEngine: 2 },
      settings: { resourceCount: 2 },
      want: { 'nvidia.com/gpu': '2' },
    },
    {
      name: 'exactly one slice',
      gpu: { sharing: 'MIG', migProfile: '1g.10gb' },
      settings: { resourceName: 'nvidia.com/mig-1g.10gb' },
      want: { 'nvidia.com/mig-1g.10gb': '1' },
    },
  ] as const)('$name', ({ gpu, settings, want }) => {
    expect(podOf({ gpu }, settings).container.resources?.limits).toEqual(want);
  });

  test('its taint is tolerated, besides those of the spec', () => {
    const own = { key: 'classroom', operator: 'Exists' as const, effect: 'NoSchedule' as const };
    const { tolerations } = podOf({ gpu: { tolerations: [own] } }).pod;
    expect(tolerations).toContainEqual({ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' });
    expect(tolerations).toContainEqual(own);
  });

  const termsOf = (spec: ClassroomDifference['spec'], settings: Partial<EngineSettings> = {}) =>
    podOf(spec, settings).pod.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      ?.nodeSelectorTerms;
  const expressionsOf = (...given: Parameters<typeof termsOf>) => {
    const terms = termsOf(...given);
    expect(terms?.length ?? 1).toBe(1);
    return terms?.[0]?.matchExpressions;
  };

  test('a whole one is not looked for on nodes that offer slices under its name', () => {
    expect(expressionsOf({})).toEqual([
      { key: 'nvidia.com/gpu.sharing-strategy', operator: 'NotIn', values: ['time-slicing', 'mps'] },
      { key: 'nvidia.com/gpu.slices.gi', operator: 'DoesNotExist' },
    ]);
  });

  test('a slice that bears the name of a whole one is not looked for on nodes with whole ones', () => {
    const timeSliced = { sharing: 'TimeSliced', slicesPerGPU: 4, product: 'NVIDIA-A10' } as const;
    expect(expressionsOf({ gpu: timeSliced })).toEqual([
      { key: 'nvidia.com/gpu.product', operator: 'In', values: ['NVIDIA-A10', 'NVIDIA-A10-SHARED'] },
      { key: 'nvidia.com/gpu.sharing-strategy', operator: 'NotIn', values: ['none', 'mps'] },
    ]);
    expect(expressionsOf({ gpu: { sharing: 'MIG', migProfile: '1g.5gb' } })).toEqual([
      { key: 'nvidia.com/gpu.slices.gi', operator: 'In', values: ['1'] },
    ]);
  });

  test('slices may be on nodes without labels where the spec names their resource, as some clouds have them', () => {
    const gpu = { sharing: 'MIG', migProfile: '1g.5gb', resourceName: 'nvidia.com/gpu' } as const;
    expect(termsOf({ gpu })).toEqual([
      { matchExpressions: [{ key: 'nvidia.com/gpu.slices.gi', operator: 'In', values: ['1'] }] },
      { matchExpressions: [{ key: 'nvidia.com/gpu.product', operator: 'DoesNotExist' }] },
    ]);
    expect(termsOf({ gpu: { ...gpu, product: 'NVIDIA-A100-SXM4-40GB' } })).toHaveLength(1);
  });

  test('the product may be written as the label of a node that shares it', () => {
    const gpu = { sharing: 'TimeSliced', slicesPerGPU: 4, product: 'NVIDIA-A10-SHARED' } as const;
    expect(expressionsOf({ gpu })?.[0]?.values).toEqual(['NVIDIA-A10', 'NVIDIA-A10-SHARED']);
  });

  test('a resource of its own name needs no other word', () => {
    const gpu = { sharing: 'MIG', migProfile: '1g.10gb' } as const;
    expect(expressionsOf({ gpu }, { resourceName: 'nvidia.com/mig-1g.10gb' })).toBeUndefined();
  });
});

describe('what an engine asks of its node besides GPUs', () => {
  const gpu = { 'nvidia.com/gpu': '1' };

  test.each<{ name: string; resources: EngineResources | undefined; want: object }>([
    {
      name: 'so much that several find room on a small node',
      resources: undefined,
      want: { requests: { cpu: '500m', memory: '2Gi' }, limits: gpu },
    },
    {
      name: 'what the spec says',
      resources: {
        requests: { cpu: '4', 'ephemeral-storage': '50Gi' },
        limits: { memory: '32Gi', 'ephemeral-storage': '60Gi' },
      },
      want: {
        requests: { cpu: '4', memory: '32Gi', 'ephemeral-storage': '50Gi' },
        limits: { ...gpu, memory: '32Gi', 'ephemeral-storage': '60Gi' },
      },
    },
    {
      name: 'never more than its limit, as Kubernetes has it',
      resources: { limits: { cpu: '250m', memory: '1Gi' } },
      want: { requests: { cpu: '250m', memory: '1Gi' }, limits: { ...gpu, cpu: '250m', memory: '1Gi' } },
    },
    {
      name: 'nothing, where somebody wants it so',
      resources: { requests: { cpu: 0, memory: '0' } },
      want: { requests: { cpu: '0', memory: '0' }, limits: gpu },
    },
  ])('$name', ({ resources, want }) => {
    expect(podOf({ engine: { resources } }).container.resources).toEqual(want);
  });

  test('is the same in every spelling', () => {
    const spelled = (requests: Record<string, string>) =>
      podOf({ engine: { resources: { requests } } }).template;
    expect(spelled({ cpu: '1000m', memory: '4096Mi' })).toEqual(spelled({ cpu: '1', memory: '4Gi' }));
  });
});

test('the RuntimeClass is that of the spec', () => {
  expect(podOf({ engine: { runtimeClassName: 'nvidia' } }).pod.runtimeClassName).toBe('nvidia');
  expect(podOf().pod).not.toHaveProperty('runtimeClassName');
});

describe('probes', () => {
  test.each([
    { model: 'of which nobody knows the size', weightsMiB: undefined, minutes: 30 },
    { model: 'of 7 billion parameters', weightsMiB: 14_637, minutes: 30 },
    { model: 'of 70 billion parameters', weightsMiB: 134_570, minutes: 103.5 },
  ])('allow a cold load over 200 Mbit/s, of a model $model', ({ weightsMiB, minutes }) => {
    const { periodSeconds = 0, failureThreshold = 0 } =
      podOf({}, { weightsMiB }).container.startupProbe ?? {};
    expect((periodSeconds * failureThreshold) / 60).toBeCloseTo(minutes, 1);
  });

  test('find an engine that has loaded soon, and never wait longer for an answer than until the next', () => {
    const { periodSeconds = 10, timeoutSeconds = 1 } = podOf().container.startupProbe ?? {};
    expect(periodSeconds).toBeLessThanOrEqual(2);
    expect(timeoutSeconds).toBeLessThanOrEqual(periodSeconds);
  });

  test('ask /health', () => {
    const { startupProbe, readinessProbe, livenessProbe } = podOf().container;
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      expect(probe?.httpGet).toEqual({ path: '/health', port: 'http' });
    }
  });
});

test('vLLM is kept from what helps only an attacker, and from its own statistics', () => {
  const env = Object.fromEntries((podOf().container.env ?? []).map(({ name, value }) => [name, value]));
  expect(env).toMatchObject({
    VLLM_MAX_N_SEQUENCES: '4',
    VLLM_HTTP_TIMEOUT_KEEP_ALIVE: '75',
    VLLM_NO_USAGE_STATS: '1',
  });
  expect(env.VLLM_SERVER_DEV_MODE).toBeUndefined();
  expect(env.VLLM_ALLOW_RUNTIME_LORA_UPDATING).toBeUndefined();
});

test('the figures of the plan are arguments, the cache pinned', () => {
  const { args } = podOf(
    {},
    { gpuMemoryUtilization: 0.219, kvCacheMemoryBytes: 2_147_483_648, dtype: 'half' },
  ).container;
  const value = (flag: string) => args?.[args.indexOf(flag) + 1];
  expect(value('--gpu-memory-utilization')).toBe('0.219');
  expect(value('--kv-cache-memory-bytes')).toBe('2147483648');
  expect(value('--dtype')).toBe('half');
});

describe('how an engine ends', () => {
  /** A kubelet leads the rendered pod, which has answered for a while and is deleted now. */
  function deleted(): PodPlayer {
    const { template } = podOf();
    const player = new PodPlayer({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'engine', namespace: 'python-101', uid: 'uid-of-engine' },
      ...(template.spec === undefined ? {} : { spec: { ...template.spec, nodeName: 'gpu-1' } }),
    });
    player.started().probed('startup', true).probed('readiness', true);
    player.takeActions();
    return player.deleted();
  }

  /** Seconds from the deletion until the process gets the signal. */
  function secondsUntil(signal: 'SIGTERM' | 'SIGKILL'): number {
    const player = deleted();
    for (let seconds = 0; seconds < 1000; seconds++) {
      const isSent = player
        .takeActions()
        .some((action) => action.type === 'signal' && action.signal === signal);
      if (isSent) return seconds;
      player.pass(1);
    }
    throw new Error(`no ${signal} within 1000 s`);
  }

  test('it is told after the gateway has seen it go, and is gone when it has finished its answers', () => {
    const player = deleted().pass(4);
    expect(player.takeActions().some(({ type }) => type === 'signal')).toBe(false);
    player.pass(1);
    expect(player.takeActions()).toContainEqual({ type: 'signal', container: 'vllm', signal: 'SIGTERM' });
    player.exited(0);
    expect(player.takeActions()).toContainEqual({ type: 'finish' });
  });

  test('one whose answers hang, as they do when the time-out of vLLM passes, is killed: its GPU is free in bounded time', () => {
    const { args = [] } = podOf().container;
    const timeoutSeconds = Number(args[args.indexOf('--shutdown-timeout') + 1]);
    expect(secondsUntil('SIGKILL') - secondsUntil('SIGTERM')).toBeGreaterThan(timeoutSeconds);
    expect(secondsUntil('SIGKILL')).toBeLessThanOrEqual(90);
  });

  test('one that no longer answers its health check is not given that time', () => {
    const { startupProbe, livenessProbe } = podOf().container;
    for (const probe of [startupProbe, livenessProbe]) expect(probe?.terminationGracePeriodSeconds).toBe(15);
  });
});
