import { describe, expect, test } from '@jest/globals';
import { checkGpus } from '../../../../src/cli/doctor/gpus.ts';
import { readGpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import type { GpuObservation } from '../../../../src/gpu/nodes/observation.ts';
import type { Node } from '../../../../src/kube/resources.ts';
import { classroom } from '../../../support/builders.ts';

const LABELS = {
  'nvidia.com/gpu.product': 'NVIDIA-A10',
  'nvidia.com/gpu.count': '1',
  'nvidia.com/gpu.memory': '23028',
  'nvidia.com/gpu.replicas': '1',
};

interface Difference {
  labels?: Record<string, string>;
  capacity?: Record<string, string>;
  allocatable?: Record<string, string>;
  ready?: boolean;
  cordoned?: boolean;
}

const node = (name: string, difference: Difference = {}): Node => {
  const {
    labels = LABELS,
    capacity = { 'nvidia.com/gpu': '1' },
    ready = true,
    cordoned = false,
  } = difference;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: { unschedulable: cordoned },
    status: {
      capacity,
      allocatable: difference.allocatable ?? capacity,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
};

const known = (...nodes: readonly Node[]): GpuObservation => ({
  kind: 'Known',
  nodes: nodes.flatMap((one) => readGpuNode(one) ?? []),
  pods: [],
  dra: [],
  seesAllPods: true,
});

test('nodes that are alike are told of together', () => {
  const nodes = ['a10-1', 'a10-2', 'a10-3', 'a10-4', 'a10-5'].map((name) => node(name));
  expect(checkGpus(known(...nodes), undefined)).toEqual([
    {
      area: 'GPUs',
      mark: 'Good',
      what: 'a10-1, a10-2, a10-3, 2 more: 1 × nvidia.com/gpu of NVIDIA-A10: whole GPUs, 23028 MiB each.',
    },
  ]);
});

describe('what is wrong with a node is told, with what to do', () => {
  test.each<[string, Difference, RegExp]>([
    ['it is away', { ready: false }, /not ready/],
    ['no device plugin', { capacity: {} }, /has NVIDIA-A10, and no device plugin offers it/],
    ['no feature discovery', { labels: { 'nvidia.com/gpu.present': 'true' } }, /No label tells the memory/],
    [
      'a broken GPU',
      {
        capacity: { 'nvidia.com/gpu': '2' },
        allocatable: { 'nvidia.com/gpu': '1' },
        labels: { ...LABELS, 'nvidia.com/gpu.count': '2' },
      },
      /not healthy/,
    ],
    ['labels that contradict', { capacity: { 'nvidia.com/gpu': '4' } }, /labels contradict/],
  ])('%s', (_, difference, what) => {
    const [finding, ...more] = checkGpus(known(node('a10', difference)), undefined);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      mark: 'Bad',
      what: expect.stringMatching(what),
      next: expect.any(String),
    });
  });
});

test('a cordoned node is no fault', () => {
  expect(checkGpus(known(node('a10', { cordoned: true })), undefined)).toMatchObject([{ mark: 'Note' }]);
});

test('a cluster without GPUs', () => {
  expect(checkGpus(known(), undefined)).toMatchObject([
    { mark: 'Bad', next: expect.stringMatching(/GPU Operator/) },
  ]);
});

test('nodes that one may not read are not known, and nothing is wrong', () => {
  const findings = checkGpus({ kind: 'Unknown', why: 'NotAllowed' }, { classroom: classroom(), pods: [] });
  expect(findings).toMatchObject([{ mark: 'Unknown' }]);
});

test('whether the engines of a class find GPUs is told as the operator tells it', () => {
  const of = (product: string) =>
    checkGpus(known(node('a10')), { classroom: classroom({ spec: { gpu: { product } } }), pods: [] }).at(-1);
  expect(of('NVIDIA-A10')).toMatchObject({
    mark: 'Good',
    what: expect.stringMatching(/there is room for 1 more/),
  });
  expect(of('NVIDIA-L4')).toMatchObject({ mark: 'Bad', what: expect.stringMatching(/a whole NVIDIA-L4/) });
});
