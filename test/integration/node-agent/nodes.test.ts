import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { LOST_ANNOTATION, type NodeAgent } from '../../../src/demo/node-agent/agent.ts';
import { ADDRESS_ANNOTATION } from '../../../src/demo/node-agent/pod/worker.ts';
import { isReady } from '../../../src/kube/readiness.ts';
import { leases, type Node, nodes, type Pod, pods } from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { type Cluster, deploy, startCluster, vllmStatus } from './cluster.ts';

jest.setTimeout(300_000);

/** The control plane waits 50 s for a sign of life (`--node-monitor-grace-period`); the rest is for slow machines. */
const NODE_LOSS_TIMEOUT_MS = 200_000;

let cluster: Cluster;
let namespace: string;
beforeAll(async () => {
  cluster = await startCluster(`
    nodes:
    - {name: l4, count: 2, gpu: {product: NVIDIA-L4}, labels: {room: "214"}}
  `);
});
afterAll(async () => cluster[Symbol.asyncDispose]());
beforeEach(async () => {
  namespace = await cluster.createNamespace();
});
afterEach(() => cluster.clear(namespace));

function readiness(node: Node | undefined): string | undefined {
  return node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
}

function answers(pod: Pod): Promise<boolean> {
  return fetch(`http://${pod.status?.podIP}:8000/health`).then(
    () => true,
    () => false,
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a node', () => {
  test('is ready and open for pods, with its labels, its GPU and a lease', async () => {
    const node = await eventually('a node without taints', async () => {
      const found = await cluster.client.get(nodes, { name: 'l4-1' });
      return found?.spec?.taints === undefined && found;
    });
    expect(readiness(node)).toBe('True');
    expect(node.metadata.labels).toMatchObject({ room: '214', 'nvidia.com/gpu.product': 'NVIDIA-L4' });
    expect(node.status?.allocatable).toMatchObject({ 'nvidia.com/gpu': '1' });
    const lease = await cluster.client.get(leases, { namespace: 'kube-node-lease', name: 'l4-1' });
    expect(lease?.spec?.holderIdentity).toBe('l4-1');
  });

  test('that is lost becomes not ready; its pod moves to another node; what is left goes when it is back', async () => {
    const tolerations = ['not-ready', 'unreachable'].map((what) => ({
      key: `node.kubernetes.io/${what}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 0,
    }));
    const deployment = await deploy(cluster, { name: 'mover', namespace, pod: { tolerations } });
    const first = await cluster.podWhere('a ready pod', deployment, isReady);
    const name = first.spec?.nodeName ?? '';

    await cluster.agent.loseNode(name);
    expect(await answers(first)).toBe(false);
    expect(isReady((await cluster.client.get(pods, first.metadata)) ?? first)).toBe(true);

    await eventually(
      'the control plane misses the node',
      async () => readiness(await cluster.client.get(nodes, { name })) === 'Unknown',
      NODE_LOSS_TIMEOUT_MS,
    );
    // The lost pod says that it is ready until the control plane has come to it.
    await cluster.podWhere(
      'a ready pod elsewhere',
      deployment,
      (pod) => isReady(pod) && pod.spec?.nodeName !== name,
    );
    expect((await cluster.client.get(pods, first.metadata))?.metadata.deletionTimestamp).toBeDefined();

    await cluster.agent.restoreNode(name);
    await eventually(
      'the evicted pod is gone',
      async () => !(await cluster.client.get(pods, first.metadata)),
    );
    await eventually(
      'the node is ready',
      async () => readiness(await cluster.client.get(nodes, { name })) === 'True',
    );
  });

  test('is lost and found again by an annotation', async () => {
    const deployment = await deploy(cluster, { name: 'annotated', namespace });
    const pod = await cluster.podWhere('a ready pod', deployment, isReady);
    const annotate = (value: string | null) =>
      cluster.client.mergePatch(
        nodes,
        { name: pod.spec?.nodeName ?? '' },
        { metadata: { annotations: { [LOST_ANNOTATION]: value } } },
      );
    await annotate('true');
    await eventually('its address is silent', async () => !(await answers(pod)));
    await annotate(null);
    const again = await cluster.podWhere(
      'ready after a restart',
      deployment,
      (found) => isReady(found) && vllmStatus(found)?.restartCount === 1,
    );
    expect(again.metadata.uid).toBe(pod.metadata.uid);
  });

  test('that nobody plays cannot be lost', async () => {
    await expect(cluster.agent.loseNode('l4-3')).rejects.toThrow('no node l4-3; it plays l4-1, l4-2');
  });
});

describe('the agent', () => {
  let other: NodeAgent | undefined;
  afterEach(async () => other?.stop());

  test('leaves no process behind; the next one starts the pods again', async () => {
    const deployment = await deploy(cluster, { name: 'survivor', namespace });
    const before = await cluster.podWhere('a ready pod', deployment, isReady);
    const pids = cluster.agent.pods().flatMap((pod) => Object.values(pod.pids));
    expect(pids.filter(isAlive)).toHaveLength(1);

    await cluster.agent.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await answers(before)).toBe(false);
    const children = await readdir(join(cluster.controlPlane.run.path, 'children'));
    expect(children.filter((file) => file.startsWith('container-'))).toEqual([]);

    other = await cluster.startAgent();
    const after = await cluster.podWhere(
      'ready after a restart',
      deployment,
      (pod) => isReady(pod) && vllmStatus(pod)?.restartCount === 1,
    );
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(vllmStatus(after)?.lastState?.terminated).toMatchObject({ exitCode: 255, reason: 'Unknown' });
  });

  test('gives every pod a port of its own where there is only one address', async () => {
    other = await cluster.startAgent({ addressing: 'PerPodPort' });
    const deployment = await deploy(cluster, { name: 'ports', namespace, replicas: 2 });
    const ready = await eventually('two ready pods', async () => {
      const found = (await cluster.podsOf(deployment)).filter(isReady);
      return found.length === 2 && found;
    });
    const addresses = ready.map(({ metadata }) => metadata.annotations?.[ADDRESS_ANNOTATION]);
    expect(new Set(addresses).size).toBe(2);
    for (const address of addresses) {
      expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect((await fetch(`http://${address}/health`)).status).toBe(200);
    }
    expect(new Set(other.pods().map(({ endpoint }) => endpoint))).toEqual(new Set(addresses));
  });
});
