import { describe, expect, test } from '@jest/globals';
import { capabilityNumber, findGpu, GPUS } from '../../../../src/gpu/hardware/gpu-table.ts';
import { findMigProfile, MIG_GPUS, migGpu, usableMiB } from '../../../../src/gpu/hardware/mig-profiles.ts';
import { resolveSlot } from '../../../../src/gpu/hardware/slot.ts';

describe('names of GPUs', () => {
  test.each([
    ['A10', 'A10'],
    ['a10', 'A10'],
    ['NVIDIA A10', 'A10'],
    ['NVIDIA-A10-SHARED', 'A10'],
    ['A10G', 'A10G'],
    ['NVIDIA-A10G', 'A10G'],
    ['A100', 'A100-40'],
    ['A100-80GB', 'A100-80'],
    ['a100 80gb', 'A100-80'],
    ['NVIDIA-A100-SXM4-40GB', 'A100-40'],
    ['NVIDIA-A100-PCIE-40GB', 'A100-40'],
    ['NVIDIA-A100-80GB-PCIe', 'A100-80'],
    ['A800', 'A800-40'],
    ['NVIDIA-A800-40GB-Active', 'A800-40'],
    ['NVIDIA-A800-SXM4-80GB', 'A800-80'],
    ['H100', 'H100-80'],
    ['H100-80GB', 'H100-80'],
    ['NVIDIA-H100-80GB-HBM3', 'H100-80'],
    ['NVIDIA-H100-80GB-HBM3-MIG-1g.10gb', 'H100-80'],
    ['NVIDIA H100 PCIe', 'H100-PCIe'],
    ['NVIDIA-H100-NVL', 'H100-NVL'],
    ['H200', 'H200'],
    ['NVIDIA-H200', 'H200'],
    ['Tesla-T4', 'T4'],
    ['T4', 'T4'],
    ['Tesla-V100-SXM2-16GB', 'V100-16'],
    ['V100', 'V100-16'],
    ['L40S', 'L40S'],
    ['NVIDIA-L40', 'L40'],
    ['L4', 'L4'],
    ['NVIDIA GeForce RTX 4090', 'RTX-4090'],
    ['RTX 4090', 'RTX-4090'],
    ['NVIDIA-RTX-A6000', 'RTX-A6000'],
    ['NVIDIA-RTX-6000-Ada-Generation', 'RTX-6000-Ada'],
    ['NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition', 'RTX-PRO-6000'],
    ['GH200', 'GH200-96'],
    ['NVIDIA-GH200-144G-HBM3e', 'GH200-144'],
    ['B200', 'B200'],
    ['NVIDIA-GB200', 'GB200'],
  ])('%s is %s', (name, expected) => {
    expect(findGpu(name)?.name).toBe(expected);
  });

  test.each(['', 'A11', 'H300', 'MI300X', 'GTX-1080'])('%j is none', (name) => {
    expect(findGpu(name)).toBeUndefined();
  });

  test('each is found by its own name and product', () => {
    for (const gpu of GPUS) {
      expect(findGpu(gpu.name)).toBe(gpu);
      expect(findGpu(gpu.product)).toBe(gpu);
    }
  });
});

describe('what CUDA sees', () => {
  test('is at least 0.2 and at most 5 % or 2.2 GiB less than the label says', () => {
    for (const { name, labelMemoryMiB, memoryMiB } of GPUS) {
      const reserve = labelMemoryMiB - memoryMiB;
      expect({ name, isPlausible: reserve >= 80 && reserve <= Math.max(0.06 * labelMemoryMiB, 700) }).toEqual(
        {
          name,
          isPlausible: true,
        },
      );
    }
  });

  test('is not more than was measured on an H100', () => {
    expect(findGpu('H100')?.memoryMiB).toBeLessThanOrEqual(81_079);
  });
});

describe('compute capabilities', () => {
  test('compare as numbers', () => {
    expect(['7.5', '8.0', '8.9', '9.0', '10.0', '12.0'].map(capabilityNumber)).toEqual([
      75, 80, 89, 90, 100, 120,
    ]);
  });
});

describe('MIG profiles', () => {
  test('of each GPU that can be cut are found by its product', () => {
    for (const gpu of GPUS.filter(({ isMigCapable }) => isMigCapable)) {
      expect({ name: gpu.name, profiles: migGpu(gpu.product)?.profiles.length ?? 0 }).toEqual({
        name: gpu.name,
        profiles: expect.any(Number),
      });
      expect(migGpu(gpu.product)).toBeDefined();
    }
  });

  test.each([
    ['NVIDIA-H200', 'H200-141GB'],
    ['NVIDIA-A800-SXM4-80GB', 'A100-80GB'],
    ['NVIDIA-A800-SXM4-40GB', 'A100-40GB'],
    ['NVIDIA-H800', 'H100-80GB'],
    ['NVIDIA-H20', 'H100-96GB / GH200-96GB / H20-96GB'],
    ['NVIDIA-GH200-144G-HBM3e', 'GH200-144GB'],
  ])('%s is cut as %s', (product, gpu) => {
    expect(migGpu(product)?.gpu).toBe(gpu);
  });

  test('a slice holds less than its name says', () => {
    for (const { profiles } of MIG_GPUS) {
      for (const profile of profiles) {
        const named = Number(/\.(\d+)gb/.exec(profile.profile)?.[1]) * 1024;
        expect(usableMiB(profile)).toBeLessThanOrEqual(named);
        expect(usableMiB(profile)).toBeGreaterThan(0.8 * named);
      }
    }
  });

  test('are found as resources write them', () => {
    expect(findMigProfile('NVIDIA-H100-80GB-HBM3', '1g.10gb.me')?.profile).toBe('1g.10gb+me');
  });
});

describe('slots', () => {
  test.each([
    ['whole', { gpu: 'A10' }, 22_528],
    ['from the label of a node', { gpu: 'NVIDIA-A10', labelMemoryMiB: 23_028 }, 22_528],
    ['from the label of a node nobody knows', { gpu: 'X1', labelMemoryMiB: 20_000 }, 19_386],
    ['from the label of a slice', { gpu: 'H100', migProfile: '1g.10gb', labelMemoryMiB: 9_984 }, 9_984],
    ['as stated', { memoryMiB: 10_000 }, 10_000],
    ['stated comes first', { gpu: 'A10', memoryMiB: 10_000, labelMemoryMiB: 5 }, 10_000],
    ['a MIG slice of an A800', { gpu: 'A800-80', migProfile: '1g.10gb' }, 9_728],
    ['a MIG slice of an H800', { gpu: 'H800', migProfile: '1g.10gb' }, 9_728],
    ['a MIG slice', { gpu: 'H100', migProfile: '1g.10gb' }, 9_728],
    ['a MIG slice without a known size', { gpu: 'H200', migProfile: '3g.71gb' }, 63_979],
    ['a time-slice: the whole GPU', { gpu: 'A10', slicesPerGPU: 4 }, 22_528],
  ])('%s', (_, request, totalMiB) => {
    expect(resolveSlot(request)).toMatchObject({ totalMiB });
  });

  test.each([
    ['an unknown GPU', { gpu: 'X1' }, 'UnknownGpu'],
    ['nothing', {}, 'UnknownGpu'],
    ['a GPU that cannot be cut', { gpu: 'A10', migProfile: '1g.6gb' }, 'UnknownMigProfile'],
    ['a profile of another GPU', { gpu: 'H100', migProfile: '1g.18gb' }, 'UnknownMigProfile'],
    ['two ways of sharing', { gpu: 'H100', migProfile: '1g.10gb', slicesPerGPU: 2 }, 'InvalidArguments'],
  ])('%s is refused', (_, request, code) => {
    expect(resolveSlot(request)).toMatchObject({ code });
  });
});
