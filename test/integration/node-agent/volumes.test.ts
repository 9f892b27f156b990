import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { isReady } from '../../../src/kube/readiness.ts';
import {
  type Deployment,
  deployments,
  events,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClass,
  storageClasses,
} from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { type Cluster, deploy, startCluster } from './cluster.ts';

jest.setTimeout(180_000);

let cluster: Cluster;
let namespace: string;
beforeAll(async () => {
  cluster = await startCluster('nodes: [{name: l4, count: 2, gpu: {product: NVIDIA-L4}}]');
});
afterAll(async () => cluster[Symbol.asyncDispose]());
beforeEach(async () => {
  namespace = await cluster.createNamespace();
});

function claim(spec: PersistentVolumeClaim['spec'] = {}): Promise<PersistentVolumeClaim> {
  return cluster.client.create(persistentVolumeClaims, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'models', namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '50Gi' } }, ...spec },
  });
}

/** An engine with the claim at /models. */
function deployEngine(replicas = 1): Promise<Deployment> {
  return deploy(cluster, {
    name: 'engine',
    namespace,
    replicas,
    container: {
      env: [{ name: 'DATA', value: '/models' }],
      volumeMounts: [{ name: 'models', mountPath: '/models' }],
    },
    pod: { volumes: [{ name: 'models', persistentVolumeClaim: { claimName: 'models' } }] },
  });
}

/** Adds a line to a file on the engine's volume. @returns the whole file */
async function note(deployment: Deployment, line: string): Promise<string> {
  const { status } = await cluster.podWhere('a ready engine', deployment, isReady);
  const answer = await fetch(`http://${status?.podIP}:8000/note`, { method: 'POST', body: `${line}\n` });
  return answer.text();
}

async function replaceDeployment(deployment: Deployment): Promise<Deployment> {
  await cluster.client.delete(deployments, deployment.metadata);
  await eventually(
    'the old engine is gone',
    async () => (await cluster.client.list(pods, { namespace })).items.length === 0,
  );
  return deployEngine();
}

const getClaim = () => cluster.client.get(persistentVolumeClaims, { namespace, name: 'models' });
const getVolume = (name: string) => cluster.client.get(persistentVolumes, { name });

/** The volume to which the claim is bound, and its folder. */
async function boundVolume() {
  const bound = await eventually('a bound claim', async () => {
    const found = await getClaim();
    return found?.status?.phase === 'Bound' && found;
  });
  const name = bound.spec?.volumeName ?? '';
  return { name, folder: (await getVolume(name))?.spec?.hostPath?.path ?? '' };
}

async function deleteAll(deployment: Deployment): Promise<void> {
  await cluster.client.delete(deployments, deployment.metadata);
  await cluster.client.delete(persistentVolumeClaims, { namespace, name: 'models' });
  await eventually('the claim is gone', async () => (await getClaim()) === undefined);
}

test('a claim waits for its first pod, is bound, outlives a Deployment with its files, and takes the volume along', async () => {
  const made = await claim();
  expect(made.spec?.storageClassName).toBe('standard');
  const waiting = await eventually('somebody says what it waits for', async () =>
    (await cluster.client.list(events, { namespace })).items.find(
      ({ reason }) => reason === 'WaitForFirstConsumer',
    ),
  );
  expect(waiting.regarding?.name).toBe('models');

  const first = await deployEngine();
  expect(await note(first, 'from the first engine')).toBe('from the first engine\n');
  const { name, folder } = await boundVolume();

  const second = await replaceDeployment(first);
  expect(await note(second, 'from the second')).toBe('from the first engine\nfrom the second\n');
  expect(await boundVolume()).toEqual({ name, folder });

  await deleteAll(second);
  await eventually('the volume is gone', async () => (await getVolume(name)) === undefined);
  expect(existsSync(folder)).toBe(false);
});

test('a volume for one node keeps its engines there; the others are told why they have no place', async () => {
  await claim();
  const deployment = await deployEngine(2);
  const placed = await cluster.podWhere('a ready engine', deployment, isReady);
  const other = await cluster.podWhere('an engine without a place', deployment, ({ status }) =>
    (status?.conditions ?? []).some(({ reason }) => reason === 'Unschedulable'),
  );
  expect(other.status?.conditions?.[0]?.message).toContain("didn't match PersistentVolume's node affinity");
  expect(placed.spec?.nodeName).toMatch(/^l4-/);
  await deleteAll(deployment);
});

test('a volume for many nodes is the same for engines on all of them', async () => {
  await claim({ accessModes: ['ReadWriteMany'] });
  const deployment = await deployEngine(2);
  const ready = await eventually('two ready engines', async () => {
    const found = (await cluster.podsOf(deployment)).filter(isReady);
    return found.length === 2 && found;
  });
  expect(new Set(ready.map(({ spec }) => spec?.nodeName)).size).toBe(2);
  const answers: string[] = [];
  for (const { status } of ready) {
    const answer = await fetch(`http://${status?.podIP}:8000/note`, { method: 'POST', body: 'x' });
    answers.push(await answer.text());
  }
  expect(answers).toEqual(['x', 'xx']);
  await deleteAll(deployment);
});

test('a StorageClass that retains keeps volume and files when the claim goes', async () => {
  const storageClassName = `kept-${namespace}`;
  const standard = await cluster.client.get(storageClasses, { name: 'standard' });
  const kept: StorageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: storageClassName },
    provisioner: standard?.provisioner ?? '',
    reclaimPolicy: 'Retain',
    volumeBindingMode: 'Immediate',
  };
  await cluster.client.create(storageClasses, kept);
  await claim({ storageClassName });
  const { name, folder } = await boundVolume();
  const deployment = await deployEngine();
  await note(deployment, 'precious');
  await deleteAll(deployment);
  const released = await eventually('a released volume', async () => {
    const found = await getVolume(name);
    return found?.status?.phase === 'Released' && found;
  });
  expect(released.metadata.deletionTimestamp).toBeUndefined();
  expect(existsSync(`${folder}/notes`)).toBe(true);
});

test('a claim that cannot be served says why', async () => {
  await claim({ volumeMode: 'Block' });
  await deploy(cluster, {
    name: 'engine',
    namespace,
    container: { volumeDevices: [{ name: 'models', devicePath: '/dev/models' }] },
    pod: { volumes: [{ name: 'models', persistentVolumeClaim: { claimName: 'models' } }] },
  });
  const refusal = await eventually('an event', async () =>
    (await cluster.client.list(events, { namespace })).items.find(
      ({ reason }) => reason === 'ProvisioningFailed',
    ),
  );
  expect(refusal.note).toBe('the node agent makes folders, not block devices');
  await cluster.clear(namespace);
});
