import { expect, test } from '@jest/globals';
import { readDraDevices } from '../../../../src/gpu/nodes/dra.ts';

const slice = (spec: object) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  metadata: { name: 'node-1-gpu.nvidia.com-abcde' },
  spec: {
    driver: 'gpu.nvidia.com',
    nodeName: 'node-1',
    devices: [{ name: 'gpu-0' }, { name: 'gpu-1' }],
    ...spec,
  },
});

test('GPUs of a node are counted', () => {
  expect(readDraDevices(slice({}))).toEqual({ node: 'node-1', devices: 2 });
});

test.each([
  ['of another driver', { driver: 'compute-domain.nvidia.com' }],
  ['of no single node', { nodeName: undefined }],
  ['of none', { devices: [] }],
])('devices %s are not', (_, spec) => {
  expect(readDraDevices(slice(spec))).toBeUndefined();
});
