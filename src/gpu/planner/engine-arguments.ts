import { hasCapability } from '../hardware/slot.ts';
import { MIB } from '../memory/units.ts';
import type { PlannedSettings, Quantization } from '../plan-types.ts';
import type { Capacity } from './capacity.ts';
import type { MemoryPlan } from './memory-sum.ts';
import type { Situation } from './situation.ts';

/** vLLM's names of the quantisations; None leaves it to the checkpoint. */
const QUANTIZATION_FLAGS = {
  None: undefined,
  AWQ: 'awq',
  GPTQ: 'gptq',
  FP8: 'fp8',
  BitsAndBytes: 'bitsandbytes',
} as const satisfies Record<Quantization, string | undefined>;

/** The figures an engine is started with. */
export function settingsOf(
  { request, batch, utilization, slot }: Situation,
  { memory }: MemoryPlan,
  { maxNumSeqs }: Capacity,
): PlannedSettings {
  return {
    maxModelLen: request.maxModelLen,
    maxNumSeqs,
    maxNumBatchedTokens: batch.maxNumBatchedTokens,
    gpuMemoryUtilization: utilization,
    kvCacheMemoryBytes: Math.max(0, memory.kvCacheMiB) * MIB,
    tensorParallel: request.tensorParallel,
    enforceEager: request.enforceEager,
    kvCacheDtype: request.kvCacheDtype,
    // Turing and Volta have no bfloat16, in which most checkpoints are.
    ...(hasCapability(slot, '8.0') ? {} : { dtype: 'half' }),
  };
}

/**
 * The flags of `vllm serve` that decide about memory. Every one is stated: vLLM's own defaults follow the memory of the
 * whole device and not that of a slice. The cache is pinned, so that every start has the same, also beside a neighbour
 * that starts; the share of the GPU is stated too, for vLLM checks it against free memory at the start.
 *
 * @see https://docs.vllm.ai/en/latest/cli/serve.html
 */
export function memoryArguments({ request, rules }: Situation, settings: PlannedSettings): string[] {
  const quantization = QUANTIZATION_FLAGS[request.quantization];
  const { tensorParallel, kvCacheDtype, dtype } = settings;
  return [
    ...['--max-model-len', String(settings.maxModelLen)],
    ...['--max-num-seqs', String(settings.maxNumSeqs)],
    ...['--max-num-batched-tokens', String(settings.maxNumBatchedTokens)],
    ...['--gpu-memory-utilization', String(settings.gpuMemoryUtilization)],
    ...(rules.pinsCache ? ['--kv-cache-memory-bytes', String(settings.kvCacheMemoryBytes)] : []),
    ...(tensorParallel === 1 ? [] : ['--tensor-parallel-size', String(tensorParallel)]),
    ...(quantization === undefined ? [] : ['--quantization', quantization]),
    ...(kvCacheDtype === 'auto' ? [] : ['--kv-cache-dtype', kvCacheDtype]),
    ...(dtype === undefined ? [] : ['--dtype', dtype]),
    ...(settings.enforceEager ? ['--enforce-eager'] : []),
  ];
}
