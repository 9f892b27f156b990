import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { pathOf } from '../../../src/kube/paths.ts';
import { isReady } from '../../../src/kube/readiness.ts';
import { deployments, events, pods, secrets } from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { type Cluster, deploy, startCluster, vllmStatus } from './cluster.ts';

jest.setTimeout(180_000);

let cluster: Cluster;
let namespace: string;
beforeAll(async () => {
  cluster = await startCluster(`
    nodes:
    - name: a10
      gpu: {product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4}}}
  `);
});
afterAll(async () => cluster[Symbol.asyncDispose]());
beforeEach(async () => {
  namespace = await cluster.createNamespace();
});
afterEach(() => cluster.clear(namespace));

describe('engines on a time-sliced A10', () => {
  test('four get ready, each at an address of its own that answers; a fifth says why it has no place', async () => {
    const deployment = await deploy(cluster, { name: 'four', namespace, replicas: 4 });
    const ready = await eventually('four ready pods', async () => {
      const found = (await cluster.podsOf(deployment)).filter(isReady);
      return found.length === 4 && found;
    });
    const addresses = ready.map(({ status }) => status?.podIP ?? '');
    expect(new Set(addresses).size).toBe(4);
    for (const address of addresses) {
      expect(address).toMatch(/^127\.244\.\d+\.\d+$/);
      expect((await fetch(`http://${address}:8000/health`)).status).toBe(200);
    }
    const endpoints = cluster.agent.pods().map(({ endpoint }) => endpoint);
    expect(new Set(endpoints)).toEqual(new Set(addresses.map((address) => `${address}:8000`)));

    await cluster.client.mergePatch(deployments, deployment.metadata, { spec: { replicas: 5 } });
    const fifth = await cluster.podWhere('an unschedulable pod', deployment, ({ status }) =>
      (status?.conditions ?? []).some(({ reason }) => reason === 'Unschedulable'),
    );
    expect(fifth.status?.conditions?.[0]?.message).toContain('Insufficient nvidia.com/gpu');
    expect(fifth.spec?.nodeName).toBeUndefined();

    await cluster.client.mergePatch(deployments, deployment.metadata, { spec: { replicas: 0 } });
    await eventually(
      'no pod left',
      async () => (await cluster.client.list(pods, { namespace })).items.length === 0,
    );
    for (const address of addresses) await expect(fetch(`http://${address}:8000/health`)).rejects.toThrow();
  });
});

describe('a container', () => {
  test('gets its variables from a Secret and the downward API, and waits for the Secret to be there', async () => {
    const env = [
      { name: 'KEY', valueFrom: { secretKeyRef: { name: 'engine-key', key: 'key' } } },
      { name: 'ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ];
    const deployment = await deploy(cluster, { name: 'keyed', namespace, container: { env } });
    const waiting = await cluster.podWhere(
      'CreateContainerConfigError',
      deployment,
      (pod) => vllmStatus(pod)?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    expect(vllmStatus(waiting)?.state?.waiting?.message).toBe('secret "engine-key" not found');

    await cluster.client.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'engine-key', namespace },
      stringData: { key: 'sk-1' },
    });
    const { status } = await cluster.podWhere('a ready pod', deployment, isReady);
    const answer = await fetch(`http://${status?.podIP}:8000/`);
    expect(await answer.json()).toMatchObject({ KEY: 'sk-1', ADDRESS: status?.podIP });
  });

  test('that ends is restarted with back-off, and its last words are kept', async () => {
    const deployment = await deploy(cluster, {
      name: 'brief',
      namespace,
      container: { args: ['--exit', '3'] },
    });
    const pod = await cluster.podWhere(
      'CrashLoopBackOff after some restarts',
      deployment,
      (found) =>
        vllmStatus(found)?.state?.waiting?.reason === 'CrashLoopBackOff' &&
        (vllmStatus(found)?.restartCount ?? 0) >= 2,
    );
    expect(vllmStatus(pod)?.lastState?.terminated).toMatchObject({
      exitCode: 3,
      reason: 'Error',
      message: 'the engine speaks its last words\n',
    });
    expect(isReady(pod)).toBe(false);
    expect(await cluster.agent.logs({ namespace, name: pod.metadata.name })).toContain('last words');
    const log = (query: string) => cluster.client.raw('GET', `${pathOf(pods, pod.metadata, 'log')}?${query}`);
    expect(await log('tailLines=1')).toBe('the engine speaks its last words\n');
    expect(await log('previous=true')).toContain('last words');
    await expect(log('sinceSeconds=5')).rejects.toThrow(/does not play sinceSeconds/);
    await expect(log('container=nobody')).rejects.toThrow(/nobody/);
  });

  test('is followed to its end by whoever reads its log', async () => {
    const deployment = await deploy(cluster, { name: 'followed', namespace });
    const pod = await cluster.podWhere('a ready pod', deployment, isReady);
    const path = `${pathOf(pods, pod.metadata, 'log')}?follow=true`;
    const stream = await cluster.client.open('GET', path, { accept: '*/*', lifetimeMs: 120_000 });
    await fetch(`http://${pod.status?.podIP}:8000/end?code=3`).catch(() => undefined);
    let text = '';
    for await (const chunk of stream.body) text += Buffer.from(chunk).toString('utf8');
    stream.close();
    expect(text).toMatch(/last words\n$/);
  });

  test('that ends by itself with exit code 0 is restarted too, without a message', async () => {
    const deployment = await deploy(cluster, { name: 'quiet', namespace });
    const first = await cluster.podWhere('a ready pod', deployment, isReady);
    await fetch(`http://${first.status?.podIP}:8000/end?code=0`).catch(() => undefined);
    const again = await cluster.podWhere(
      'ready after a restart',
      deployment,
      (pod) => isReady(pod) && vllmStatus(pod)?.restartCount === 1,
    );
    const ended = vllmStatus(again)?.lastState?.terminated;
    expect(ended).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(ended?.message).toBeUndefined();
  });

  test('whose image nobody plays shows ErrImagePull and ImagePullBackOff', async () => {
    const deployment = await deploy(cluster, {
      name: 'unknown',
      namespace,
      container: { image: 'no/such:1' },
    });
    const reasonIs = (reason: string) =>
      cluster.podWhere(reason, deployment, (pod) => vllmStatus(pod)?.state?.waiting?.reason === reason);
    await reasonIs('ErrImagePull');
    const pod = await reasonIs('ImagePullBackOff');
    expect(vllmStatus(pod)?.state?.waiting?.message).toContain('no/such:1');
    expect(pod.status?.phase).toBe('Pending');
  });
});

describe('a pod that is deleted', () => {
  test('ends by SIGTERM and is gone', async () => {
    const deployment = await deploy(cluster, { name: 'polite', namespace });
    const { metadata, status } = await cluster.podWhere('a ready pod', deployment, isReady);
    await cluster.client.delete(deployments, deployment.metadata);
    await eventually('the pod is gone', async () => (await cluster.client.get(pods, metadata)) === undefined);
    await expect(fetch(`http://${status?.podIP}:8000/health`)).rejects.toThrow();
    const killed = (await cluster.client.list(events, { namespace })).items.filter(
      ({ regarding, reason }) => regarding?.name === metadata.name && reason === 'Killing',
    );
    expect(killed.map(({ note }) => note)).toEqual(['Stopping container vllm']);
  });

  test('is killed after its grace period when it is deaf to SIGTERM', async () => {
    const deployment = await deploy(cluster, {
      name: 'deaf',
      namespace,
      container: { args: ['--deaf'] },
      pod: { terminationGracePeriodSeconds: 1 },
    });
    const { metadata, status } = await cluster.podWhere('a ready pod', deployment, isReady);
    await cluster.client.delete(deployments, deployment.metadata);
    await eventually('the pod is gone', async () => (await cluster.client.get(pods, metadata)) === undefined);
    await expect(fetch(`http://${status?.podIP}:8000/health`)).rejects.toThrow();
  });

  test('by force leaves no process behind', async () => {
    const deployment = await deploy(cluster, { name: 'forced', namespace, container: { args: ['--deaf'] } });
    const { metadata, status } = await cluster.podWhere('a ready pod', deployment, isReady);
    await cluster.client.delete(pods, metadata, { gracePeriodSeconds: 0 });
    await eventually('its address is silent', () =>
      fetch(`http://${status?.podIP}:8000/health`).then(
        () => false,
        () => true,
      ),
    );
  });
});
