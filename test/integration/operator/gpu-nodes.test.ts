import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Classroom, type ClassroomSpecInput, classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import type { DemoCluster } from '../../../src/demo/cluster.ts';
import { type ResourceSlice, resourceSlices } from '../../../src/gpu/nodes/dra.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { deployments, type Node, nodes, type Pod, pods } from '../../../src/kube/resources.ts';
import { createNamespace } from '../../support/control-plane.ts';
import { startTestCluster } from '../../support/demo-cluster.ts';
import { eventually } from '../../support/eventually.ts';

/** The operator, with no more than its own rights, on nodes with labels and resources as NVIDIA's components give them. */

jest.setTimeout(240_000);

const NODES = `
nodes:
- {name: a10, count: 2, gpu: {product: NVIDIA-A10}}
- {name: a10-sliced, gpu: {product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4}}}}
- {name: h100-mixed, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}}
- {name: a100-single, gpu: {product: NVIDIA-A100-SXM4-40GB, sharing: {mig: {strategy: single, layout: {1g.5gb: 7}}}}}
`;
const A10S = ['a10-1', 'a10-2'];

let cluster: DemoCluster;
let namespace: string;

beforeAll(async () => {
  cluster = await startTestCluster({ nodes: NODES });
  await cluster.startOperator({ name: 'operator' });
}, 240_000);
afterAll(() => cluster?.stop(), 60_000);
beforeEach(async () => {
  namespace = await createNamespace(cluster.controlPlane.admin, 'class');
});
afterEach(async () => {
  const { client } = cluster;
  await client.delete(classrooms, { namespace, name: 'python-101' });
  for (const name of A10S) await client.mergePatch(nodes, { name }, { spec: { unschedulable: null } });
  await eventually('no pod left', async () => {
    const { items } = await client.list(pods, { namespace });
    for (const { metadata } of items) await client.delete(pods, metadata, { gracePeriodSeconds: 0 });
    return items.length === 0;
  });
});

async function createClass(gpu: ClassroomSpecInput['gpu'], engines = 1): Promise<void> {
  await cluster.client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name: 'python-101', namespace },
    ...{
      spec: {
        model: { id: 'Qwen/Qwen2.5-0.5B-Instruct', maxModelLen: 2048 },
        gpu,
        engine: { replicas: { min: engines, max: engines } },
      },
    },
  });
}

function getClass(): Promise<Classroom | undefined> {
  return cluster.client.get(classrooms, { namespace, name: 'python-101' });
}

/** Waits until the class says this of its GPUs, and returns the message. */
async function untilGpus(reason: string): Promise<string> {
  let last = 'nothing';
  try {
    return await eventually(`GPUAvailable to be ${reason}`, async () => {
      const condition = findCondition((await getClass())?.status?.conditions, 'GPUAvailable');
      last = `${condition?.reason}: ${condition?.message}`;
      return condition?.reason === reason ? condition.message : undefined;
    });
  } catch (error) {
    throw new Error(`it says ${last}`, { cause: error });
  }
}

/** A pod of somebody else that takes a GPU of a node. */
async function takeGpu(node: string): Promise<Pod> {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `train-on-${node}`, namespace },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node },
      containers: [{ name: 'train', image: 'train', resources: { limits: { 'nvidia.com/gpu': '1' } } }],
    },
  };
  await cluster.client.create(pods, pod);
  await eventually('the pod to have its GPU', async () => {
    return (await cluster.client.get(pods, pod.metadata))?.spec?.nodeName === node;
  });
  return pod;
}

async function writesInNamespace(): Promise<unknown[]> {
  const writes = await cluster.controlPlane.auditedWrites();
  return writes.filter((write) => write.namespace === namespace && write.user.includes('gpu-classroom'));
}

describe('engines ask for what the nodes advertise', () => {
  test.each<[string, ClassroomSpecInput['gpu'], string, string]>([
    ['whole GPUs', { product: 'NVIDIA-A10' }, 'nvidia.com/gpu', '23028 MiB'],
    [
      'time-slices that are not renamed',
      { sharing: 'TimeSliced', slicesPerGPU: 4 },
      'nvidia.com/gpu',
      '5757 MiB',
    ],
    [
      'slices of strategy mixed',
      { sharing: 'MIG', migProfile: '1g.10gb' },
      'nvidia.com/mig-1g.10gb',
      '9728 MiB',
    ],
    ['slices of strategy single', { sharing: 'MIG', migProfile: '1g.5gb' }, 'nvidia.com/gpu', '4864 MiB'],
  ])('%s', async (_, gpu, resourceName, memory) => {
    await createClass(gpu);
    expect(await untilGpus('EnginesPlaced')).toContain(memory);
    const deployment = await cluster.client.get(deployments, { namespace, name: 'python-101-engine' });
    const [container] = deployment?.spec?.template.spec?.containers ?? [];
    expect(container?.resources?.limits?.[resourceName]).toBe('1');
  });
});

describe('an engine that finds no GPU says why', () => {
  test('others hold them all, until they let go', async () => {
    await takeGpu('a10-1');
    const second = await takeGpu('a10-2');
    await createClass({ product: 'NVIDIA-A10' });
    const message = await untilGpus('GPUsTaken');
    expect(message).toContain(
      `pods of the namespace ${namespace} (2) hold 2 of the 2 nvidia.com/gpu on a10-1, a10-2`,
    );
    const waiting = await eventually('an engine that waits', async () =>
      (await getClass())?.status?.engines?.find(({ state }) => state === 'Scheduling'),
    );
    expect(waiting.message).toBe(message);
    const ready = findCondition((await getClass())?.status?.conditions, 'Ready');
    expect(ready).toMatchObject({ status: 'False', message: expect.stringContaining('Wait until they end') });

    await cluster.client.delete(pods, second.metadata, { gracePeriodSeconds: 0 });
    await untilGpus('EnginesPlaced');
  });

  test('there are fewer than are wanted, also because a node is cordoned, until it is not', async () => {
    await cluster.client.mergePatch(nodes, { name: 'a10-2' }, { spec: { unschedulable: true } });
    await createClass({ product: 'NVIDIA-A10' }, 2);
    expect(await untilGpus('TooFewGPUs')).toContain('a10-2 could carry more, but is cordoned');
    await cluster.client.mergePatch(nodes, { name: 'a10-2' }, { spec: { unschedulable: null } });
    await untilGpus('EnginesPlaced');
  });

  test('the GPUs are shared in another way', async () => {
    await createClass({ product: 'NVIDIA-H100-80GB-HBM3' });
    expect(await untilGpus('SharingDiffers')).toContain('h100-mixed advertises 7 nvidia.com/mig-1g.10gb');
  });

  test('a DRA driver has them', async () => {
    const labels = { 'nvidia.com/gpu.present': 'true', 'nvidia.com/gpu.product': 'NVIDIA-L4' };
    await cluster.client.create<Node>(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'dra-1', labels },
    });
    await createClass({ product: 'NVIDIA-L4' });
    await untilGpus('GPUsNotAdvertised');
    const spec = {
      driver: 'gpu.nvidia.com',
      nodeName: 'dra-1',
      pool: { name: 'dra-1', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'gpu-0' }],
    };
    const metadata = { name: 'dra-1-gpu' };
    await cluster.client.create<ResourceSlice>(resourceSlices, {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceSlice',
      metadata,
      spec,
    });
    expect(await untilGpus('DRAOnly')).toContain(
      'dra-1 offers its GPUs by dynamic resource allocation (DRA) only',
    );
    await cluster.client.delete(resourceSlices, metadata);
    await cluster.client.delete(nodes, { name: 'dra-1' });
  });
});

describe('a class that has its GPUs', () => {
  /** A class that wants no engine, and is told whether one would find room on the node with MIG slices. */
  let witness: { namespace: string; name: string };

  beforeEach(async () => {
    witness = { namespace: await createNamespace(cluster.controlPlane.admin, 'witness'), name: 'witness' };
    await cluster.client.create<KubeObject>(classrooms, {
      apiVersion: API_GROUP_VERSION,
      kind: 'Classroom',
      metadata: witness,
      ...{
        spec: {
          model: { id: 'a/b' },
          gpu: { sharing: 'MIG', migProfile: '1g.10gb' },
          engine: { replicas: { min: 0, max: 1 } },
        },
      },
    });
  });
  afterEach(() => cluster.client.delete(classrooms, witness));

  const cordon = (unschedulable: true | null) =>
    cluster.client.mergePatch(nodes, { name: 'h100-mixed' }, { spec: { unschedulable } });
  const witnessed = (reason: string) =>
    eventually(`the witness to be told ${reason}`, async () => {
      const { status } = (await cluster.client.get(classrooms, witness)) ?? {};
      return findCondition(status?.conditions, 'GPUAvailable')?.reason === reason;
    });

  /** Changes of GPUs lead to all classes: when two later ones were answered for, so was all that came before. */
  async function untilSeen(): Promise<void> {
    await cordon(true);
    await witnessed('NodesCordoned');
    await cordon(null);
    await witnessed('GPUsFree');
  }

  test('is not written to when nodes send heartbeats and others take GPUs', async () => {
    await createClass({ product: 'NVIDIA-A10' });
    await eventually('an engine that answers', async () => (await getClass())?.status?.readyReplicas === 1);
    await untilGpus('EnginesPlaced');
    const taken = (await getClass())?.status?.engines?.[0]?.node;
    await eventually('nothing more to be written', async () => {
      const before = await writesInNamespace();
      await untilSeen();
      return (await writesInNamespace()).length === before.length;
    });

    const before = await writesInNamespace();
    for (const name of A10S) await heartbeat(name);
    await takeGpu(A10S.find((name) => name !== taken) ?? '');
    await untilSeen();
    expect(await writesInNamespace()).toEqual(before);
  });

  async function heartbeat(name: string): Promise<void> {
    const { client } = cluster;
    const node = await client.get(nodes, { name });
    const lastHeartbeatTime = new Date().toISOString();
    const conditions = node?.status?.conditions?.map((condition) => ({ ...condition, lastHeartbeatTime }));
    await client.mergePatch(nodes, { name }, { status: { conditions } }, { subresource: 'status' });
    const labels = { 'nvidia.com/gfd.timestamp': String(Date.now()) };
    await client.mergePatch(nodes, { name }, { metadata: { labels } });
  }
});
