import { describe, expect, test } from '@jest/globals';
import { readGpuPod } from '../../../../src/gpu/nodes/gpu-pod.ts';
import { podOnGpus } from '../../../support/gpu-nodes.ts';

const GPU = 'nvidia.com/gpu';
const asking = (units: number, more: object = {}) => ({
  name: `asks-${units}`,
  resources: { requests: { [GPU]: String(units) } },
  ...more,
});
const sidecar = (units: number) => asking(units, { restartPolicy: 'Always' });

describe('what a pod holds', () => {
  test('of GPUs, as long as it has a node and has not ended', () => {
    expect(readGpuPod(podOnGpus({ node: 'a10-1', units: 2, classroom: 'python-101' }))).toEqual({
      namespace: 'research',
      name: 'train-0',
      node: 'a10-1',
      classroom: 'python-101',
      terminating: false,
      requests: { [GPU]: 2 },
    });
  });

  test.each([
    ['one that waits for a node', podOnGpus({})],
    ['one that has succeeded', podOnGpus({ node: 'a10-1' }, { status: { phase: 'Succeeded' } })],
    ['one that has failed', podOnGpus({ node: 'a10-1' }, { status: { phase: 'Failed' } })],
    ['one that asks for none', podOnGpus({ node: 'a10-1', units: 0 })],
    ['one that asks for other things', podOnGpus({ node: 'a10-1', resource: 'cpu' })],
  ])('nothing: %s', (_, pod) => {
    expect(readGpuPod(pod)).toBeUndefined();
  });

  test('until it is gone, while it is being deleted', () => {
    const pod = podOnGpus({ node: 'a10-1' }, { metadata: { deletionTimestamp: '2026-09-01T09:00:00Z' } });
    expect(readGpuPod(pod)).toMatchObject({ terminating: true, requests: { [GPU]: 1 } });
  });

  test('where only limits are written', () => {
    const containers = [{ name: 'main', resources: { limits: { 'nvidia.com/mig-1g.10gb': '1' } } }];
    const pod = podOnGpus({ node: 'a10-1' }, { spec: { containers } });
    expect(readGpuPod(pod)?.requests).toEqual({ 'nvidia.com/mig-1g.10gb': 1 });
  });
});

/** https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers */
describe('containers together hold', () => {
  test.each([
    ['the sum of those that run', [asking(1), asking(2)], [], 3],
    ['what the neediest init container needs, where that is more', [asking(1)], [asking(3), asking(2)], 3],
    ['what those that run need, where an init container needs less', [asking(3)], [asking(2)], 3],
    ['what sidecars need as well', [asking(1)], [sidecar(1)], 2],
    ['a sidecar beside the init container after it', [asking(1)], [sidecar(2), asking(2)], 4],
    ['no sidecar beside the init container before it', [asking(1)], [asking(2), sidecar(1)], 2],
  ])('%s', (_, containers, initContainers, units) => {
    const pod = podOnGpus({ node: 'a10-1' }, { spec: { containers, initContainers } });
    expect(readGpuPod(pod)?.requests).toEqual({ [GPU]: units });
  });
});
