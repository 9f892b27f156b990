import { describe, expect, test } from '@jest/globals';
import { onHost } from '../../../../src/demo/node-agent/volumes/mount.ts';
import { claimMounts } from '../../../../src/demo/node-agent/volumes/mounts.ts';
import {
  awaitsVolume,
  defaultStorageClass,
  isToBeDeleted,
  renderVolume,
  unprovisionable,
} from '../../../../src/demo/node-agent/volumes/volume.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../src/kube/resources.ts';
import { podOf } from './pod-player.ts';

const PROVISIONER = defaultStorageClass().provisioner;
const ASKED = { 'volume.kubernetes.io/storage-provisioner': PROVISIONER };
const ON_A10 = { ...ASKED, 'volume.kubernetes.io/selected-node': 'a10' };

interface ClaimOptions {
  readonly metadata?: Partial<PersistentVolumeClaim['metadata']>;
  readonly spec?: PersistentVolumeClaim['spec'];
}

/** A claim on 50Gi for one node that the volume controller asks the agent to serve. */
function claimOf({ metadata, spec }: ClaimOptions = {}): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: 'models',
      namespace: 'class',
      uid: '1-2-3',
      resourceVersion: '7',
      annotations: ON_A10,
      ...metadata,
    },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '50Gi' } }, ...spec },
  };
}

describe('a claim', () => {
  test.each([
    { name: 'that the controller hands to the agent', claim: claimOf(), want: true },
    { name: 'that nobody uses yet', claim: claimOf({ metadata: { annotations: {} } }), want: false },
    {
      name: 'of another provisioner',
      claim: claimOf({
        metadata: { annotations: { 'volume.kubernetes.io/storage-provisioner': 'ebs.csi.aws.com' } },
      }),
      want: false,
    },
    { name: 'that has a volume', claim: claimOf({ spec: { volumeName: 'pvc-1-2-3' } }), want: false },
    {
      name: 'that is being deleted',
      claim: claimOf({ metadata: { deletionTimestamp: '2026-09-01T09:00:00Z' } }),
      want: false,
    },
  ])('$name: waits for a volume of the agent: $want', ({ claim, want }) => {
    expect(awaitsVolume(claim)).toBe(want);
  });

  test.each([
    { name: 'an ordinary one', claim: claimOf(), want: undefined },
    { name: 'a block device', claim: claimOf({ spec: { volumeMode: 'Block' } }), want: 'not block devices' },
    {
      name: 'a selector',
      claim: claimOf({ spec: { selector: { matchLabels: { disk: 'fast' } } } }),
      want: 'selector',
    },
  ])('for $name, what is said against it: $want', ({ claim, want }) => {
    const problem = unprovisionable(claim);
    if (want === undefined) expect(problem).toBeUndefined();
    else expect(problem).toContain(want);
  });
});

describe('the volume for a claim', () => {
  const nodesOf = (volume: PersistentVolume) =>
    volume.spec?.nodeAffinity?.required?.nodeSelectorTerms?.[0]?.matchExpressions?.[0]?.values;

  test('is reserved for it, as large as asked for, a folder of this machine, and goes with it', () => {
    expect(renderVolume(claimOf(), defaultStorageClass(), '/run/volumes/pvc-1-2-3')).toMatchObject({
      metadata: { name: 'pvc-1-2-3', annotations: { 'pv.kubernetes.io/provisioned-by': PROVISIONER } },
      spec: {
        capacity: { storage: '50Gi' },
        accessModes: ['ReadWriteOnce'],
        claimRef: { kind: 'PersistentVolumeClaim', namespace: 'class', name: 'models', uid: '1-2-3' },
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: 'standard',
        hostPath: { path: '/run/volumes/pvc-1-2-3' },
      },
    });
  });

  test('is kept where the class says so', () => {
    const volume = renderVolume(claimOf(), { ...defaultStorageClass(), reclaimPolicy: 'Retain' }, '/v');
    expect(volume.spec?.persistentVolumeReclaimPolicy).toBe('Retain');
  });

  test.each([
    { name: 'one node: it stays on that of the first pod', modes: ['ReadWriteOnce'], want: ['a10'] },
    { name: 'one pod', modes: ['ReadWriteOncePod'], want: ['a10'] },
    { name: 'many nodes', modes: ['ReadWriteMany'], want: undefined },
    { name: 'many readers', modes: ['ReadWriteOnce', 'ReadOnlyMany'], want: undefined },
  ])('that is for $name', ({ modes, want }) => {
    const claim = claimOf({ spec: { accessModes: modes } });
    expect(nodesOf(renderVolume(claim, defaultStorageClass(), '/v'))).toEqual(want);
  });

  test('is on no particular node when it is made before there is a pod', () => {
    const claim = claimOf({ metadata: { annotations: ASKED } });
    expect(nodesOf(renderVolume(claim, defaultStorageClass(), '/v'))).toBeUndefined();
  });

  const made = renderVolume(claimOf(), defaultStorageClass(), '/v');
  test.each([
    { name: 'its claim is gone', volume: { ...made, status: { phase: 'Released' } }, want: true },
    { name: 'it is in use', volume: { ...made, status: { phase: 'Bound' } }, want: false },
    {
      name: 'it is to be retained',
      volume: {
        ...made,
        spec: { ...made.spec, persistentVolumeReclaimPolicy: 'Retain' },
        status: { phase: 'Released' },
      },
      want: false,
    },
    {
      name: 'somebody else made it',
      volume: { ...made, metadata: { name: 'nfs-1' }, status: { phase: 'Released' } },
      want: false,
    },
  ])('is deleted when $name: $want', ({ volume, want }) => {
    expect(isToBeDeleted(volume)).toBe(want);
  });
});

describe('what a container mounts', () => {
  const volumes = [
    { name: 'models', persistentVolumeClaim: { claimName: 'models' } },
    { name: 'shm', emptyDir: {} },
  ];
  const mountsWith = (mount: object) => {
    const container = {
      name: 'vllm',
      volumeMounts: [
        { name: 'models', mountPath: '/models', ...mount },
        { name: 'shm', mountPath: '/dev/shm' },
      ],
    };
    return claimMounts(podOf({ container, spec: { volumes } }), container, async (claim) => `/v/${claim}`);
  };

  test.each([
    { name: 'a claim', mount: {}, want: { mountPath: '/models', folder: '/v/models' } },
    {
      name: 'a part of a claim',
      mount: { subPath: 'qwen' },
      want: { mountPath: '/models', folder: '/v/models/qwen' },
    },
    {
      name: 'a path that ends with a slash',
      mount: { mountPath: '/models/' },
      want: { mountPath: '/models', folder: '/v/models' },
    },
  ])('$name is a folder of this machine', async ({ mount, want }) => {
    expect(await mountsWith(mount)).toEqual([want]);
  });

  test.each([
    { path: '/models', want: '/v/a' },
    { path: '/models/tiny', want: '/v/a/tiny' },
    { path: '/models/adapters/sql', want: '/v/b/sql' },
    { path: '/models-of-others', want: undefined },
    { path: 'Qwen/Qwen2.5-7B-Instruct', want: undefined },
  ])('its $path is $want here', ({ path, want }) => {
    const mounts = [
      { mountPath: '/models', folder: '/v/a' },
      { mountPath: '/models/adapters', folder: '/v/b' },
    ];
    expect(onHost(path, mounts)).toBe(want);
  });
});
