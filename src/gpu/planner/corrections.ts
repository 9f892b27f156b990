import { resolveSlot, type Slot } from '../hardware/slot.ts';
import { MIB } from '../memory/units.ts';
import { resolveModel } from '../model/resolve.ts';
import type { MisfitCode, PlanInput, SuggestedChange } from '../plan-types.ts';
import type { Evaluation } from './evaluate.ts';
import { graphStepBelow } from './graph-steps.ts';
import { isFp8 } from './hard-checks.ts';
import { largestBudgetBytes, plannedUtilization } from './utilization.ts';

/** A change that may make a plan fit. */
export interface Candidate {
  message: string;
  change: SuggestedChange;
}

/**
 * What of a request must change whatever else does, because vLLM refuses it or because it asks for less than there is.
 * As close to what was asked as is allowed. Undefined where nothing is wrong by itself.
 */
export function correctionOf(input: PlanInput, { code }: Evaluation): Candidate | undefined {
  if (code === undefined) return undefined;
  switch (code) {
    case 'UnknownGpu':
    case 'UnknownModel':
    case 'UnknownMigProfile':
    case 'InvalidModelFacts':
      return undefined;
    case 'TensorParallelUnsuited':
      return fewerGpus(input);
    case 'TensorParallelOnSlice':
      return ONE_SLICE;
    case 'ContextTooLong':
      return withinContext(input);
    case 'InvalidArguments':
      return withinStep(input) ?? asInCheckpoint(input);
    case 'UnsupportedOnGpu':
      return isFp8(input.kvCacheDtype ?? 'auto')
        ? { message: 'Keep the KV cache in 16 bits.', change: { kvCacheDtype: 'auto' } }
        : asInCheckpoint(input);
    case 'UtilizationTooHigh':
    case 'WeightsTooLarge':
    case 'NoMemoryForCache':
    case 'CacheSmallerThanOneRequest':
    case 'EngineExceedsGpu':
      return otherShare(input, code);
  }
}

/** Perhaps still not as many as its heads allow: then it is corrected again. */
function fewerGpus({ tensorParallel = 1 }: PlanInput): Candidate | undefined {
  const gpus = [8, 4, 2, 1].find((fewer) => fewer < tensorParallel);
  return gpus === undefined ? undefined : spanning(gpus);
}

/** So many whole GPUs for each engine. */
export function spanning(gpus: number): Candidate {
  const message = gpus === 1 ? 'Let each engine have one GPU.' : `Let each engine span ${gpus} GPUs.`;
  return { message, change: { tensorParallel: gpus } };
}

/** One slice for each engine. */
export const ONE_SLICE: Candidate = {
  message: 'Let each engine have one slice.',
  change: { tensorParallel: 1 },
};

function withinContext({ model }: PlanInput): Candidate | undefined {
  const facts = resolveModel(model);
  if ('code' in facts || facts.maxContext === undefined) return undefined;
  return contextOf(facts.maxContext);
}

function withinStep({ maxNumSeqs = 0, maxNumBatchedTokens = maxNumSeqs }: PlanInput): Candidate | undefined {
  return maxNumSeqs > maxNumBatchedTokens ? atOnce(graphStepBelow(maxNumBatchedTokens)) : undefined;
}

/** A context of so many tokens. */
export function contextOf(maxModelLen: number): Candidate {
  return { message: `Lower the context length to ${maxModelLen} tokens.`, change: { maxModelLen } };
}

/** So many sequences. */
export function atOnce(maxNumSeqs: number): Candidate {
  return { message: `Compute at most ${maxNumSeqs} requests together.`, change: { maxNumSeqs } };
}

function asInCheckpoint({ quantization = 'None' }: PlanInput): Candidate | undefined {
  if (quantization === 'None') return undefined;
  return { message: 'Leave the weights as the checkpoint has them.', change: { quantization: 'None' } };
}

/** Down to what the GPU has free, or up to what is planned where nobody states a share. */
function otherShare({ slot, gpuMemoryUtilization }: PlanInput, code: MisfitCode): Candidate | undefined {
  const resolved = resolveSlot(slot);
  if (gpuMemoryUtilization === undefined || 'code' in resolved) return undefined;
  const share =
    code === 'UtilizationTooHigh' ? largestShare(resolved) : percent(plannedUtilization(resolved));
  const isOther = code === 'UtilizationTooHigh' || share > gpuMemoryUtilization;
  return isOther && share > 0 ? shareOf(share) : undefined;
}

function largestShare(slot: Slot): number {
  return percent(largestBudgetBytes(slot) / (slot.totalMiB * MIB));
}

/** Whole percents, as a Classroom states them, never more. */
function percent(share: number): number {
  return Math.floor(share * 100 + 1e-6) / 100;
}

/** Such a share of the GPU. */
export function shareOf(gpuMemoryUtilization: number): Candidate {
  return {
    message: `Let the engine budget ${gpuMemoryUtilization} of the GPU.`,
    change: { gpuMemoryUtilization },
  };
}
