import { describe, expect, test } from '@jest/globals';
import type { NodeChange } from '../../../../src/gpu/node-preparation/assess.ts';
import type { Preparation } from '../../../../src/gpu/node-preparation/choose.ts';
import { classOn, cluster, foreignPod, gpuNodes, MIG_1G, prepare, WHOLE_H100 } from './nodes.ts';

/** `MigLayout all-1g.10gb`, as a table can say it. */
function inWords(change: NodeChange): string {
  switch (change.kind) {
    case 'MigStrategy':
      return `MigStrategy ${change.strategy}`;
    case 'MigLayout':
      return `MigLayout ${change.layout.name}`;
    case 'DevicePluginConfig':
      return `DevicePluginConfig ${change.config.key}`;
  }
}

function chosen({ choices }: Preparation): Record<string, string[]> {
  return Object.fromEntries(choices.map(({ node, offer }) => [node.name, offer.changes.map(inWords)]));
}

const TIME_SLICED = { sharing: 'TimeSliced', slicesPerGPU: 4, product: 'NVIDIA-A10' } as const;

describe('what a node must change', () => {
  test.each([
    {
      name: 'a whole H100, for MIG slices',
      nodes: WHOLE_H100,
      gpu: MIG_1G,
      wantChanges: ['MigLayout all-1g.10gb'],
      wantOffer: ['nvidia.com/mig-1g.10gb', 7],
    },
    {
      name: 'eight whole H100',
      nodes: '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, count: 8}}]',
      gpu: MIG_1G,
      wantChanges: ['MigLayout all-1g.10gb'],
      wantOffer: ['nvidia.com/mig-1g.10gb', 56],
    },
    {
      name: 'an H100 cut in another way',
      nodes:
        '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {3g.40gb: 2}}}}}]',
      gpu: MIG_1G,
      wantChanges: ['MigLayout all-1g.10gb'],
      wantOffer: ['nvidia.com/mig-1g.10gb', 7],
    },
    {
      name: 'where slices pass as GPUs, the engines ask for those',
      nodes: '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, migStrategy: single}}]',
      gpu: MIG_1G,
      wantChanges: ['MigLayout all-1g.10gb'],
      wantOffer: ['nvidia.com/gpu', 7],
    },
    {
      name: 'where slices pass as GPUs, and the spec wants them by name',
      nodes: '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, migStrategy: single}}]',
      gpu: { ...MIG_1G, resourceName: 'nvidia.com/mig-1g.10gb' },
      wantChanges: ['MigStrategy mixed', 'MigLayout all-1g.10gb'],
      wantOffer: ['nvidia.com/mig-1g.10gb', 7],
    },
    {
      name: 'an H100 in time-slices',
      nodes:
        '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {timeSlicing: {replicas: 4, renameByDefault: true}}}}]',
      gpu: MIG_1G,
      wantChanges: ['DevicePluginConfig whole-gpus', 'MigLayout all-1g.10gb'],
      wantOffer: ['nvidia.com/mig-1g.10gb', 7],
    },
    {
      name: 'a whole A10, for time-slices',
      nodes: '[{name: a10, gpu: {product: NVIDIA-A10}}]',
      gpu: TIME_SLICED,
      wantChanges: ['DevicePluginConfig time-sliced-4-renamed'],
      wantOffer: ['nvidia.com/gpu.shared', 4],
    },
    {
      name: 'a whole A10, for time-slices that are not renamed',
      nodes: '[{name: a10, gpu: {product: NVIDIA-A10, count: 2}}]',
      gpu: { ...TIME_SLICED, resourceName: 'nvidia.com/gpu' },
      wantChanges: ['DevicePluginConfig time-sliced-4'],
      wantOffer: ['nvidia.com/gpu', 8],
    },
    {
      name: 'MIG slices, for time-slices of the whole GPU',
      nodes:
        '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}}]',
      gpu: { ...TIME_SLICED, product: 'NVIDIA-H100-80GB-HBM3' },
      wantChanges: ['MigLayout all-disabled', 'DevicePluginConfig time-sliced-4-renamed'],
      wantOffer: ['nvidia.com/gpu.shared', 4],
    },
    {
      name: 'MIG slices, for a whole GPU',
      nodes:
        '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}}]',
      gpu: { product: 'NVIDIA-H100-80GB-HBM3' },
      wantChanges: ['MigLayout all-disabled'],
      wantOffer: ['nvidia.com/gpu', 1],
    },
    {
      name: 'slices that pass as GPUs, for whole GPUs',
      nodes:
        '[{name: a100, gpu: {product: NVIDIA-A100-SXM4-40GB, count: 8, sharing: {mig: {strategy: single, layout: {1g.5gb: 7}}}}}]',
      gpu: { product: 'NVIDIA-A100-SXM4-40GB' },
      wantChanges: ['MigLayout all-disabled'],
      wantOffer: ['nvidia.com/gpu', 8],
    },
    {
      name: 'slices of different sizes that cannot pass as GPUs',
      nodes:
        '[{name: a100, gpu: {product: NVIDIA-A100-SXM4-40GB, sharing: {mig: {strategy: single, layout: {1g.5gb: 2, 2g.10gb: 1}}}}}]',
      gpu: { sharing: 'MIG' as const, migProfile: '1g.5gb', product: 'NVIDIA-A100-SXM4-40GB' },
      wantChanges: ['MigLayout all-1g.5gb'],
      wantOffer: ['nvidia.com/gpu', 7],
    },
  ])('$name', ({ nodes, gpu, wantChanges, wantOffer }) => {
    const { choices } = prepare(classOn(gpu, 60), cluster(gpuNodes(nodes)));
    expect(choices.map(({ offer }) => offer.changes.map(inWords))).toEqual([wantChanges]);
    expect(choices.map(({ offer }) => [offer.resource, offer.slots])).toEqual([wantOffer]);
  });

  test.each([
    ['whole', '[{name: a, gpu: {product: NVIDIA-A10}}]', { product: 'NVIDIA-A10' }],
    [
      'in renamed time-slices',
      '[{name: a, gpu: {product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4, renameByDefault: true}}}}]',
      TIME_SLICED,
    ],
    [
      'in time-slices under the plain name',
      '[{name: a, gpu: {product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4}}}}]',
      TIME_SLICED,
    ],
    [
      'cut as wanted, a resource for each profile',
      '[{name: a, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}}]',
      MIG_1G,
    ],
    [
      'cut as wanted, slices passing as GPUs',
      '[{name: a, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: single, layout: {1g.10gb: 7}}}}}]',
      MIG_1G,
    ],
  ])('nothing, when its GPUs are %s', (_how, nodes, gpu) => {
    const { offered, choices } = prepare(classOn(gpu, 1), cluster(gpuNodes(nodes)));
    expect(choices).toEqual([]);
    expect(offered).toBeGreaterThanOrEqual(1);
  });
});

describe('what stands in the way of a node', () => {
  test.each([
    [
      'a GPU that MIG cannot cut',
      '[{name: n, gpu: {product: NVIDIA-A10}}]',
      { ...MIG_1G, product: 'NVIDIA-A10' },
      /^has NVIDIA-A10, which MIG cannot cut$/,
    ],
    [
      'a profile that the GPU does not have',
      '[{name: n, gpu: {product: NVIDIA-A100-SXM4-40GB}}]',
      { ...MIG_1G, migProfile: '1g.20gb', product: 'NVIDIA-A100-SXM4-40GB' },
      /^cannot be cut so: A100-40GB has no MIG profile 1g\.20gb; it has 1g\.5gb,/,
    ],
    [
      'a taint that the engines do not accept',
      '[{name: n, gpu: {product: NVIDIA-H100-80GB-HBM3}, taints: [{key: room, value: "12", effect: NoSchedule}]}]',
      MIG_1G,
      /^has the taint room=12:NoSchedule/,
    ],
  ])('%s', (_what, nodes, gpu, want) => {
    const { choices, assessments } = prepare(classOn(gpu, 1), cluster(gpuNodes(nodes)));
    expect(choices).toEqual([]);
    expect(assessments.map(({ obstacle }) => obstacle)).toEqual([expect.stringMatching(want)]);
  });

  test('slices that others use, which leave no room', () => {
    const nodes = gpuNodes(
      '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {7g.80gb: 1}}}}}]',
    );
    const pods = [foreignPod({ requests: { 'nvidia.com/mig-7g.80gb': 1 } })];
    const { assessments } = prepare(classOn(MIG_1G), cluster(nodes, pods));
    expect(assessments[0]?.obstacle).toBe('has no room for 1g.10gb beside what others use (1 × 7g.80gb)');
  });
});

test('slices that others use stay, in a layout of one’s own where NVIDIA has no name for it', () => {
  const nodes = gpuNodes(
    '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {3g.40gb: 2}}}}}]',
  );
  const pods = [foreignPod({ requests: { 'nvidia.com/mig-3g.40gb': 1 } })];
  const { choices } = prepare(classOn(MIG_1G, 4), cluster(nodes, pods));
  expect(choices.map(({ offer }) => [offer.slots, offer.changes])).toEqual([
    [
      4,
      [
        {
          kind: 'MigLayout',
          layout: {
            name: 'classroom-4x1g.10gb-1x3g.40gb',
            isBuiltIn: false,
            layout: { '3g.40gb': 1, '1g.10gb': 4 },
          },
        },
      ],
    ],
  ]);
});

describe('which nodes are chosen', () => {
  const three = '[{name: h100, count: 3, gpu: {product: NVIDIA-H100-80GB-HBM3}}]';

  test('no more than the engines need', () => {
    const known = cluster(gpuNodes(three));
    expect(chosen(prepare(classOn(MIG_1G, 7), known))).toEqual({ 'h100-1': ['MigLayout all-1g.10gb'] });
    expect(Object.keys(chosen(prepare(classOn(MIG_1G, 8), known)))).toEqual(['h100-1', 'h100-2']);
  });

  test('those that nobody works on first', () => {
    const pods = [foreignPod({ node: 'h100-1', requests: { 'nvidia.com/gpu': 1 } })];
    expect(Object.keys(chosen(prepare(classOn(MIG_1G, 7), cluster(gpuNodes(three), pods))))).toEqual([
      'h100-2',
    ]);
  });

  test.each([
    ['a node that somebody has cordoned', { spec: { unschedulable: true } }],
    [
      'a node without MIG manager',
      { metadata: { labels: { 'nvidia.com/gpu.deploy.mig-manager': 'false' } } },
    ],
    [
      'a node that is being cut already',
      { metadata: { labels: { 'nvidia.com/mig.config.state': 'pending' } } },
    ],
  ])('%s last', (_what, difference) => {
    const nodes = gpuNodes('[{name: a, gpu: {product: NVIDIA-H100-80GB-HBM3}}]', difference);
    const others = gpuNodes('[{name: b, gpu: {product: NVIDIA-H100-80GB-HBM3}}]');
    expect(Object.keys(chosen(prepare(classOn(MIG_1G, 7), cluster([...nodes, ...others]))))).toEqual(['b']);
    expect(Object.keys(chosen(prepare(classOn(MIG_1G, 8), cluster([...nodes, ...others]))))).toEqual([
      'b',
      'a',
    ]);
  });

  test('only those of the product and with the labels that the class names', () => {
    const nodes = gpuNodes(
      '[{name: a, gpu: {product: NVIDIA-H100-80GB-HBM3}}, {name: b, gpu: {product: NVIDIA-H100-80GB-HBM3}, labels: {room: "214"}}, {name: c, gpu: {product: NVIDIA-H200}, labels: {room: "214"}}]',
    );
    const inRoom = classOn({ ...MIG_1G, nodeSelector: { room: '214' } }, 20);
    expect(Object.keys(chosen(prepare(inRoom, cluster(nodes))))).toEqual(['b']);
  });

  test('none that another class counts on, whose engines may be stopped at the moment', () => {
    const known = cluster(gpuNodes(WHOLE_H100));
    const other = classOn({ product: 'NVIDIA-H100-80GB-HBM3' }, 1, { name: 'whole' });
    const { choices, taken } = prepare(classOn(MIG_1G, 7), known, [other]);
    expect(choices).toEqual([]);
    expect(taken).toEqual([{ node: 'h100', by: 'python-101/whole' }]);
  });

  test('also one that another class could use, when enough are left for it', () => {
    const known = cluster(gpuNodes(three));
    const other = classOn({ product: 'NVIDIA-H100-80GB-HBM3' }, 2, { name: 'whole' });
    expect(Object.keys(chosen(prepare(classOn(MIG_1G, 7), known, [other])))).toEqual(['h100-1']);
  });

  test('none to undo slices for, as long as there is any whole GPU', () => {
    const sliced = 'sharing: {timeSlicing: {replicas: 4, renameByDefault: true}}';
    const nodes = gpuNodes(
      `[{name: a, gpu: {product: NVIDIA-A10}}, {name: b, gpu: {product: NVIDIA-A10, ${sliced}}}]`,
    );
    expect(chosen(prepare(classOn({ product: 'NVIDIA-A10' }, 2), cluster(nodes)))).toEqual({});
    expect(chosen(prepare(classOn({ product: 'NVIDIA-A10' }, 2), cluster(nodes.slice(1))))).toEqual({
      b: ['DevicePluginConfig whole-gpus'],
    });
  });

  test('whole engines only, where an engine spans several GPUs', () => {
    const nodes = gpuNodes(
      '[{name: one, gpu: {product: NVIDIA-H100-80GB-HBM3}}, {name: three, gpu: {product: NVIDIA-H100-80GB-HBM3, count: 3}}]',
    );
    const { offered } = prepare(classOn({ gpusPerEngine: 2 }, 1), cluster(nodes));
    expect(offered).toBe(2);
  });
});
