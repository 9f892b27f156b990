import { expect, test } from '@jest/globals';
import { type GpuSpec, gpuSchema } from '../../../src/api/gpu.ts';
import { gpuShareOf } from '../../../src/gpu/gpu-share.ts';

const shares: [string, Partial<GpuSpec>, number][] = [
  ['whole GPUs', {}, 1],
  ['whole GPUs, of which an engine has several', { gpusPerEngine: 4 }, 1],
  ['time-slices', { sharing: 'TimeSliced', slicesPerGPU: 4 }, 1 / 4],
  [
    'MIG slices of a known GPU',
    { sharing: 'MIG', migProfile: '1g.20gb', product: 'NVIDIA-H100-80GB-HBM3' },
    1 / 4,
  ],
  ['MIG slices of a GPU that is not named', { sharing: 'MIG', migProfile: '2g.20gb' }, 2 / 7],
];

test.each(shares)('%s', (_, gpu, share) => {
  expect(gpuShareOf(gpuSchema.parse(gpu))).toBeCloseTo(share, 10);
});
