import { describe, expect, test } from '@jest/globals';
import {
  driverVersion,
  hasGpuHardware,
  parseProduct,
  wholeNumber,
} from '../../../../src/gpu/nodes/gpu-labels.ts';

describe('a product label is taken apart', () => {
  test.each([
    ['NVIDIA-L4', 'NVIDIA-L4', undefined, ''],
    ['Tesla-T4-SHARED', 'Tesla-T4', undefined, 'shared'],
    ['NVIDIA-H100-80GB-HBM3-MIG-1g.10gb', 'NVIDIA-H100-80GB-HBM3', '1g.10gb', ''],
    ['NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED', 'NVIDIA-H100-80GB-HBM3', '1g.10gb', 'shared'],
    ['NVIDIA-A100-SXM4-80GB-MIG-1g.10gb.me', 'NVIDIA-A100-SXM4-80GB', '1g.10gb.me', ''],
    ['NVIDIA-A100-SXM4-80GB-MIG-1g.10gb+me', 'NVIDIA-A100-SXM4-80GB', '1g.10gb.me', ''],
    ['NVIDIA-A100-SXM4-80GB-MIG-INVALID', 'NVIDIA-A100-SXM4-80GB', undefined, 'invalid'],
  ])('%s', (value, gpu, migProfile, marks) => {
    const expected = { gpu, migProfile, shared: marks === 'shared', migInvalid: marks === 'invalid' };
    expect(parseProduct(value)).toEqual(expected);
  });
});

test.each([
  ['8', 8],
  ['0', 0],
  ['-1', undefined],
  ['8Gi', undefined],
  ['', undefined],
])('the number in %j is %j', (text, number) => {
  expect(wholeNumber({ a: text }, 'a')).toBe(number);
});

test('the driver is read from old labels where there are no new ones', () => {
  const old = { 'nvidia.com/cuda.driver.major': '515', 'nvidia.com/cuda.driver.minor': '105' };
  expect(driverVersion(old)).toBe('515.105');
  expect(driverVersion({ ...old, 'nvidia.com/cuda.driver-version.full': '580.95.05' })).toBe('580.95.05');
  expect(driverVersion({})).toBeUndefined();
});

test.each([
  [{ 'nvidia.com/gpu.present': 'true' }, true],
  [{ 'nvidia.com/gpu.present': 'false' }, false],
  [{ 'nvidia.com/gpu.product': 'NVIDIA-L4' }, true],
  [{ 'feature.node.kubernetes.io/pci-0302_10de.present': 'true' }, true],
  [{ 'feature.node.kubernetes.io/pci-8086.present': 'true' }, false],
])('%j means a GPU: %s', (labels: Record<string, string>, has) => {
  expect(hasGpuHardware(labels)).toBe(has);
});
