import { closest } from '../../command-line/closest.ts';
import type { Texts } from '../../command-line/parse.ts';
import { findGpu, GPUS } from '../../gpu/hardware/gpu-table.ts';
import { resolveSlot } from '../../gpu/hardware/slot.ts';
import type { ClassFile } from './class-file.ts';

/** What is wrong with the flags that say where the engine runs, without the values that their schema refuses. */
export function slotFaults(given: Texts, classFile: ClassFile | 'none' | 'unreadable'): string[] {
  const { gpu, memoryMib, migProfile, slicesPerGpu } = given;
  const ofClass = typeof classFile === 'string' ? undefined : classFile.classroom.spec.gpu;
  const isSaid = (gpu ?? memoryMib ?? ofClass?.product ?? ofClass?.memoryMiB) !== undefined;
  return [
    ...(isSaid || classFile === 'unreadable'
      ? []
      : ['--gpu or --memory-mib must say where the engine runs, such as --gpu A10']),
    ...(gpu === undefined || memoryMib !== undefined ? [] : gpuFaults(gpu)),
    ...(migProfile === undefined ? [] : migFaults(gpu ?? ofClass?.product, migProfile)),
    ...(migProfile === undefined || slicesPerGpu === undefined || slicesPerGpu === '1'
      ? []
      : ['--mig-profile and --slices-per-gpu must not be used together: a GPU is shared in one way']),
  ];
}

function gpuFaults(name: string): string[] {
  const slot = resolveSlot({ gpu: name });
  if (!('code' in slot)) return [];
  const meant = closest(name, GPUS.map((gpu) => gpu.name));
  return [`--gpu ${meant === undefined ? '' : `(did you mean ${meant}?) `}cannot be used: ${slot.reason}`];
}

/** Only a GPU of the table says which profiles it has. */
function migFaults(gpu: string | undefined, migProfile: string): string[] {
  if (gpu === undefined || findGpu(gpu) === undefined) return [];
  const slot = resolveSlot({ gpu, migProfile });
  return 'code' in slot ? [`--mig-profile cannot be used: ${slot.reason}`] : [];
}
