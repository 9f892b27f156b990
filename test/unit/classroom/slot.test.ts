import { describe, expect, test } from '@jest/globals';
import { rememberedSlot, type SlotKnowledge, slotKnowledge } from '../../../src/classroom/slot.ts';
import type { SlotFacts } from '../../../src/gpu/nodes/placement.ts';
import { type ClassroomDifference, classroom } from '../../support/builders.ts';

type GpuDifference = NonNullable<ClassroomDifference['spec']>['gpu'];

const gpuOf = (gpu: GpuDifference = {}) => classroom({ spec: { gpu } }).spec.gpu;
const A10: SlotFacts = {
  kind: 'WholeGPU',
  product: 'NVIDIA-A10',
  deviceMemoryMiB: 23_028,
  slotMemoryMiB: 23_028,
  sharedBy: 1,
  migProfile: undefined,
  computeCapability: '8.6',
  driverVersion: undefined,
  products: ['NVIDIA-A10'],
};
const SEEN = { kind: 'Known' as const, nodes: [], pods: [], dra: [], seesAllPods: true };

function known(
  gpu: GpuDifference,
  slot: SlotFacts | undefined,
  remembered?: ReturnType<typeof rememberedSlot>,
): SlotKnowledge {
  return slotKnowledge(gpuOf(gpu), { slot, observed: SEEN }, remembered);
}

describe('the memory of one engine', () => {
  test('is what the labels of the nodes say', () => {
    expect(known({ memoryMiB: 1024 }, A10)).toEqual({
      kind: 'known',
      request: { gpu: 'NVIDIA-A10', labelMemoryMiB: 23_028, computeCapability: '8.6' },
    });
  });

  test('is that of the spec where nodes carry no labels', () => {
    const unlabelled = {
      ...A10,
      product: undefined,
      deviceMemoryMiB: undefined,
      computeCapability: undefined,
    };
    expect(known({ memoryMiB: 24_000 }, unlabelled)).toEqual({ kind: 'known', request: {} });
    expect(known({}, unlabelled)).toEqual({ kind: 'unknown', why: 'no label of the nodes tells it' });
  });

  test('is that of the GPU that the spec names, where no node is there', () => {
    expect(known({ product: 'NVIDIA-A10' }, undefined)).toEqual({ kind: 'known', request: {} });
    expect(known({}, undefined)).toEqual({ kind: 'unknown', why: 'no node suits the class' });
  });

  test('is not known to an operator that cannot see nodes, where the spec says nothing', () => {
    const observed = { kind: 'Unknown' as const, why: 'NotAllowed' as const };
    expect(slotKnowledge(gpuOf(), { slot: undefined, observed }, undefined)).toEqual({
      kind: 'unknown',
      why: 'the operator cannot see the nodes',
    });
  });

  describe('while the nodes of a pool are away', () => {
    const remembered = rememberedSlot(gpuOf(), A10);

    test('is what they said when the engines were started: nothing else would restart them', () => {
      expect(known({}, undefined, remembered)).toEqual({
        kind: 'known',
        request: { gpu: 'NVIDIA-A10', labelMemoryMiB: 23_028, computeCapability: '8.6' },
      });
    });

    test('or have lost their labels for a while', () => {
      const unlabelled = {
        ...A10,
        kind: 'Unlabelled',
        product: undefined,
        deviceMemoryMiB: undefined,
      } as const;
      expect(known({}, unlabelled, remembered)).toEqual(known({}, undefined, remembered));
    });

    test('is what the spec states, once it does', () => {
      expect(known({ memoryMiB: 16_000 }, undefined, remembered)).toEqual({ kind: 'known', request: {} });
    });

    test('is not what was said of other slots', () => {
      const timeSliced = { sharing: 'TimeSliced', slicesPerGPU: 4 } as const;
      expect(known(timeSliced, undefined, remembered)).toEqual({
        kind: 'unknown',
        why: 'no node suits the class',
      });
    });
  });
});

test('nothing is kept where nodes said nothing', () => {
  expect(rememberedSlot(gpuOf(), undefined)).toBeUndefined();
});
