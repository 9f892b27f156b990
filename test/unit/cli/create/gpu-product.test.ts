import { describe, expect, test } from '@jest/globals';
import { gpuProduct } from '../../../../src/cli/create/gpu-product.ts';
import { readGpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import type { GpuObservation } from '../../../../src/gpu/nodes/observation.ts';

/** A cluster with a node for each value of the product label. */
function nodesWith(...products: string[]): GpuObservation {
  const nodes = products.flatMap((product, place) => {
    const node = readGpuNode({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `gpu-${place}`, labels: { 'nvidia.com/gpu.product': product } },
      status: { capacity: { 'nvidia.com/gpu': '1' }, allocatable: { 'nvidia.com/gpu': '1' } },
    });
    return node === undefined ? [] : [node];
  });
  return { kind: 'Known', nodes, pods: [], dra: [], seesAllPods: true };
}
const HIDDEN: GpuObservation = { kind: 'Unknown', why: 'NotAllowed' };

test.each([
  ['as people say it, from the table', 'A10', HIDDEN, 'NVIDIA-A10'],
  ['in other letters', 'h100 80gb', HIDDEN, 'NVIDIA-H100-80GB-HBM3'],
  [
    'as nodes have it, whatever the table says',
    'A100-40',
    nodesWith('NVIDIA-A100-PCIE-40GB'),
    'NVIDIA-A100-PCIE-40GB',
  ],
  ['where the nodes say how it is shared', 'A10', nodesWith('NVIDIA-A10-SHARED'), 'NVIDIA-A10'],
  [
    'by the whole label, also with how it is shared',
    'NVIDIA-A10-SHARED',
    nodesWith('NVIDIA-A10-SHARED'),
    'NVIDIA-A10',
  ],
  [
    'a label of a GPU that the table does not have',
    'NVIDIA-New-GPU',
    nodesWith('NVIDIA-New-GPU'),
    'NVIDIA-New-GPU',
  ],
  ['one of the table that no node has yet', 'L4', nodesWith('NVIDIA-A10'), 'NVIDIA-L4'],
] as const)('a GPU is found: %s', (_, meant, observed, wantProduct) => {
  expect(gpuProduct(meant, observed)).toBe(wantProduct);
});

describe('a GPU is not guessed', () => {
  test('when the nodes have several of it', () => {
    const observed = nodesWith('NVIDIA-A100-SXM4-40GB', 'NVIDIA-A100-PCIE-40GB');
    expect(() => gpuProduct('A100-40', observed)).toThrow('Which GPU is meant by "A100-40"?');
    expect(gpuProduct('NVIDIA-A100-PCIE-40GB', observed)).toBe('NVIDIA-A100-PCIE-40GB');
  });

  test.each([
    ['and the nodes are told', nodesWith('NVIDIA-A10'), 'The nodes have NVIDIA-A10.'],
    ['where no node can be seen', HIDDEN, 'No node tells its GPUs, and the table does not have it.'],
  ])('when nobody knows it: %s', (_, observed, why) => {
    expect(() => gpuProduct('A11', observed)).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ why }) }),
    );
  });
});
