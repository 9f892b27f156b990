import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { gpuInWords, readNodeFile } from '../../../../src/demo/node-agent/nodes/description.ts';
import { gpuNodeFacts } from '../../../../src/demo/node-agent/nodes/gpu-labels.ts';
import { renderNode } from '../../../../src/demo/node-agent/nodes/render.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');

/** Reads a file with one node that has this GPU. */
function gpuOf(yaml: string) {
  const [node] = readNodeFile(`nodes: [{name: n, gpu: ${yaml}}]`, 'nodes.yaml');
  if (node?.gpu === undefined) throw new Error('no GPU');
  return node.gpu;
}

describe('labels and capacity are those of NVIDIA’s components', () => {
  test.each([
    {
      name: 'A10, sliced in four, not renamed',
      gpu: '{product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4}}}',
      wantLabels: {
        'gpu.product': 'NVIDIA-A10-SHARED',
        'gpu.count': '1',
        'gpu.replicas': '4',
        'gpu.sharing-strategy': 'time-slicing',
        'gpu.memory': '23028',
        'gpu.family': 'ampere',
        'gpu.compute.major': '8',
        'gpu.compute.minor': '6',
        'mig.capable': 'false',
      },
      wantResources: { 'nvidia.com/gpu': 4 },
    },
    {
      name: 'A10, sliced in four, renamed',
      gpu: '{product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4, renameByDefault: true}}}',
      wantLabels: {
        'gpu.product': 'NVIDIA-A10',
        'gpu.replicas': '4',
        'gpu.sharing-strategy': 'time-slicing',
      },
      wantResources: { 'nvidia.com/gpu.shared': 4 },
    },
    {
      name: 'eight H100, whole',
      gpu: '{product: NVIDIA-H100-80GB-HBM3, count: 8}',
      wantLabels: {
        'gpu.product': 'NVIDIA-H100-80GB-HBM3',
        'gpu.count': '8',
        'gpu.replicas': '1',
        'gpu.memory': '81559',
        'gpu.family': 'hopper',
        'gpu.sharing-strategy': 'none',
        'mig.capable': 'true',
      },
      wantResources: { 'nvidia.com/gpu': 8 },
    },
    {
      name: 'eight A100-40, MIG mixed, balanced',
      gpu: '{product: NVIDIA-A100-SXM4-40GB, count: 8, sharing: {mig: {strategy: mixed, layout: {1g.5gb: 2, 2g.10gb: 1, 3g.20gb: 1}}}}',
      wantLabels: {
        'gpu.product': 'NVIDIA-A100-SXM4-40GB',
        'gpu.count': '8',
        'gpu.replicas': '0',
        'gpu.sharing-strategy': 'none',
        'gpu.memory': '40960',
        'mig.strategy': 'mixed',
        'mig-1g.5gb.product': 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb',
        'mig-1g.5gb.count': '16',
        'mig-1g.5gb.replicas': '1',
        'mig-1g.5gb.memory': '4864',
        'mig-1g.5gb.multiprocessors': '14',
        'mig-2g.10gb.count': '8',
        'mig-2g.10gb.memory': '9856',
        'mig-2g.10gb.slices.gi': '2',
        'mig-3g.20gb.count': '8',
        'mig-3g.20gb.memory': '19968',
        'mig-3g.20gb.multiprocessors': '42',
      },
      wantResources: {
        'nvidia.com/mig-1g.5gb': 16,
        'nvidia.com/mig-2g.10gb': 8,
        'nvidia.com/mig-3g.20gb': 8,
      },
    },
    {
      name: 'eight A100-40, MIG single',
      gpu: '{product: NVIDIA-A100-SXM4-40GB, count: 8, sharing: {mig: {strategy: single, layout: {1g.5gb: 7}}}}',
      wantLabels: {
        'gpu.product': 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb',
        'gpu.count': '56',
        'gpu.replicas': '1',
        'gpu.memory': '4864',
        'gpu.slices.gi': '1',
        'mig.strategy': 'single',
      },
      wantResources: { 'nvidia.com/gpu': 56 },
    },
    {
      name: 'MIG single with slices of two sizes',
      gpu: '{product: NVIDIA-A100-SXM4-40GB, sharing: {mig: {strategy: single, layout: {1g.5gb: 2, 2g.10gb: 1}}}}',
      wantLabels: {
        'gpu.product': 'NVIDIA-A100-SXM4-40GB-MIG-INVALID',
        'gpu.count': '0',
        'gpu.replicas': '0',
        'gpu.memory': '0',
        'gpu.sharing-strategy': '',
      },
      wantResources: { 'nvidia.com/gpu': 0 },
    },
    {
      name: 'H100 cut in seven',
      gpu: '{product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}',
      wantLabels: {
        'mig-1g.10gb.count': '7',
        'mig-1g.10gb.memory': '9728',
        'mig-1g.10gb.multiprocessors': '16',
        'gpu.memory': '81559',
      },
      wantResources: { 'nvidia.com/mig-1g.10gb': 7 },
    },
  ])('$name', ({ gpu, wantLabels, wantResources }) => {
    const facts = gpuNodeFacts(gpuOf(gpu));
    const prefixed = Object.fromEntries(
      Object.entries(wantLabels).map(([key, value]) => [`nvidia.com/${key}`, value]),
    );
    expect(facts.labels).toMatchObject(prefixed);
    expect(facts.resources).toEqual(wantResources);
  });

  test('no `mig.strategy` without MIG', () => {
    expect(gpuNodeFacts(gpuOf('{product: NVIDIA-L4}')).labels).not.toHaveProperty([
      'nvidia.com/mig.strategy',
    ]);
  });
});

describe('the Node object', () => {
  test('is ready, has an address, and allows what its GPUs give', () => {
    const [node] = readNodeFile('nodes: [{name: l4, gpu: {product: NVIDIA-L4}, cpu: "8"}]', 'nodes.yaml');
    if (node === undefined) throw new Error('no node');
    const { metadata, status } = renderNode(node, { address: '127.244.7.1', kubeletPort: 10250 }, NOW_MS);
    expect(metadata).toMatchObject({
      name: 'l4',
      labels: { 'kubernetes.io/hostname': 'l4', 'nvidia.com/gpu.product': 'NVIDIA-L4' },
    });
    expect(status?.allocatable).toMatchObject({
      cpu: '8',
      memory: '128Gi',
      pods: '110',
      'nvidia.com/gpu': '1',
    });
    expect(status?.addresses).toContainEqual({ type: 'InternalIP', address: '127.244.7.1' });
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-09-01T09:00:00Z' }),
    );
  });

  test('has the labels and taints of its description, and no GPU where none is described', () => {
    const yaml = 'nodes: [{name: cpu, labels: {room: "214"}, taints: [{key: gpu, effect: NoSchedule}]}]';
    const [node] = readNodeFile(yaml, 'nodes.yaml');
    if (node === undefined) throw new Error('no node');
    const { metadata, spec, status } = renderNode(
      node,
      { address: '127.244.7.1', kubeletPort: 10250 },
      NOW_MS,
    );
    expect(metadata.labels?.room).toBe('214');
    expect(spec?.taints).toEqual([{ key: 'gpu', effect: 'NoSchedule' }]);
    expect(Object.keys(status?.capacity ?? {}).some((name) => name.startsWith('nvidia.com/'))).toBe(false);
  });
});

describe('the node file', () => {
  test('gives several alike nodes numbers', () => {
    const nodes = readNodeFile('nodes: [{name: a10, count: 3}, {name: l4}]', 'nodes.yaml');
    expect(nodes.map(({ name }) => name)).toEqual(['a10-1', 'a10-2', 'a10-3', 'l4']);
  });

  test.each([
    { name: 'no YAML', yaml: 'nodes: [', want: 'nodes.yaml does not describe nodes' },
    { name: 'an unknown field', yaml: 'nodes: [{name: n, gpus: 4}]', want: 'gpus' },
    {
      name: 'an unknown GPU',
      yaml: 'nodes: [{name: n, gpu: {product: A11}}]',
      want: 'known: Tesla-T4, NVIDIA-A10',
    },
    {
      name: 'two nodes of one name',
      yaml: 'nodes: [{name: n}, {name: n}]',
      want: 'two nodes would be called n',
    },
    {
      name: 'MIG on a GPU that cannot do it',
      yaml: 'nodes: [{name: n, gpu: {product: NVIDIA-A10, sharing: {mig: {strategy: mixed, layout: {1g.5gb: 1}}}}}]',
      want: 'NVIDIA-A10 cannot be partitioned with MIG',
    },
    {
      name: 'a profile of another GPU',
      yaml: 'nodes: [{name: n, gpu: {product: NVIDIA-H200, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 1}}}}}]',
      want: 'has no MIG profile 1g.10gb; it has 1g.18gb',
    },
    {
      name: 'more slices than there is memory for',
      yaml: 'nodes: [{name: n, gpu: {product: NVIDIA-A100-SXM4-80GB, sharing: {mig: {strategy: mixed, layout: {3g.40gb: 2, 1g.10gb: 1}}}}}]',
      want: 'needs 7 of 7 compute slices and 9 of 8 memory slices',
    },
    {
      name: 'a time-slice of one',
      yaml: 'nodes: [{name: n, gpu: {product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 1}}}}]',
      want: 'sharing',
    },
  ])('is refused with a reason: $name', ({ yaml, want }) => {
    expect(() => readNodeFile(yaml, 'nodes.yaml')).toThrow(want);
  });

  test.each([
    { gpu: '{product: NVIDIA-A10}', want: 'NVIDIA-A10' },
    { gpu: '{product: NVIDIA-A10, count: 2}', want: '2 NVIDIA-A10' },
    {
      gpu: '{product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4}}}',
      want: 'NVIDIA-A10 in 4 time-slices',
    },
    {
      gpu: '{product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {3g.40gb: 1, 1g.10gb: 4}}}}',
      want: 'NVIDIA-H100-80GB-HBM3 in MIG slices (1 3g.40gb, 4 1g.10gb)',
    },
  ])('in words: $want', ({ gpu, want }) => {
    expect(readNodeFile(`nodes: [{name: n, gpu: ${gpu}}]`, 'nodes.yaml').map(gpuInWords)).toEqual([want]);
  });

  test('every file that comes with the product is right', async () => {
    const folder = join(import.meta.dirname, '../../../../manifests/demo-nodes');
    const files = await readdir(folder);
    expect(files).toContain('four-a10.yaml');
    for (const file of files) {
      expect(readNodeFile(await readFile(join(folder, file), 'utf8'), file).length).toBeGreaterThan(0);
    }
  });
});
