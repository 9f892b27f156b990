import { describe, expect, test } from '@jest/globals';
import { gpuSchema } from '../../../src/api/gpu.ts';
import {
  classGpus,
  gpuAvailableCondition,
  withUnschedulableCause,
} from '../../../src/classroom/gpu-condition.ts';
import { gpuPlacement } from '../../../src/gpu/nodes/placement.ts';
import type { Pod } from '../../../src/kube/resources.ts';
import { classroom } from '../../support/builders.ts';
import { gpuNodeLike, gpuPod, knownGpus, podOnGpus } from '../../support/gpu-nodes.ts';

const node = gpuNodeLike('h100-whole', {
  status: { capacity: { 'nvidia.com/gpu': '1' }, allocatable: { 'nvidia.com/gpu': '1' } },
});
const engine = podOnGpus({
  name: 'python-101-engine-a',
  namespace: 'python-101',
  node: 'h100-whole',
  classroom: 'python-101',
});

/** What python-101 is told when these pods are its engines and these hold GPUs of the one node. */
function gpusOf(pods: readonly Pod[], holding: readonly Pod[], wanted = 1) {
  const observed = knownGpus([node], {
    pods: holding.map((pod) =>
      gpuPod(
        { node: 'h100-whole', name: pod.metadata.name, namespace: pod.metadata.namespace ?? '' },
        { metadata: { labels: pod.metadata.labels ?? {} } },
      ),
    ),
  });
  return classGpus({ classroom: classroom(), pods }, gpuPlacement(gpuSchema.parse({}), observed), wanted);
}

describe('the condition', () => {
  test('counts the own engines once, though they are seen twice', () => {
    expect(gpuAvailableCondition(gpusOf([engine], [engine]))).toMatchObject({
      type: 'GPUAvailable',
      status: 'True',
      reason: 'EnginesPlaced',
    });
  });

  test('does not count an engine that is gone for one, though its node is not told yet', () => {
    expect(gpusOf([], [engine])).toMatchObject({ status: 'True', reason: 'GPUsFree' });
  });

  test('takes the engine of another namespace of the same name for another', () => {
    const other = podOnGpus({ namespace: 'school', node: 'h100-whole', classroom: 'python-101' });
    expect(gpusOf([], [other])).toMatchObject({ status: 'False', reason: 'GPUsTaken' });
  });
});

describe('an engine without a node', () => {
  const waiting = { name: 'a', state: 'Scheduling', message: '0/3 nodes are available' } as const;
  const loading = { name: 'b', state: 'Loading', message: 'started' } as const;

  test('is told what the nodes lack', () => {
    const gpus = gpusOf([], [podOnGpus({ node: 'h100-whole' })]);
    expect(withUnschedulableCause([waiting, loading], gpus)).toEqual([
      { ...waiting, message: gpus.message },
      loading,
    ]);
    expect(gpus.message).toContain('pods of the namespace research (1) hold 1 of the 1 nvidia.com/gpu');
  });

  test('is told what the scheduler says where GPUs are not what is missing', () => {
    expect(withUnschedulableCause([waiting], gpusOf([], []))).toEqual([waiting]);
    expect(withUnschedulableCause([waiting], undefined)).toEqual([waiting]);
  });
});
