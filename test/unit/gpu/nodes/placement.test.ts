import { describe, expect, test } from '@jest/globals';
import { gpuSchema } from '../../../../src/api/gpu.ts';
import type { GpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import { type GpuPlacement, gpuPlacement } from '../../../../src/gpu/nodes/placement.ts';
import { slotFromNodes } from '../../../../src/gpu/nodes/plan-slot.ts';
import { gpuNodeLike, knownGpus } from '../../../support/gpu-nodes.ts';

type GpuSpecInput = Parameters<typeof gpuSchema.parse>[0];

/** Where a class may run. Nodes are called as their fixtures. */
function placed(gpu: GpuSpecInput, nodes: readonly (string | GpuNode)[], current?: string): GpuPlacement {
  const known = nodes.map((node) => (typeof node === 'string' ? gpuNodeLike(node) : node));
  return gpuPlacement(gpuSchema.parse(gpu), knownGpus(known), current);
}

const carriers = ({ verdicts }: GpuPlacement): string[] =>
  verdicts.flatMap(({ node, obstacle }) => (obstacle === undefined ? [node.name] : []));
const obstacles = ({ verdicts }: GpuPlacement) =>
  Object.fromEntries(
    verdicts.flatMap(({ node, obstacle }) => (obstacle ? [[node.name, obstacle.code]] : [])),
  );

const timeSliced = { sharing: 'TimeSliced', slicesPerGPU: 4 };
const mig = (migProfile: string) => ({ sharing: 'MIG', migProfile });

const EVERY_NODE = [
  'a10-time-sliced',
  'a10-time-sliced-renamed',
  'a100-40-mixed',
  'a100-40-single',
  'a100-80-mig-invalid',
  'h100-whole',
  'mig-slices-time-sliced',
  'not-advertised',
  'several-products',
  'some-gpus-cut',
  't4-mps',
  'without-labels',
];

describe('of a mixed cluster', () => {
  test('a class that wants whole GPUs takes those, and what says nothing of itself', () => {
    const placement = placed({}, EVERY_NODE);
    expect(carriers(placement)).toEqual(['h100-whole', 'some-gpus-cut', 'without-labels']);
    expect(obstacles(placement)).toEqual({
      'a10-time-sliced': 'SharingDiffers',
      'a10-time-sliced-renamed': 'SharingDiffers',
      'a100-40-mixed': 'SharingDiffers',
      'a100-40-single': 'SharingDiffers',
      'a100-80-mig-invalid': 'MIGInvalid',
      'mig-slices-time-sliced': 'SharingDiffers',
      'not-advertised': 'GPUsNotAdvertised',
      'several-products': 'LabelsContradict',
      't4-mps': 'SharedByMPS',
    });
  });

  test('a class that wants time-slices takes one kind of them', () => {
    const placement = placed(timeSliced, EVERY_NODE);
    expect(carriers(placement)).toEqual(['a10-time-sliced-renamed']);
    expect(obstacles(placement)).toMatchObject({
      'a10-time-sliced': 'ResourceNotAdvertised',
      'h100-whole': 'SharingDiffers',
      't4-mps': 'SharedByMPS',
    });
  });

  test('a class that wants MIG slices takes those of its profile', () => {
    expect(carriers(placed(mig('1g.10gb'), EVERY_NODE))).toEqual(['some-gpus-cut']);
    expect(carriers(placed(mig('1g.5gb'), EVERY_NODE))).toEqual(['a100-40-single']);
    expect(obstacles(placed(mig('1g.10gb'), EVERY_NODE))).toMatchObject({
      'a100-40-mixed': 'MIGSlicesMissing',
      'a100-80-mig-invalid': 'MIGInvalid',
      'h100-whole': 'MIGSlicesMissing',
      'mig-slices-time-sliced': 'SharingDiffers',
    });
  });
});

describe('the resource that engines ask for', () => {
  test.each<[string, GpuSpecInput, string[], string]>([
    ['whole GPUs', {}, ['h100-whole'], 'nvidia.com/gpu'],
    ['time-slices that are renamed', timeSliced, ['a10-time-sliced-renamed'], 'nvidia.com/gpu.shared'],
    ['time-slices that are not', timeSliced, ['a10-time-sliced'], 'nvidia.com/gpu'],
    ['slices under strategy mixed', mig('2g.10gb'), ['a100-40-mixed'], 'nvidia.com/mig-2g.10gb'],
    ['slices under strategy single', mig('1g.5gb'), ['a100-40-single'], 'nvidia.com/gpu'],
    ['slices with a suffix', mig('1g.10gb+me'), ['mig-media-extensions'], 'nvidia.com/mig-1g.10gb.me'],
    ['nothing yet: time-slices', timeSliced, [], 'nvidia.com/gpu.shared'],
    ['nothing yet: slices', mig('1g.10gb'), [], 'nvidia.com/mig-1g.10gb'],
    ['what is stated', { resourceName: 'nvidia.com/gpu.shared' }, ['h100-whole'], 'nvidia.com/gpu.shared'],
  ])('%s', (_, gpu, nodes, resourceName) => {
    expect(placed(gpu, nodes).resourceName).toBe(resourceName);
  });

  test('follows what most nodes advertise', () => {
    const many = gpuNodeLike('a10-time-sliced', {
      metadata: { name: 'many', labels: { 'nvidia.com/gpu.count': '2' } },
      status: { capacity: { 'nvidia.com/gpu': '8' }, allocatable: { 'nvidia.com/gpu': '8' } },
    });
    expect(placed(timeSliced, ['a10-time-sliced-renamed', many]).resourceName).toBe('nvidia.com/gpu');
  });

  test('stays as it is while any node offers it: another name would restart the engines', () => {
    const many = ['a10-time-sliced', 'a10-time-sliced-renamed'];
    expect(placed(timeSliced, many, 'nvidia.com/gpu').resourceName).toBe('nvidia.com/gpu');
  });

  test('stays as it is while all nodes are away', () => {
    expect(placed(timeSliced, [], 'nvidia.com/gpu').resourceName).toBe('nvidia.com/gpu');
    const unknown = { kind: 'Unknown', why: 'NotRead' } as const;
    const placement = gpuPlacement(gpuSchema.parse(timeSliced), unknown, 'nvidia.com/gpu');
    expect(placement.resourceName).toBe('nvidia.com/gpu');
  });

  test('changes when only the other name is left, or the class wants another sharing', () => {
    expect(placed(timeSliced, ['a10-time-sliced-renamed'], 'nvidia.com/gpu').resourceName).toBe(
      'nvidia.com/gpu.shared',
    );
    expect(placed({}, ['h100-whole'], 'nvidia.com/gpu.shared').resourceName).toBe('nvidia.com/gpu');
  });
});

describe('what the planner is told of the slot', () => {
  const told = (gpu: GpuSpecInput, ...nodes: (string | GpuNode)[]) => slotFromNodes(placed(gpu, nodes).slot);

  test.each<[string, GpuSpecInput, object]>([
    ['h100-whole', {}, { gpu: 'NVIDIA-H100-80GB-HBM3', labelMemoryMiB: 81_559 }],
    ['a10-time-sliced', timeSliced, { gpu: 'NVIDIA-A10', labelMemoryMiB: 23_028, computeCapability: '8.6' }],
    [
      'a100-40-single',
      mig('1g.5gb'),
      { gpu: 'NVIDIA-A100-SXM4-40GB', labelMemoryMiB: 4864, computeCapability: '8.0' },
    ],
    ['mig-labels-misnamed', mig('3g.20gb'), { gpu: 'A100-SXM4-40GB' }],
    ['without-labels', {}, {}],
  ])('%s', (node, gpu, slot) => {
    expect(told(gpu, node)).toEqual(slot);
  });

  test('is the least of all nodes that suit the class: an engine may land on any', () => {
    const placement = placed({}, ['h100-whole', 'v100-whole']);
    expect(slotFromNodes(placement.slot)).toMatchObject({
      gpu: 'Tesla-V100-SXM2-16GB-N',
      labelMemoryMiB: 16_384,
    });
    expect(placement.slot?.products).toEqual(['NVIDIA-H100-80GB-HBM3', 'Tesla-V100-SXM2-16GB-N']);
  });

  test('stays the same while a node is away, cordoned or broken', () => {
    const away = { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
    const broken = { status: { allocatable: { 'nvidia.com/gpu': '0' } } };
    for (const difference of [away, broken, { spec: { unschedulable: true } }]) {
      const node = gpuNodeLike('h100-whole', difference);
      expect(told({}, node)).toEqual(told({}, 'h100-whole'));
    }
  });

  test('is nothing where no node suits, or nodes may not be read', () => {
    expect(told({}, 'a10-time-sliced')).toEqual({});
    const unknown = { kind: 'Unknown', why: 'NotAllowed' } as const;
    expect(slotFromNodes(gpuPlacement(gpuSchema.parse({}), unknown).slot)).toEqual({});
  });

  test('has the memory that the spec states where labels do not tell', () => {
    expect(placed({ memoryMiB: 23_000 }, ['without-labels']).slot?.slotMemoryMiB).toBe(23_000);
    expect(placed({ memoryMiB: 23_000 }, ['h100-whole']).slot?.slotMemoryMiB).toBe(81_559);
  });
});

describe('a class finds its nodes', () => {
  test.each<[string, GpuSpecInput, string, string | undefined]>([
    ['by product', { product: 'NVIDIA-H100-80GB-HBM3' }, 'h100-whole', undefined],
    [
      'by product, also when it is shared',
      { ...timeSliced, product: 'NVIDIA-A10' },
      'a10-time-sliced',
      undefined,
    ],
    [
      'by product, also when slices pass as GPUs',
      { ...mig('1g.5gb'), product: 'NVIDIA-A100-SXM4-40GB' },
      'a100-40-single',
      undefined,
    ],
    ['not when the product is another', { product: 'NVIDIA-L4' }, 'h100-whole', 'ProductNotFound'],
    [
      'not by product where there are no labels',
      { product: 'NVIDIA-L4' },
      'without-labels',
      'ProductNotFound',
    ],
    [
      'by other labels',
      { nodeSelector: { 'cloud.google.com/gke-accelerator': 'nvidia-l4' } },
      'without-labels',
      undefined,
    ],
    [
      'not when they differ',
      { nodeSelector: { 'cloud.google.com/gke-accelerator': 'nvidia-t4' } },
      'without-labels',
      'NodeSelectorUnmatched',
    ],
    ['not when they are missing', { nodeSelector: { room: '214' } }, 'h100-whole', 'NodeSelectorUnmatched'],
    ['when it has GPUs enough for tensor parallelism', { gpusPerEngine: 8 }, 'h100-whole', undefined],
    ['not when it has fewer', { gpusPerEngine: 4 }, 'some-gpus-cut', 'TooFewGPUsPerNode'],
    ['not when its GPUs are broken', { gpusPerEngine: 8 }, 'one-unhealthy', 'GPUsUnhealthy'],
    [
      'not when more engines share a GPU than they are sized for',
      { ...timeSliced, slicesPerGPU: 2 },
      'a10-time-sliced',
      'SharingDiffers',
    ],
    ['when fewer do', { ...timeSliced, slicesPerGPU: 8 }, 'a10-time-sliced', undefined],
    [
      'not when its labels contradict it',
      { resourceName: 'nvidia.com/gpu' },
      'several-products',
      'LabelsContradict',
    ],
    [
      'when the spec says what a slot is',
      { resourceName: 'nvidia.com/gpu', memoryMiB: 15_000 },
      'several-products',
      undefined,
    ],
    [
      'not under a resource that it does not advertise',
      { resourceName: 'nvidia.com/pgpu' },
      'h100-whole',
      'ResourceNotAdvertised',
    ],
    ['not for slices where there are no labels', { ...mig('1g.5gb') }, 'without-labels', 'MIGSlicesMissing'],
    [
      'for slices where there are no labels, when the spec names their resource',
      { ...mig('1g.5gb'), resourceName: 'nvidia.com/gpu' },
      'without-labels',
      undefined,
    ],
    [
      'not for slices where labels say that the GPUs are whole, whatever the spec names',
      { ...mig('1g.5gb'), resourceName: 'nvidia.com/gpu' },
      'h100-whole',
      'MIGSlicesMissing',
    ],
    [
      'under a resource of another vendor, when it is stated',
      { resourceName: 'example.com/gpu' },
      'without-labels',
      'ResourceNotAdvertised',
    ],
  ])('%s', (_, gpu, node, obstacle) => {
    expect(obstacles(placed(gpu, [node]))).toEqual(obstacle === undefined ? {} : { [node]: obstacle });
  });

  test.each([
    [
      'tolerates what GPU nodes usually carry',
      { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' },
      undefined,
    ],
    ['does not tolerate other taints', { key: 'research', effect: 'NoSchedule' }, 'TaintNotTolerated'],
    [
      'takes pressure for something that passes',
      { key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' },
      'NodesNotReady',
    ],
  ])('and %s', (_, taint, obstacle) => {
    const node = gpuNodeLike('h100-whole', { spec: { taints: [taint] } });
    expect(obstacles(placed({}, [node]))).toEqual(obstacle === undefined ? {} : { 'h100-whole': obstacle });
  });

  test('unless they offer GPUs by dynamic resource allocation only', () => {
    const observed = knownGpus([gpuNodeLike('not-advertised')], {
      dra: [{ node: 'not-advertised', devices: 1 }],
    });
    expect(obstacles(gpuPlacement(gpuSchema.parse({}), observed))).toEqual({ 'not-advertised': 'DRAOnly' });
  });
});
