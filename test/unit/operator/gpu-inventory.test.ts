import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readGpuNode } from '../../../src/gpu/nodes/gpu-node.ts';
import { readGpuPod } from '../../../src/gpu/nodes/gpu-pod.ts';
import type { KnownGpus } from '../../../src/gpu/nodes/observation.ts';
import { silentLogger } from '../../../src/kube/log.ts';
import { noMetrics } from '../../../src/kube/metrics.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { createGpuInventory, type FollowedGpus } from '../../../src/operator/gpu-inventory.ts';
import { NODE_WATCHES_MAX, slimPod } from '../../../src/operator/node-pods.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock, settle } from '../../support/fake-clock.ts';
import { nodeLike, podOnGpus } from '../../support/gpu-nodes.ts';
import { type LiveObjects, liveObjects } from '../../support/live-objects.ts';
import { type QuietCache, quietCache } from '../../support/quiet-cache.ts';

let objects: LiveObjects;
let clock: FakeClock;
let stopping: AbortController;
let gpus: FollowedGpus;
let changes: number;

beforeEach(() => {
  objects = liveObjects();
  clock = createFakeClock();
  stopping = new AbortController();
  changes = 0;
});

afterEach(async () => {
  stopping.abort();
  await gpus.stop();
});

function create(enginePods?: QuietCache<ReturnType<typeof podOnGpus>>): void {
  gpus = createGpuInventory({
    client: objects,
    clock,
    random: () => 0,
    log: silentLogger,
    metrics: noMetrics,
    enginePods,
  });
  gpus.inventory.onChange(() => {
    changes += 1;
  });
}

/** Starts with these objects and waits until all that can be known is. */
async function startWith(...initial: KubeObject[]): Promise<void> {
  objects.put(...initial);
  create();
  gpus.start(stopping.signal);
  await gpus.synced();
  changes = 0;
}

function known(): KnownGpus {
  const observed = gpus.inventory.current();
  if (observed.kind === 'Unknown') throw new Error(`nothing is known: ${observed.why}`);
  return observed;
}

const nodeNames = () => known().nodes.map(({ name }) => name);
const podNames = () => known().pods.map(({ name }) => name);
const h100 = nodeLike('h100-whole');
const training = podOnGpus({ node: 'h100-whole', units: 4 });
const draSlice = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  metadata: { name: 'dra-1-gpu' },
  spec: { driver: 'gpu.nvidia.com', nodeName: 'dra-1', devices: [{ name: 'gpu-0' }] },
};

describe('what is known once it is synced', () => {
  test('nodes with GPUs, the pods that hold them, and what DRA drivers offer', async () => {
    const web = podOnGpus({ name: 'web', node: 'h100-whole', units: 0 });
    await startWith(
      h100,
      nodeLike('without-labels', {
        metadata: { name: 'no-gpu' },
        status: { capacity: { 'nvidia.com/gpu': '0' } },
      }),
      training,
      web,
      draSlice,
    );
    expect(nodeNames()).toEqual(['h100-whole']);
    expect(podNames()).toEqual(['train-0']);
    expect(known()).toMatchObject({ seesAllPods: true, dra: [{ node: 'dra-1', devices: 1 }] });
  });

  test('pods are watched on nodes with GPUs only', async () => {
    await startWith(h100, nodeLike('not-advertised'));
    await eventually('all watches', () => objects.watched().length === 3);
    expect(objects.watched()).toEqual(['nodes', 'pods spec.nodeName=h100-whole', 'resourceslices']);
  });

  test('DRA may be unknown to the API server', async () => {
    objects.refuse('resourceslices', 404);
    await startWith(h100);
    expect(known().dra).toEqual([]);
  });

  test('and all that is read of a node', async () => {
    const node = nodeLike('a100-40-mixed', {
      metadata: { annotations: { 'gpu-classroom.io/a': 'b', other: 'c' } },
      spec: { taints: [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }] },
      status: { images: [{ names: ['vllm'], sizeBytes: 1 }] },
    });
    await startWith(node);
    expect(known().nodes).toEqual([readGpuNode(node)]);
  });
});

describe('a change is told', () => {
  test('when a node comes or goes', async () => {
    await startWith(h100);
    objects.put(nodeLike('a10-time-sliced'));
    await eventually('the new node', () => nodeNames().length === 2);
    expect(changes).toBeGreaterThan(0);
    objects.remove(h100);
    await eventually('the node to be gone', () => nodeNames().length === 1);
    await eventually('its watch to end', () => !objects.watched().includes('pods spec.nodeName=h100-whole'));
  });

  test('when a node is cordoned', async () => {
    await startWith(h100);
    objects.put(nodeLike('h100-whole', { spec: { unschedulable: true } }));
    await eventually('the cordon', () => known().nodes[0]?.cordoned);
    expect(changes).toBe(1);
  });

  test('when a pod takes GPUs and when it has ended', async () => {
    await startWith(h100);
    objects.put(training);
    await eventually('the pod', () => podNames().length === 1);
    objects.put(podOnGpus({ node: 'h100-whole' }, { status: { phase: 'Succeeded' } }));
    await eventually('its end', () => podNames().length === 0);
    expect(changes).toBe(2);
  });

  test('and a new node shows when its pods are known, lest all of it look free', async () => {
    await startWith();
    objects.refuse('pods', 500);
    objects.put(h100, training);
    await eventually('the pods to be asked for', () =>
      objects.lists.includes('pods spec.nodeName=h100-whole'),
    );
    expect(nodeNames()).toEqual([]);
    objects.allow('pods');
    await clock.advance(30_000);
    await eventually('the node with its pods', () => nodeNames().length === 1 && podNames().length === 1);
  });
});

describe('no change is told', () => {
  test.each([
    [
      'a heartbeat',
      [
        nodeLike('h100-whole', {
          status: {
            conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-09-01T10:00:00Z' }],
          },
        }),
      ],
    ],
    [
      'a node without GPUs',
      [
        nodeLike('without-labels', {
          metadata: { name: 'cpu-1' },
          status: { capacity: { 'nvidia.com/gpu': '0' } },
        }),
      ],
    ],
    ['a pod without GPUs', [podOnGpus({ name: 'web', node: 'h100-whole', units: 0 })]],
    [
      'a pod with GPUs that becomes ready',
      [
        podOnGpus(
          { node: 'h100-whole', units: 4 },
          { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
        ),
      ],
    ],
  ])('of %s', async (_, changed) => {
    await startWith(h100, training);
    const before = gpus.inventory.current();
    objects.put(...changed);
    await settle(20);
    expect(changes).toBe(0);
    expect(gpus.inventory.current()).toBe(before);
  });
});

describe('more GPU nodes than watches can be afforded', () => {
  const many = Array.from({ length: NODE_WATCHES_MAX + 1 }, (_, index) =>
    nodeLike('h100-whole', { metadata: { name: `h100-${index}` } }),
  );
  const ON_ANY_NODE = 'pods spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed';

  test('are followed by one watch of all pods', async () => {
    await startWith(...many, podOnGpus({ node: 'h100-32' }));
    expect(podNames()).toEqual(['train-0']);
    expect(nodeNames()).toHaveLength(NODE_WATCHES_MAX + 1);
    await eventually('the other watches to end', () => objects.watched().length === 3);
    expect(objects.watched()).toEqual(['nodes', ON_ANY_NODE, 'resourceslices']);
  });

  test('no node is forgotten while the watches change', async () => {
    const [last, ...others] = many.toReversed();
    if (last === undefined) throw new Error('there are many');
    await startWith(...others, podOnGpus({ node: 'h100-0' }));
    objects.refuse('pods', 500);
    objects.put(last);
    await eventually('the one watch to be tried', () => objects.lists.includes(ON_ANY_NODE));
    expect(nodeNames()).toHaveLength(NODE_WATCHES_MAX);
    expect(podNames()).toEqual(['train-0']);
    objects.allow('pods');
    await clock.advance(30_000);
    await eventually('the last node', () => nodeNames().length === NODE_WATCHES_MAX + 1);
    expect(podNames()).toEqual(['train-0']);
  });
});

describe('of all the pods that are watched then', () => {
  test('those that hold GPUs are kept as far as they are read', () => {
    const { containers } = podOnGpus({ node: 'h100-0', units: 2 }).spec ?? {};
    const engine = podOnGpus(
      { node: 'h100-0', classroom: 'python-101' },
      { spec: { initContainers: [...(containers ?? [])] }, metadata: { annotations: { long: 'text' } } },
    );
    expect(readGpuPod(slimPod(engine))).toEqual(readGpuPod(engine));
    expect(readGpuPod(engine)?.requests).toEqual({ 'nvidia.com/gpu': 2 });
    expect(slimPod(engine).metadata.annotations).toBeUndefined();
  });

  test.each([
    ['has no GPU', podOnGpus({ node: 'h100-0', units: 0 })],
    ['waits for a node', podOnGpus()],
  ])('of one that %s nothing is kept but who it is', (_, pod) => {
    const { name, namespace } = pod.metadata;
    expect(slimPod(pod)).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } });
  });
});

describe('without the right to read nodes', () => {
  test('that is what is known, and nothing else is asked for', async () => {
    objects.refuse('nodes', 403);
    await startWith(h100, training, draSlice);
    expect(gpus.inventory.current()).toEqual({ kind: 'Unknown', why: 'NotAllowed' });
    await clock.advance(300_000);
    expect(new Set(objects.lists)).toEqual(new Set(['nodes']));
  });

  test('what is known changes when it is given, GPUs of DRA drivers among it', async () => {
    objects.refuse('nodes', 403);
    await startWith(h100, training, draSlice);
    objects.allow('nodes');
    await clock.advance(300_000);
    await eventually('the nodes', () => gpus.inventory.current().kind === 'Known' && podNames().length === 1);
    await eventually('what the DRA driver offers', () => known().dra.length === 1);
    expect(changes).toBeGreaterThan(0);
  });

  test('nothing is known before the first answer', () => {
    create();
    expect(gpus.inventory.current()).toEqual({ kind: 'Unknown', why: 'NotRead' });
  });

  test('an API server that does not answer is asked until it does', async () => {
    objects.put(h100);
    objects.refuse('nodes', 500);
    create();
    gpus.start(stopping.signal);
    await eventually('the first question', () => objects.lists.length === 1 && clock.pending > 0);
    expect(gpus.inventory.current()).toEqual({ kind: 'Unknown', why: 'NotRead' });
    objects.allow('nodes');
    await clock.advance(30_000);
    await gpus.synced();
    expect(nodeNames()).toEqual(['h100-whole']);
  });
});

describe('in one namespace', () => {
  test('only its engines are seen, and no other pods are watched', async () => {
    objects.put(h100, training);
    const enginePods = quietCache([podOnGpus({ node: 'h100-whole' })]);
    create(enginePods);
    gpus.start(stopping.signal);
    enginePods.tell(
      podOnGpus({ name: 'engine', namespace: 'school', node: 'h100-whole', classroom: 'python-101' }),
    );
    await gpus.synced();
    expect(podNames()).toEqual(['engine']);
    expect(known().seesAllPods).toBe(false);
    expect(objects.watched().filter((scope) => scope.startsWith('pods'))).toEqual([]);
  });
});
