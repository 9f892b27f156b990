import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { MIG_MANAGER_ANNOTATION } from '../../../src/demo/node-agent/nodes/mig-manager.ts';
import { isReady } from '../../../src/kube/readiness.ts';
import { type Node, nodes } from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { type Cluster, deploy, startCluster } from './cluster.ts';

jest.setTimeout(300_000);

const NODE = { name: 'h100' };
const LAYOUT = 'nvidia.com/mig.config';
const STATE = 'nvidia.com/mig.config.state';

let cluster: Cluster;
let namespace: string;
beforeAll(async () => {
  cluster = await startCluster('nodes: [{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, count: 2}}]');
});
afterAll(async () => cluster[Symbol.asyncDispose]());
beforeEach(async () => {
  namespace = await cluster.createNamespace();
  await eventually('no container runs', () => cluster.agent.pods().length === 0);
  await play('{seconds: 0}');
  await ask('all-disabled');
  await untilState('success');
});
afterEach(() => cluster.clear(namespace));

function play(text: string): Promise<Node> {
  const annotations = { [MIG_MANAGER_ANNOTATION]: text };
  return cluster.client.mergePatch(nodes, NODE, { metadata: { annotations } });
}

/** Without the old state, as anybody should ask. */
async function ask(layout: string): Promise<void> {
  const before = (await node()).metadata.labels?.[LAYOUT];
  if (before === layout) return;
  const labels = { [LAYOUT]: layout, [STATE]: null };
  await cluster.client.mergePatch(nodes, NODE, { metadata: { labels } });
}

async function node(): Promise<Node> {
  const found = await cluster.client.get(nodes, NODE);
  if (found === undefined) throw new Error('the node is gone');
  return found;
}

async function untilState(state: string): Promise<Node> {
  return eventually(`state ${state}`, async () => {
    const found = await node();
    return found.metadata.labels?.[STATE] === state && found;
  });
}

function gpusOf({ status }: Node): Record<string, string> {
  return Object.fromEntries(
    Object.entries(status?.allocatable ?? {}).filter(([name]) => name.startsWith('nvidia.com/')),
  );
}

describe('a node whose GPUs can be cut', () => {
  test('says so, and that they are whole', async () => {
    expect((await node()).metadata.labels).toMatchObject({
      'nvidia.com/mig.capable': 'true',
      'nvidia.com/gpu.deploy.mig-manager': 'true',
      'nvidia.com/mig.strategy': 'mixed',
      [LAYOUT]: 'all-disabled',
      [STATE]: 'success',
    });
  });

  test('has the slices, their labels and nothing of before when the MIG manager says success', async () => {
    await ask('all-1g.10gb');
    const cut = await untilState('success');
    expect(gpusOf(cut)).toEqual({ 'nvidia.com/mig-1g.10gb': '14' });
    expect(cut.metadata.labels).toMatchObject({
      'nvidia.com/mig-1g.10gb.count': '14',
      'nvidia.com/mig-1g.10gb.memory': '9728',
      'nvidia.com/gpu.replicas': '0',
    });
    await ask('all-balanced');
    const balanced = await untilState('success');
    expect(gpusOf(balanced)).toEqual({
      'nvidia.com/mig-1g.10gb': '4',
      'nvidia.com/mig-2g.20gb': '2',
      'nvidia.com/mig-3g.40gb': '2',
    });
    await ask('all-disabled');
    const whole = await untilState('success');
    expect(gpusOf(whole)).toEqual({ 'nvidia.com/gpu': '2' });
    expect(Object.keys(whole.metadata.labels ?? {}).filter((label) => label.includes('mig-'))).toEqual([
      'nvidia.com/gpu.deploy.mig-manager',
    ]);
  });

  test('gives its slices to pods', async () => {
    await ask('all-1g.10gb');
    await untilState('success');
    const deployment = await deploy(cluster, {
      name: 'sliced',
      namespace,
      replicas: 2,
      resource: 'nvidia.com/mig-1g.10gb',
    });
    await eventually('two ready pods', async () => {
      const ready = (await cluster.podsOf(deployment)).filter(isReady);
      return ready.length === 2;
    });
  });

  test('stays as it is while a container has a GPU: in use by another client', async () => {
    const deployment = await deploy(cluster, { name: 'busy', namespace });
    const pod = await cluster.podWhere('a ready pod', deployment, isReady);
    await ask('all-1g.10gb');
    const failed = await untilState('failed');
    expect(gpusOf(failed)).toEqual({ 'nvidia.com/gpu': '2' });
    expect((await cluster.podsOf(deployment)).map(({ metadata }) => metadata.uid)).toEqual([
      pod.metadata.uid,
    ]);
  });

  test.each([
    ['a layout that it does not know', '{seconds: 0}', 'all-1g.5gb'],
    ['a failure that is played', '{outcome: Failed, seconds: 0}', 'all-1g.10gb'],
  ])('stays as it is after %s', async (_what, how, layout) => {
    await play(how);
    await ask(layout);
    expect(gpusOf(await untilState('failed'))).toEqual({ 'nvidia.com/gpu': '2' });
  });

  test('is pending for ever where that is played, until another layout is asked for', async () => {
    await play('Stuck');
    await ask('all-1g.10gb');
    await untilState('pending');
    await play('{seconds: 0, rebootSeconds: 1}');
    await ask('all-2g.20gb');
    await untilState('rebooting');
    expect(gpusOf(await untilState('success'))).toEqual({ 'nvidia.com/mig-2g.20gb': '6' });
  });
});
