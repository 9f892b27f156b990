import type { Capacity } from './capacity.ts';
import { gib, type MemoryPlan } from './memory-sum.ts';
import type { Situation } from './situation.ts';

/** The sum in words, one term a line. */
export function sumLines(situation: Situation, plan: MemoryPlan, capacity: Capacity): string[] {
  const { slot, utilization, request, model, batch, quantization, rules } = situation;
  const { memory, physical } = plan;
  const packed = quantization === undefined ? '16 bits a weight' : `packed as ${quantization.method}`;
  const gpus = request.tensorParallel === 1 ? '' : `, divided among ${request.tensorParallel} GPUs`;
  const billions = (model.parameters.total / 1e9).toFixed(2);
  const line = (mib: number, text: string) => `${gib(mib).padStart(11)}  ${text}`;
  return [
    line(memory.totalMiB, `memory that CUDA sees: ${slot.name}`),
    line(memory.budgetMiB, `budget of the engine: ${utilization} of it`),
    line(-memory.weightsMiB, `weights: ${billions} billion parameters, ${packed}${gpus}`),
    line(-memory.activationsMiB, `activations: ${activationsInWords(situation)}`),
    ...(memory.graphsMiB === 0
      ? []
      : [line(-memory.graphsMiB, `CUDA graphs, which vLLM ${rules.release} charges to the budget`)]),
    line(
      memory.heldBackMiB - memory.overheadMiB,
      `overhead: libraries${request.lora === undefined ? '' : ', adapters'}${gpus === '' ? '' : ', buffers between GPUs'}`,
    ),
    ...(memory.heldBackMiB === 0 ? [] : [line(-memory.heldBackMiB, 'held back')]),
    line(
      memory.kvCacheMiB,
      `KV cache: ${capacity.kvCacheTokens} tokens, ${capacity.fullLengthSequences.toFixed(1)} requests of ${request.maxModelLen}`,
    ),
    line(
      physical.underLoadMiB,
      `taken under load, of ${gib(physical.availableMiB)}: with what comes on top of the budget, for ${batch.maxNumSeqs} sequences`,
    ),
  ];
}

function activationsInWords({ rules, batch, request }: Situation): string {
  const step = `a step of ${batch.maxNumBatchedTokens} tokens`;
  if (rules.activations !== 'compileCopy') return `${step}, or the logits of ${batch.maxNumSeqs} sequences`;
  return request.enforceEager
    ? step
    : `${step}, or the copy of the embedding that the first start compiles with`;
}
