import { describe, expect, test } from '@jest/globals';
import { gpuSchema } from '../../../../src/api/gpu.ts';
import { CLASSROOM_REASONS } from '../../../../src/api/reasons.ts';
import { type GpuAvailability, gpuAvailability } from '../../../../src/gpu/nodes/availability-verdict.ts';
import type { GpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import type { GpuPod } from '../../../../src/gpu/nodes/gpu-pod.ts';
import type { GpuObservation, KnownGpus } from '../../../../src/gpu/nodes/observation.ts';
import { OBSTACLES } from '../../../../src/gpu/nodes/obstacle.ts';
import { gpuPlacement } from '../../../../src/gpu/nodes/placement.ts';
import { merged } from '../../../support/builders.ts';
import { gpuNodeLike, gpuPod, knownGpus, type nodeLike } from '../../../support/gpu-nodes.ts';

type GpuSpecInput = Parameters<typeof gpuSchema.parse>[0];

interface World {
  gpu?: GpuSpecInput;
  nodes?: readonly GpuNode[];
  /** Pods of others. */
  others?: readonly GpuPod[];
  /** The class's own. */
  engines?: readonly GpuPod[];
  wanted?: number;
  observed?: Partial<KnownGpus>;
}

/** What the class python-101 in the namespace school is told. */
function told({
  gpu = {},
  nodes = [],
  others = [],
  engines = [],
  wanted = 1,
  observed,
}: World): GpuAvailability {
  const known: GpuObservation = knownGpus(nodes, { pods: [...others, ...engines], ...observed });
  const placement = gpuPlacement(gpuSchema.parse(gpu), known);
  return gpuAvailability(placement, { namespace: 'school', classroom: 'python-101', engines, wanted });
}

/** Machines with one A10 each, called a10-1, a10-2 … */
function a10s(count: number, difference: Parameters<typeof nodeLike>[1] = {}): GpuNode[] {
  return Array.from({ length: count }, (_, index) => {
    const labels = {
      'nvidia.com/gpu.product': 'NVIDIA-A10',
      'nvidia.com/gpu.memory': '23028',
      'nvidia.com/gpu.count': '1',
    };
    const one = { 'nvidia.com/gpu': '1' };
    const base = { metadata: { labels }, status: { capacity: one, allocatable: one } };
    const node = gpuNodeLike('h100-whole', merged(base, difference));
    return { ...node, name: `a10-${index + 1}`, migCapable: false };
  });
}

const engine = (node: string, terminating = false): GpuPod => ({
  ...gpuPod({ node, namespace: 'school', classroom: 'python-101', name: `engine-on-${node}` }),
  terminating,
});
const foreign = (node: string, namespace = 'research', units = 1): GpuPod =>
  gpuPod({ node, namespace, units });

describe('there are GPUs', () => {
  test('when every engine has its own', () => {
    expect(told({ nodes: a10s(2), engines: [engine('a10-1'), engine('a10-2')], wanted: 2 })).toEqual({
      status: 'True',
      reason: 'EnginesPlaced',
      message: 'All 2 engines have their GPUs: 1 nvidia.com/gpu (NVIDIA-A10, 23028 MiB) each.',
    });
  });

  test('which are told as they are, whatever others would suit', () => {
    const nodes = [...a10s(1), gpuNodeLike('h100-whole')];
    const engines = [engine('a10-1'), engine('h100-whole')];
    expect(told({ nodes, engines: [engine('a10-1')] }).message).toBe(
      'The engine has its GPU: 1 nvidia.com/gpu (NVIDIA-A10, 23028 MiB).',
    );
    expect(told({ nodes, engines, wanted: 2 }).message).toBe(
      'All 2 engines have their GPUs: 1 nvidia.com/gpu (NVIDIA-A10, 23028 MiB; NVIDIA-H100-80GB-HBM3, 81559 MiB) each.',
    );
  });

  test('when those that are missing find room', () => {
    expect(
      told({ nodes: a10s(4), engines: [engine('a10-1')], others: [foreign('a10-2')], wanted: 2 }),
    ).toEqual({
      status: 'True',
      reason: 'GPUsFree',
      message:
        '1 of 2 engines have their GPUs; there is room for 2 more (1 nvidia.com/gpu (NVIDIA-A10, 23028 MiB) each) on a10-3, a10-4.',
    });
  });

  test('when an engine that is being stopped makes room for its successor', () => {
    expect(told({ nodes: a10s(1), engines: [engine('a10-1', true)] }).reason).toBe('GPUsFree');
  });

  test('when an engine runs on a node that was cordoned since', () => {
    const nodes = a10s(1, { spec: { unschedulable: true } });
    expect(told({ nodes, engines: [engine('a10-1')] }).reason).toBe('EnginesPlaced');
  });

  test('of which a class without engines is told as well', () => {
    expect(told({ nodes: a10s(2), wanted: 0 })).toMatchObject({
      reason: 'GPUsFree',
      message: expect.stringMatching(/^No engine is wanted now; there is room for 2 more/),
    });
  });

  test('for engines of several GPUs only where one node has as many free', () => {
    const [node] = [gpuNodeLike('h100-whole')];
    const gpu = { gpusPerEngine: 4 };
    const four = foreign('h100-whole', 'research', 4);
    expect(told({ gpu, nodes: [node], others: [four] }).reason).toBe('GPUsFree');
    expect(told({ gpu, nodes: [node], others: [four, foreign('h100-whole')] }).reason).toBe('GPUsTaken');
  });

  test('each time-slice is one', () => {
    const gpu = { sharing: 'TimeSliced', slicesPerGPU: 4 };
    const nodes = [gpuNodeLike('a10-time-sliced')];
    expect(told({ gpu, nodes, wanted: 4 })).toMatchObject({
      reason: 'GPUsFree',
      message: expect.stringContaining('room for 4 more (1 nvidia.com/gpu (NVIDIA-A10, 5757 MiB) each)'),
    });
    expect(told({ gpu, nodes, wanted: 5 }).reason).toBe('TooFewGPUs');
  });

  test('as far as can be seen from one namespace', () => {
    const { message } = told({ nodes: a10s(1), observed: { seesAllPods: false } });
    expect(message).toContain('What pods of other namespaces hold is not seen and counts as free.');
  });

  test('of which nobody knows how much memory they have', () => {
    const nodes = [gpuNodeLike('without-labels')];
    expect(told({ nodes }).message).toContain('set `gpu.memoryMiB`');
    expect(told({ nodes, gpu: { memoryMiB: 23_000 } }).message).toContain(
      '(1 nvidia.com/gpu (23000 MiB) each)',
    );
  });

  test('and what others do changes nothing that a class with its GPUs is told', () => {
    const world = { nodes: a10s(3), engines: [engine('a10-1')] };
    expect(told({ ...world, others: [foreign('a10-2')] })).toEqual(told(world));
  });
});

describe('there are none', () => {
  test.each<[string, World, string]>([
    [
      'NoGPUNode',
      {},
      "No node of this cluster has a GPU that Kubernetes knows of. Add one, or install NVIDIA's device plugin and GPU feature discovery, which the NVIDIA GPU Operator brings.",
    ],
    [
      'DRAOnly',
      { observed: { dra: [{ node: 'dra-1', devices: 8 }] } },
      "GPUs are offered by dynamic resource allocation (DRA) only, on dra-1. Engines ask for GPUs by NVIDIA's device plugin: run it there in place of the DRA driver.",
    ],
    [
      'GPUsNotAdvertised',
      { nodes: [gpuNodeLike('not-advertised')] },
      "No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): not-advertised has a GPU that no device plugin advertises. See whether NVIDIA's device plugin runs there: `kubectl get pods --all-namespaces --field-selector spec.nodeName=not-advertised`.",
    ],
    [
      'ProductNotFound',
      { nodes: a10s(5), gpu: { product: 'NVIDIA-L4' } },
      'No node can carry an engine, which needs a whole NVIDIA-L4 (1 nvidia.com/gpu): a10-1 has NVIDIA-A10; a10-2 has NVIDIA-A10; a10-3 has NVIDIA-A10; and 2 more. Set `gpu.product` to what the nodes have, or leave it out.',
    ],
    [
      'ProductNotFound',
      { nodes: [...a10s(4), gpuNodeLike('h100-whole')], gpu: { product: 'NVIDIA-L4' } },
      'No node can carry an engine, which needs a whole NVIDIA-L4 (1 nvidia.com/gpu): a10-1 has NVIDIA-A10; h100-whole has NVIDIA-H100-80GB-HBM3; a10-2 has NVIDIA-A10; and 2 more. Set `gpu.product` to what the nodes have, or leave it out.',
    ],
    [
      'NodeSelectorUnmatched',
      { nodes: a10s(1), gpu: { nodeSelector: { room: '214' } } },
      'No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): a10-1 has no label room. Correct `gpu.nodeSelector`, or label the node: `kubectl label node a10-1 room=214`.',
    ],
    [
      'ResourceNotAdvertised',
      { nodes: a10s(1), gpu: { resourceName: 'example.com/gpu' } },
      'No node can carry an engine, which needs a whole GPU (1 example.com/gpu): a10-1 advertises nvidia.com/gpu. Correct `gpu.resourceName`, or leave it out.',
    ],
    [
      'MIGInvalid',
      { nodes: [gpuNodeLike('a100-80-mig-invalid')], gpu: { sharing: 'MIG', migProfile: '1g.10gb' } },
      'No node can carry an engine, which needs a MIG slice 1g.10gb of a GPU (1 nvidia.com/mig-1g.10gb): a100-80-mig-invalid has MIG slices of different sizes, or GPUs with and without them, which MIG strategy single forbids. Cut all its GPUs alike, as the condition NodesPrepared says, or use MIG strategy mixed.',
    ],
    [
      'LabelsContradict',
      { nodes: [gpuNodeLike('several-products')] },
      "No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): several-products advertises 4 nvidia.com/gpu while its labels say 2 NVIDIA-A10. It has GPUs of several products, or sharing that GPU feature discovery was not told of: give feature discovery the device plugin's config, or set `gpu.resourceName` and `gpu.memoryMiB` to what the smallest slot has.",
    ],
    [
      'SharedByMPS',
      { nodes: [gpuNodeLike('t4-mps')] },
      'No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): t4-mps shares its GPUs by MPS. Engines are planned for whole GPUs, MIG slices and time-slices: give its device plugin a config without MPS.',
    ],
    [
      'MIGSlicesMissing',
      { nodes: [gpuNodeLike('h100-whole')], gpu: { sharing: 'MIG', migProfile: '1g.10gb' } },
      'No node can carry an engine, which needs a MIG slice 1g.10gb of a GPU (1 nvidia.com/mig-1g.10gb): h100-whole has whole GPUs. Cut its GPUs as the condition NodesPrepared says, or set `gpu.migProfile` to what it has.',
    ],
    [
      'SharingDiffers',
      { nodes: [gpuNodeLike('a10-time-sliced')] },
      'No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): a10-time-sliced shares each GPU among 4 by time-slicing. Turn time-slicing off there, or set `gpu.sharing` to TimeSliced with `gpu.slicesPerGPU: 4`.',
    ],
    [
      'TooFewGPUsPerNode',
      { nodes: a10s(2), gpu: { gpusPerEngine: 2 } },
      'No node can carry an engine, which needs 2 whole GPUs on one node (2 nvidia.com/gpu): a10-1 has 1; a10-2 has 1. An engine cannot span nodes: lower `gpu.gpusPerEngine` to 1, or use nodes with more GPUs.',
    ],
    [
      'TaintNotTolerated',
      { nodes: a10s(1, { spec: { taints: [{ key: 'research', value: 'only', effect: 'NoSchedule' }] } }) },
      'No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): a10-1 has the taint research=only:NoSchedule. Add it to `gpu.tolerations` if the class may run there, or take it off: `kubectl taint node a10-1 research=only:NoSchedule-`.',
    ],
    [
      'GPUsUnhealthy',
      { nodes: [gpuNodeLike('one-unhealthy')], gpu: { gpusPerEngine: 8 } },
      "No node can carry an engine, which needs 8 whole GPUs on one node (8 nvidia.com/gpu): one-unhealthy has 7 healthy of 8. See `kubectl describe node one-unhealthy`. NVIDIA's device plugin there logs which GPU fails and why.",
    ],
    [
      'NodesNotReady',
      { nodes: a10s(1, { status: { conditions: [] } }) },
      'No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): a10-1 is not ready. See `kubectl describe node a10-1`.',
    ],
    [
      'NodesCordoned',
      { nodes: a10s(1, { spec: { unschedulable: true } }) },
      'No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): a10-1 is cordoned. When its maintenance is over: `kubectl uncordon a10-1`.',
    ],
    [
      'NodesCordoned',
      {
        nodes: a10s(1, {
          metadata: { annotations: { 'gpu-classroom.io/node-preparation': '{}' } },
          spec: { unschedulable: true },
        }),
      },
      'No node can carry an engine, which needs a whole GPU (1 nvidia.com/gpu): a10-1 is cordoned. The operator prepares it: the condition NodesPrepared says how far it is.',
    ],
    [
      'TooFewGPUs',
      { nodes: a10s(2), engines: [engine('a10-1')], wanted: 4 },
      '1 of 4 engines have their GPUs; each needs a whole GPU (1 nvidia.com/gpu), and the nodes that can carry engines (a10-1, a10-2) are enough for 2. Lower `engine.replicas.max` to 2, or add nodes.',
    ],
    [
      'GPUsTaken',
      { nodes: a10s(3), others: [foreign('a10-1'), foreign('a10-2', 'math')], wanted: 2 },
      '0 of 2 engines have their GPUs: pods of the namespaces math (1), research (1) hold 2 of the 3 nvidia.com/gpu on a10-1, a10-2, a10-3. Wait until they end, lower `engine.replicas.max` to 1, or add nodes.',
    ],
  ])('%s', (reason, world, message) => {
    expect(told(world)).toEqual({ status: 'False', reason, message });
  });

  test('and the nodes that came nearest say why', () => {
    const nodes = [
      gpuNodeLike('a10-time-sliced'),
      gpuNodeLike('t4-mps'),
      ...a10s(1, { spec: { unschedulable: true } }),
    ];
    expect(told({ nodes })).toMatchObject({
      reason: 'NodesCordoned',
      message: expect.stringContaining('a10-1'),
    });
  });

  test.each([
    ['pending', 'a100-40-single is being cut to all-1g.5gb (pending). Wait until the MIG manager is done.'],
    [
      'rebooting',
      'a100-40-single is being cut to all-1g.5gb (rebooting). Wait until the MIG manager is done.',
    ],
    [
      'failed',
      'a100-40-single could not be cut to all-1g.5gb. See why in the log of the MIG manager on a100-40-single: most often a pod still used the GPU.',
    ],
  ])('and the MIG manager says %s', (state, message) => {
    const labels = { 'nvidia.com/mig.config.state': state };
    const nodes = [gpuNodeLike('a100-40-single', { metadata: { labels } })];
    expect(told({ nodes, gpu: { sharing: 'MIG', migProfile: '2g.10gb' } })).toMatchObject({
      reason: 'MIGSlicesMissing',
      message: expect.stringContaining(message),
    });
    expect(told({ nodes, gpu: { sharing: 'MIG', migProfile: '1g.5gb' } }).status).toBe('True');
  });

  test('and a node that is only away is the next thing to look at', () => {
    const [first, second] = a10s(2);
    if (first === undefined || second === undefined) throw new Error('there are two');
    const { message } = told({ nodes: [first, { ...second, cordoned: true }], wanted: 2 });
    expect(message).toContain('a10-2 could carry more, but is cordoned. When its maintenance is over');
  });

  test('of which a class without engines is told as well', () => {
    expect(told({ nodes: a10s(1), others: [foreign('a10-1')], wanted: 0 })).toMatchObject({
      status: 'False',
      reason: 'GPUsTaken',
      message: expect.stringMatching(
        /^No engine is wanted now, and none would find a GPU: .* or add a node with a free GPU/,
      ),
    });
  });
});

describe('nobody knows', () => {
  test.each([
    ['NotRead', 'NodesNotRead'],
    ['NotAllowed', 'NodesNotReadable'],
  ] as const)('while nodes are %s', (why, reason) => {
    const placement = gpuPlacement(gpuSchema.parse({}), { kind: 'Unknown', why });
    const verdict = gpuAvailability(placement, { namespace: '', classroom: '', engines: [], wanted: 1 });
    expect(verdict).toMatchObject({ status: 'Unknown', reason });
  });
});

test('nor of a resource that nodes are not looked at for', () => {
  const { status, reason } = told({ nodes: a10s(1), gpu: { resourceName: 'example.com/accelerator' } });
  expect({ status, reason }).toEqual({ status: 'Unknown', reason: 'ResourceNotFollowed' });
});

test('every obstacle is a reason of the API', () => {
  expect(Object.values(CLASSROOM_REASONS)).toEqual(expect.arrayContaining([...OBSTACLES]));
});
