import { hasCapability } from '../hardware/slot.ts';
import { GIB, MIB } from '../memory/units.ts';
import type { CheckpointQuantization } from '../model/checkpoint-quantization.ts';
import type { KvCacheDtype, Quantization } from '../plan-types.ts';
import type { Misfit, Situation } from './situation.ts';
import { largestBudgetBytes } from './utilization.ts';

/** Families for which vLLM refuses fp16, because it overflows. */
const NO_HALF = /^(gemma2|gemma3|gemma3_text|plamo2|glm4)$/;
const VOCABULARY_MULTIPLE = 64;

/** What vLLM refuses or what cannot work, whatever memory there is; undefined where nothing is wrong. */
export function findMisfit(situation: Situation): Misfit | undefined {
  return (
    checkTensorParallel(situation) ??
    checkContext(situation) ??
    checkBatch(situation) ??
    checkGpuSupport(situation) ??
    checkQuantization(situation) ??
    checkUtilization(situation)
  );
}

function checkTensorParallel(situation: Situation): Misfit | undefined {
  const { request, slot, model } = situation;
  const gpus = request.tensorParallel;
  if (gpus === 1) return undefined;
  if (slot.sharing.kind !== 'whole') {
    return misfit(
      'TensorParallelOnSlice',
      `${gpus} slices cannot work together: engines span whole GPUs only. Use one slice, or \`sharing: None\`.`,
    );
  }
  const heads = model.attentionHeads;
  if (heads % gpus !== 0) {
    return misfit(
      'TensorParallelUnsuited',
      `${model.name} has ${heads} attention heads, which ${gpus} GPUs cannot share evenly. Use ${divisors(heads)}.`,
    );
  }
  const keyValueHeads = model.attention.kind === 'heads' ? model.attention.keyValueHeads : 1;
  if (Math.max(keyValueHeads, gpus) % Math.min(keyValueHeads, gpus) !== 0) {
    return misfit(
      'TensorParallelUnsuited',
      `${model.name} has ${keyValueHeads} key-value heads, which ${gpus} GPUs cannot share evenly. Use ${divisors(keyValueHeads)}.`,
    );
  }
  const vocabulary = Math.ceil(model.vocabularySize / VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE;
  if (vocabulary % gpus === 0) return checkGroups(situation);
  return misfit(
    'TensorParallelUnsuited',
    `${gpus} GPUs cannot share a vocabulary of ${vocabulary} evenly. Use 2, 4 or 8.`,
  );
}

/** Weights that share a scale must stay on one GPU. Asked only where config.json says the width for certain. */
function checkGroups({ request, model, quantization }: Situation): Misfit | undefined {
  const { tensorParallel } = request;
  const groupSize = quantization?.groupSize;
  if (model.source !== 'config' || groupSize === undefined || groupSize <= 0) return undefined;
  const width = model.intermediateSize / tensorParallel;
  if (width % groupSize === 0) return undefined;
  return misfit(
    'TensorParallelUnsuited',
    `${tensorParallel} GPUs would each have ${width} of ${model.intermediateSize} columns, which is no multiple of the ${groupSize} that share a scale in ${quantization?.method}: vLLM refuses to start. Use fewer GPUs.`,
  );
}

function divisors(heads: number): string {
  const fitting = [1, 2, 4, 8].filter((gpus) => heads % gpus === 0);
  return fitting.length === 1 ? '1 GPU' : `${fitting.slice(0, -1).join(', ')} or ${fitting.at(-1)}`;
}

function checkContext({ request, model }: Situation): Misfit | undefined {
  const { maxContext } = model;
  if (maxContext === undefined || request.maxModelLen <= maxContext) return undefined;
  return misfit(
    'ContextTooLong',
    `${model.name} takes ${maxContext} tokens, not ${request.maxModelLen}: vLLM refuses to start. Lower the context length.`,
  );
}

function checkBatch({ batch }: Situation): Misfit | undefined {
  if (batch.maxNumBatchedTokens >= batch.maxNumSeqs) return undefined;
  return misfit(
    'InvalidArguments',
    `vLLM refuses ${batch.maxNumBatchedTokens} tokens a step for ${batch.maxNumSeqs} sequences: there must be at least one for each.`,
  );
}

/** @see https://docs.vllm.ai/en/latest/features/quantization/#supported-hardware */
function checkGpuSupport({ slot, model, quantization, request }: Situation): Misfit | undefined {
  const refuse = (what: string, next: string) =>
    misfit(
      'UnsupportedOnGpu',
      `${slot.name} (compute capability ${slot.computeCapability}) ${what}. ${next}`,
    );
  if (!hasCapability(slot, '7.0')) return refuse('is too old for vLLM', 'Use a GPU of 7.5 or later.');
  if (!hasCapability(slot, '8.0') && NO_HALF.test(model.family ?? '')) {
    return refuse(
      `cannot compute in bfloat16, and ${model.name} overflows in float16`,
      'Use an Ampere GPU or later.',
    );
  }
  const method = quantization?.method ?? '';
  if (!hasCapability(slot, '7.5') && method.includes('awq')) {
    return refuse('cannot run AWQ', 'Use GPTQ, or a GPU of 7.5 or later.');
  }
  const needsAmpere = /fp8|mxfp4|fp4|modelopt/.test(method) || isFp8(request.kvCacheDtype);
  if (!hasCapability(slot, '8.0') && needsAmpere) {
    return refuse('has no kernels for 8-bit or 4-bit floats', 'Use AWQ or GPTQ, or an Ampere GPU or later.');
  }
  return undefined;
}

/** True for the kinds that store the KV cache in one byte a value. */
export function isFp8(dtype: KvCacheDtype): boolean {
  return dtype.startsWith('fp8');
}

/** vLLM refuses another quantisation than that of the checkpoint. Only config.json says for certain which it is. */
function checkQuantization({ request, model }: Situation): Misfit | undefined {
  const ofCheckpoint = model.quantization;
  const wanted = request.quantization;
  if (request.model.config === undefined || ofCheckpoint === undefined || wanted === 'None') return undefined;
  if (isPackedAs(ofCheckpoint, wanted)) return undefined;
  return misfit(
    'InvalidArguments',
    `The checkpoint is packed as ${ofCheckpoint.method}, so vLLM refuses ${wanted}. Leave the quantisation out: the checkpoint says it.`,
  );
}

/** True where a checkpoint is packed in the way that is asked for. */
export function isPackedAs({ method }: CheckpointQuantization, wanted: Quantization): boolean {
  return method.replaceAll('_', '').includes(wanted.toLowerCase());
}

function checkUtilization({ slot, utilization }: Situation): Misfit | undefined {
  const budget = slot.totalMiB * MIB * utilization;
  const largest = largestBudgetBytes(slot);
  if (utilization > 0 && Math.floor(budget / MIB) <= Math.floor(largest / MIB)) return undefined;
  const share = Math.max(0, Math.floor((largest / (slot.totalMiB * MIB)) * 100) / 100);
  if (utilization <= 0 || share <= 0) {
    return misfit(
      'NoMemoryForCache',
      `${slot.name} has no memory left once every engine has its CUDA context.`,
    );
  }
  return misfit(
    'UtilizationTooHigh',
    `vLLM wants ${(budget / GIB).toFixed(2)} GiB free at its start, and ${slot.name} has ${(largest / GIB).toFixed(2)} GiB beside the CUDA contexts${slot.sharing.kind === 'timeSliced' ? ' and the neighbours' : ''}. Use a share of ${share} at most.`,
  );
}

function misfit(code: Misfit['code'], reason: string): Misfit {
  return { code, reason };
}
