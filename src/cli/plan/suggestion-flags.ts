import type { SuggestedChange } from '../../gpu/plan-types.ts';

/** The flags of `plan` that make a suggested change; empty for what only a Classroom can say, such as bounds of replicas. */
export function flagsOf(change: SuggestedChange): string[] {
  const { slot, model } = change;
  return [
    flag('--model', model?.id),
    flag('--gpu', slot?.gpu),
    flag('--memory-mib', slot?.memoryMiB),
    flag('--mig-profile', slot?.migProfile),
    // Without a number of slices the suggestion is the whole GPU or a MIG slice, and the latter says so itself.
    slot === undefined || slot.migProfile !== undefined ? [] : flag('--slices-per-gpu', slot.slicesPerGPU ?? 1),
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
