import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PREPARATION_ANNOTATION } from '../../../../src/api/node-preparation.ts';
import { readNodeFile } from '../../../../src/demo/node-agent/nodes/description.ts';
import { renderNode } from '../../../../src/demo/node-agent/nodes/render.ts';
import { type GpuNode, readGpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import type { GpuSlots } from '../../../../src/gpu/nodes/gpu-slots.ts';
import { gpuNodeLike, nodeLike } from '../../../support/gpu-nodes.ts';

/** `4 nvidia.com/gpu: TimeSlice, 1/4 of 23028 = 5757 MiB`. */
function inWords({ resourceName, allocatable, capacity, kind, ...rest }: GpuSlots): string {
  const { migProfile, sharedBy, deviceMemoryMiB, slotMemoryMiB } = rest;
  const count = allocatable === capacity ? capacity : `${allocatable} of ${capacity}`;
  const share = `1/${sharedBy ?? '?'} of ${deviceMemoryMiB ?? '?'} = ${slotMemoryMiB ?? '?'} MiB`;
  return `${count} ${resourceName}: ${kind}${migProfile === undefined ? '' : ` ${migProfile}`}, ${share}`;
}

/** Every label set of the fixtures, and what an engine finds there. */
const SLOTS: Record<string, string[]> = {
  'a10-time-sliced': ['4 nvidia.com/gpu: TimeSlice, 1/4 of 23028 = 5757 MiB'],
  'a10-time-sliced-renamed': ['4 nvidia.com/gpu.shared: TimeSlice, 1/4 of 23028 = 5757 MiB'],
  'a100-40-mixed': [
    '16 nvidia.com/mig-1g.5gb: MIGSlice 1g.5gb, 1/1 of 4864 = 4864 MiB',
    '8 nvidia.com/mig-2g.10gb: MIGSlice 2g.10gb, 1/1 of 9856 = 9856 MiB',
    '8 nvidia.com/mig-3g.20gb: MIGSlice 3g.20gb, 1/1 of 19968 = 19968 MiB',
  ],
  'a100-40-single': ['56 nvidia.com/gpu: MIGSlice 1g.5gb, 1/1 of 4864 = 4864 MiB'],
  'a100-80-mig-invalid': [],
  'a100-80-mixed-one-gpu': [
    '1 nvidia.com/mig-1g.10gb: MIGSlice 1g.10gb, 1/1 of 9728 = 9728 MiB',
    '1 nvidia.com/mig-2g.20gb: MIGSlice 2g.20gb, 1/1 of 19968 = 19968 MiB',
  ],
  'a10g-renamed-unknown-to-discovery': ['50 nvidia.com/gpu.shared: TimeSlice, 1/50 of 23028 = 460 MiB'],
  'h100-nvl-time-sliced': ['5 nvidia.com/gpu: TimeSlice, 1/5 of 95830 = 19166 MiB'],
  'h100-whole': ['8 nvidia.com/gpu: WholeGPU, 1/1 of 81559 = 81559 MiB'],
  'mig-labels-misnamed': ['16 nvidia.com/mig-3g.20gb: MIGSlice 3g.20gb, 1/1 of ? = ? MiB'],
  'mig-media-extensions': ['1 nvidia.com/mig-1g.10gb.me: MIGSlice 1g.10gb.me, 1/1 of 9728 = 9728 MiB'],
  'mig-slices-time-sliced': ['14 nvidia.com/mig-1g.10gb.shared: TimeSlice 1g.10gb, 1/2 of 9984 = 4992 MiB'],
  'not-advertised': [],
  'one-unhealthy': ['7 of 8 nvidia.com/gpu: WholeGPU, 1/1 of 81559 = 81559 MiB'],
  'several-products': ['4 nvidia.com/gpu: Unclear, 1/? of ? = ? MiB'],
  'shared-without-labels': ['8 nvidia.com/gpu.shared: TimeSlice, 1/? of ? = ? MiB'],
  'single-without-mig': ['1 nvidia.com/gpu: WholeGPU, 1/1 of 2048 = 2048 MiB'],
  'some-gpus-cut': [
    '2 nvidia.com/gpu: WholeGPU, 1/1 of 81559 = 81559 MiB',
    '14 nvidia.com/mig-1g.10gb: MIGSlice 1g.10gb, 1/1 of 9984 = 9984 MiB',
  ],
  't4-mps': ['16 nvidia.com/gpu: MPSShare, 1/4 of 15360 = 3840 MiB'],
  't4-mps-renamed': ['16 nvidia.com/gpu.shared: MPSShare, 1/4 of 15360 = 3840 MiB'],
  'v100-whole': ['8 nvidia.com/gpu: WholeGPU, 1/1 of 16384 = 16384 MiB'],
  'virtual-gpu': ['1 nvidia.com/gpu: WholeGPU, 1/1 of 12288 = 12288 MiB'],
  'without-labels': ['2 nvidia.com/gpu: Unlabelled, 1/? of ? = ? MiB'],
};

describe('the slots of a node', () => {
  test.each(Object.entries(SLOTS))('%s', (fixture, slots) => {
    expect(gpuNodeLike(fixture).slots.map(inWords)).toEqual(slots);
  });

  test('are known for every label set that is kept', () => {
    const files = readdirSync(join(import.meta.dirname, '../../../fixtures/gpu-nodes'));
    expect(files.map((file) => file.replace('.yaml', '')).sort()).toEqual(Object.keys(SLOTS).sort());
  });

  test.each([
    [
      'a sharing strategy without replicas',
      { 'nvidia.com/gpu.replicas': '0' },
      '4 nvidia.com/gpu: TimeSlice, 1/4 of 23028 = 5757 MiB',
    ],
    [
      'more slots than GPUs × replicas',
      { 'nvidia.com/gpu.replicas': '2' },
      '4 nvidia.com/gpu: Unclear, 1/? of ? = ? MiB',
    ],
    [
      'a count that is no number',
      { 'nvidia.com/gpu.count': 'one' },
      '4 nvidia.com/gpu: TimeSlice, 1/4 of 23028 = 5757 MiB',
    ],
    ['no memory', { 'nvidia.com/gpu.memory': '0' }, '4 nvidia.com/gpu: TimeSlice, 1/4 of ? = ? MiB'],
  ])('with %s', (_, labels: Record<string, string>, expected) => {
    expect(gpuNodeLike('a10-time-sliced', { metadata: { labels } }).slots.map(inWords)).toEqual([expected]);
  });

  test('with labels from before there were sharing strategies', () => {
    const node = nodeLike('a10-time-sliced');
    const { 'nvidia.com/gpu.sharing-strategy': _, ...labels } = node.metadata.labels ?? {};
    const old = readGpuNode({ ...node, metadata: { ...node.metadata, labels } });
    expect(old?.slots.map(inWords)).toEqual(['4 nvidia.com/gpu: TimeSlice, 1/4 of 23028 = 5757 MiB']);
  });
});

describe('what else is read of a node', () => {
  test.each<[string, Partial<GpuNode>]>([
    [
      'a10-time-sliced',
      {
        product: 'NVIDIA-A10',
        family: 'ampere',
        computeCapability: '8.6',
        driverVersion: '580.95.05',
        migCapable: false,
        migStrategy: 'none',
      },
    ],
    [
      'v100-whole',
      { product: 'Tesla-V100-SXM2-16GB-N', driverVersion: '515.105.01', computeCapability: '7.0' },
    ],
    [
      'a100-40-single',
      {
        product: 'NVIDIA-A100-SXM4-40GB',
        migCapable: true,
        migStrategy: 'single',
        migInvalid: false,
        migConfig: 'all-1g.5gb',
        migConfigState: 'success',
      },
    ],
    ['a100-80-mig-invalid', { product: 'NVIDIA-A100-SXM4-80GB', migInvalid: true }],
    ['virtual-gpu', { product: 'NVIDIA-A10-12C', vgpu: true }],
    ['without-labels', { product: undefined, computeCapability: undefined, driverVersion: undefined }],
  ])('%s', (fixture, facts) => {
    expect(gpuNodeLike(fixture)).toMatchObject(facts);
  });

  test('whether it is ready, cordoned, and what keeps pods away', () => {
    const node = gpuNodeLike('h100-whole', {
      spec: {
        unschedulable: true,
        taints: [{ key: 'nvidia.com/gpu', effect: 'NoSchedule', timeAdded: '2026-09-01T09:00:00Z' }],
      },
      status: { conditions: [{ type: 'Ready', status: 'Unknown' }] },
    });
    expect(node).toMatchObject({ ready: false, cordoned: true });
    expect(node.taints).toEqual([{ key: 'nvidia.com/gpu', value: '', effect: 'NoSchedule' }]);
  });

  test('annotations of this product, and no others', () => {
    const annotations = { 'gpu-classroom.io/note': 'x', 'node.alpha.kubernetes.io/ttl': '0' };
    expect(gpuNodeLike('h100-whole', { metadata: { annotations } }).annotations).toEqual({
      'gpu-classroom.io/note': 'x',
    });
  });
});

describe('nothing has changed', () => {
  test.each([
    [
      'after a heartbeat',
      {
        status: {
          conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-09-01T10:00:00Z' }],
        },
      },
    ],
    [
      'after feature discovery has run again',
      { metadata: { labels: { 'nvidia.com/gfd.timestamp': '1790000000' } } },
    ],
    ['after an image was pulled', { status: { images: [{ names: ['vllm'], sizeBytes: 1 }] } }],
  ])('%s', (_, difference) => {
    expect(gpuNodeLike('v100-whole', difference)).toEqual(gpuNodeLike('v100-whole'));
  });
});

describe('a node without GPUs', () => {
  test('is none of ours', () => {
    const node = nodeLike('without-labels', { status: { capacity: { 'nvidia.com/gpu': '0' } } });
    expect(readGpuNode(node)).toBeUndefined();
  });

  test('is kept in sight while the operator prepares it, though nobody advertises or labels its GPUs meanwhile', () => {
    const node = nodeLike('without-labels', {
      metadata: { annotations: { [PREPARATION_ANNOTATION]: '{}' } },
      status: { capacity: { 'nvidia.com/gpu': '0' } },
    });
    expect(readGpuNode(node)).toMatchObject({ slots: [], annotations: { [PREPARATION_ANNOTATION]: '{}' } });
  });

  test('is noticed when its PCI bus has an NVIDIA device', () => {
    const labels = { 'feature.node.kubernetes.io/pci-10de.present': 'true' };
    const node = nodeLike('without-labels', {
      metadata: { labels },
      status: { capacity: { 'nvidia.com/gpu': '0' } },
    });
    expect(readGpuNode(node)).toMatchObject({ slots: [], product: undefined });
  });
});

describe('the nodes that the demo cluster plays', () => {
  const played = (gpu: string): string[] | undefined => {
    const [description] = readNodeFile(`nodes: [{name: n, gpu: ${gpu}}]`, 'nodes.yaml');
    if (description === undefined) throw new Error('no node');
    return readGpuNode(renderNode(description, { address: '127.0.0.1', kubeletPort: 10250 }, 0))?.slots.map(
      inWords,
    );
  };

  test.each([
    ['{product: NVIDIA-A10}', ['1 nvidia.com/gpu: WholeGPU, 1/1 of 23028 = 23028 MiB']],
    [
      '{product: NVIDIA-A10, count: 2, sharing: {timeSlicing: {replicas: 4}}}',
      ['8 nvidia.com/gpu: TimeSlice, 1/4 of 23028 = 5757 MiB'],
    ],
    [
      '{product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4, renameByDefault: true}}}',
      ['4 nvidia.com/gpu.shared: TimeSlice, 1/4 of 23028 = 5757 MiB'],
    ],
    [
      '{product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}',
      ['7 nvidia.com/mig-1g.10gb: MIGSlice 1g.10gb, 1/1 of 9728 = 9728 MiB'],
    ],
    [
      '{product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: single, layout: {1g.10gb: 7}}}}',
      ['7 nvidia.com/gpu: MIGSlice 1g.10gb, 1/1 of 9728 = 9728 MiB'],
    ],
    [
      '{product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: single, layout: {1g.10gb: 1, 3g.40gb: 1}}}}',
      [],
    ],
  ])('%s', (gpu, slots) => {
    expect(played(gpu)).toEqual(slots);
  });
});
