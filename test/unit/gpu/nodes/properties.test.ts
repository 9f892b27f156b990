import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gpuSchema } from '../../../../src/api/gpu.ts';
import { gpuAvailability } from '../../../../src/gpu/nodes/availability-verdict.ts';
import { readGpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import { gpuPlacement } from '../../../../src/gpu/nodes/placement.ts';
import type { Node } from '../../../../src/kube/resources.ts';
import { gpuPod, knownGpus } from '../../../support/gpu-nodes.ts';

/** Labels are written by programs of many versions, and by people. */
const labels = fc.dictionary(
  fc
    .constantFrom(
      ...['gpu.product', 'gpu.count', 'gpu.replicas', 'gpu.memory', 'gpu.sharing-strategy', 'gpu.slices.gi'],
      ...['mig.strategy', 'mig.capable', 'mig.config.state', 'mig-1g.10gb.memory', 'mig-1g.10gb.replicas'],
      ...['mig-1g.10gb.count', 'mig-1g.10gb.product', 'mig-1g.10gb.sharing-strategy'],
    )
    .map((label) => `nvidia.com/${label}`),
  fc.oneof(
    fc.constantFrom(
      '0',
      '1',
      '2',
      '7',
      '8',
      '-1',
      '',
      'true',
      'none',
      'mps',
      'time-slicing',
      'single',
      'mixed',
    ),
    fc.constantFrom(
      'NVIDIA-A10',
      'NVIDIA-A10-SHARED',
      'X-MIG-INVALID',
      'X-MIG-1g.10gb-SHARED',
      '-MIG-',
      '81559',
    ),
    fc.string({ maxLength: 63 }),
  ),
);
const capacity = fc.dictionary(
  fc.constantFrom(
    'nvidia.com/gpu',
    'nvidia.com/gpu.shared',
    'nvidia.com/mig-1g.10gb',
    'nvidia.com/mig-',
    'cpu',
  ),
  fc.oneof(fc.nat({ max: 64 }).map(String), fc.constantFrom('1k', '0.5', 'many', '')),
);
const nodes = fc.record({ labels, capacity, allocatable: capacity, cordoned: fc.boolean() }).map(
  ({ labels: given, capacity: there, allocatable, cordoned }): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', labels: given },
    spec: { unschedulable: cordoned },
    status: { capacity: there, allocatable, conditions: [{ type: 'Ready', status: 'True' }] },
  }),
);
const classes = fc.constantFrom(
  ...[
    {},
    { gpusPerEngine: 2 },
    { product: 'NVIDIA-A10' },
    { resourceName: 'nvidia.com/gpu', memoryMiB: 8192 },
  ],
  ...[
    { sharing: 'TimeSliced', slicesPerGPU: 4 },
    { sharing: 'MIG', migProfile: '1g.10gb' },
  ],
);

/** Few of the random nodes have slots whose memory is known, and fewer of the classes room on one. */
const RUNS = 1000;

describe('whatever a node says', () => {
  test('a slot has no more memory than the device it is on', () => {
    fc.assert(
      fc.property(nodes, (node) => {
        for (const slots of readGpuNode(node)?.slots ?? []) {
          expect(slots.slotMemoryMiB ?? 0).toBeLessThanOrEqual(slots.deviceMemoryMiB ?? 0);
          expect(slots.sharedBy ?? 1).toBeGreaterThanOrEqual(1);
          expect(slots.capacity).toBeGreaterThan(0);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test('no more engines find room than there are slots that nobody holds, and the class is told so', () => {
    fc.assert(
      fc.property(nodes, classes, fc.nat({ max: 5 }), fc.nat({ max: 5 }), (node, gpu, held, wanted) => {
        const read = readGpuNode(node);
        const spec = gpuSchema.parse(gpu);
        const known = knownGpus(read === undefined ? [] : [read]);
        const { resourceName } = gpuPlacement(spec, known);
        const pods = held === 0 ? [] : [gpuPod({ node: 'n', resource: resourceName, units: held })];
        const placement = gpuPlacement(spec, { ...known, pods });
        const toPlace = { namespace: 'school', classroom: 'python-101', engines: [], wanted };
        const { status, message } = gpuAvailability(placement, toPlace);
        const slots = read?.slots.find((each) => each.resourceName === resourceName);
        const free = (slots?.allocatable ?? 0) - held;
        if (status === 'True') expect(free).toBeGreaterThanOrEqual(Math.max(1, wanted) * spec.gpusPerEngine);
        expect(message).toMatch(/\.$/);
        expect(message).not.toMatch(/undefined|NaN/);
      }),
      { numRuns: RUNS },
    );
  });
});
