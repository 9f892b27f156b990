import { findGpu } from '../../gpu/hardware/gpu-table.ts';
import type { EnginePlan, SuggestedChange } from '../../gpu/plan-types.ts';

/**
 * The flags of `plan` that state a suggested change. Nothing for what only a Classroom can say, such as bounds of
 * replicas, and for flags to leave out.
 *
 * @param current the GPU that was planned: it is not named again
 */
export function flagsOf(change: SuggestedChange, current: EnginePlan['gpu']): string[] {
  const { slot, model } = change;
  return [
    flag('--model', model?.id),
    flag('--gpu', slot?.gpu === undefined || isGpu(current, slot.gpu) ? undefined : slot.gpu),
    flag('--memory-mib', slot?.memoryMiB),
    flag('--mig-profile', slot?.migProfile),
    flag(
      '--slices-per-gpu',
      slot?.slicesPerGPU ?? (slot && isTimeSliced(current) && !slot.migProfile ? 1 : undefined),
    ),
    flag('--tensor-parallel', change.tensorParallel),
    flag('--quantization', change.quantization),
    flag('--kv-cache-dtype', change.kvCacheDtype),
    flag('--max-model-len', change.maxModelLen),
    flag('--max-num-seqs', change.maxNumSeqs),
    flag('--max-num-batched-tokens', change.maxNumBatchedTokens),
    flag('--gpu-memory-utilization', change.gpuMemoryUtilization),
    change.enforceEager ? ['--enforce-eager'] : [],
  ].flat();
}

function flag(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)];
}

function isTimeSliced({ name }: EnginePlan['gpu']): boolean {
  return name.endsWith('time-slices)');
}

/** A plan names the slot too: `A10 (1 of 4 time-slices)`. */
function isGpu(planned: EnginePlan['gpu'], name: string): boolean {
  return findGpu(planned.name.replace(/ \(.*$/, ''))?.name === findGpu(name)?.name;
}
