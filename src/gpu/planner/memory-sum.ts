import { type CacheLayout, cacheLayout, requestBytes } from '../memory/kv-cache.ts';
import { GIB, MIB } from '../memory/units.ts';
import { unpackedWeightBytes, weightBytes } from '../memory/weights.ts';
import {
  activationBytes,
  chargedGraphBytes,
  graphBytes,
  loraBytes,
  overheadBytes,
  samplerWarmUpBytes,
  warmStepBytes,
} from '../memory/working-memory.ts';
import type { Confidence, MemorySum, PhysicalMemory } from '../plan-types.ts';
import { confidenceOf } from './confidence.ts';
import type { Misfit, Situation } from './situation.ts';
import { availableBytes } from './utilization.ts';

/** The sum of one GPU, and what follows from it. */
export interface MemoryPlan {
  memory: MemorySum;
  physical: PhysicalMemory;
  layout: CacheLayout;
  /** What one request of full length needs. */
  requestMiB: number;
  /** Kept beside that one request before the plan says yes. */
  marginMiB: number;
}

/** CUDA context and the allocator's own, beside what vLLM counts: 0.65 GiB measured with vLLM 0.26 on an H100. */
const UNCOUNTED_BYTES = 0.65 * GIB;
/** Growth under load of an engine with 2,048 tokens a step, measured at 10 to 64 students. */
const LOAD_BYTES = 0.33 * GIB;
/** Part of that growth that is one step of prompts. */
const MEASURED_STEP_BYTES = 0.3 * GIB;

/** Adds up what an engine takes of one GPU. All figures err to the side of less KV cache. */
export function memoryPlan(situation: Situation): MemoryPlan {
  const { request, model, slot, quantization, rules, batch, utilization } = situation;
  const { tensorParallel } = request;
  const weightsMiB = up(weightBytes(model, quantization, tensorParallel, rules));
  const activationsMiB = up(activationBytes(model, batch, rules));
  const graphsMiB = up(chargedGraphBytes(model, batch, rules));
  const lora = loraBytes(model, request.lora, tensorParallel);
  const chargedMiB = up(overheadBytes(slot, tensorParallel, rules) + lora);
  const budgetMiB = Math.floor(slot.totalMiB * utilization);
  const leftMiB = budgetMiB - weightsMiB - activationsMiB - graphsMiB - chargedMiB;
  const beside = besideCache(situation, { weightsMiB, activationsMiB, overheadMiB: chargedMiB });
  const availableMiB = Math.floor(availableBytes(slot) / MIB);
  const caution = cautionMiB(confidenceOf(situation).confidence, budgetMiB);
  const kvCacheMiB = Math.min(leftMiB - caution.heldBackMiB, availableMiB - beside.underLoadMiB);
  const layout = cacheLayout(model, request.kvCacheDtype, tensorParallel, batch.maxNumBatchedTokens);
  return {
    memory: {
      totalMiB: slot.totalMiB,
      budgetMiB,
      weightsMiB,
      activationsMiB,
      graphsMiB,
      overheadMiB: chargedMiB + leftMiB - kvCacheMiB,
      heldBackMiB: leftMiB - kvCacheMiB,
      kvCacheMiB,
    },
    physical: {
      afterStartMiB: beside.afterStartMiB + Math.max(0, kvCacheMiB),
      underLoadMiB: beside.underLoadMiB + Math.max(0, kvCacheMiB),
      availableMiB,
    },
    layout,
    requestMiB: up(requestBytes(layout, request.maxModelLen)),
    marginMiB: caution.marginMiB,
  };
}

interface Beside {
  afterStartMiB: number;
  underLoadMiB: number;
}

/**
 * What the engine really takes beside its KV cache. On vLLM 0.26 that is more than what it counts: graphs, the warm-up
 * of the sampler and the CUDA context come on top of the budget, while the peak of the profiling run is given back.
 */
function besideCache(
  { model, batch, rules }: Situation,
  {
    weightsMiB,
    activationsMiB,
    overheadMiB,
  }: Pick<MemorySum, 'weightsMiB' | 'activationsMiB' | 'overheadMiB'>,
): Beside {
  const held = weightsMiB + overheadMiB + up(UNCOUNTED_BYTES + graphBytes(model, batch));
  if (rules.activations !== 'compileCopy') {
    return { afterStartMiB: held + activationsMiB, underLoadMiB: held + activationsMiB + up(0.1 * GIB) };
  }
  const sampler = samplerWarmUpBytes(model, batch, rules);
  const longSteps = Math.max(0, warmStepBytes(model, batch) - MEASURED_STEP_BYTES - sampler);
  return { afterStartMiB: held + up(sampler), underLoadMiB: held + up(sampler + LOAD_BYTES + longSteps) };
}

/** How far off the model of memory may be, by what it rests on. */
function cautionMiB(confidence: Confidence, budgetMiB: number): { marginMiB: number; heldBackMiB: number } {
  const margin = (leastMiB: number, share: number) => Math.ceil(Math.max(leastMiB, share * budgetMiB));
  switch (confidence) {
    case 'high':
      return { marginMiB: margin(358, 0.015), heldBackMiB: 0 };
    case 'medium':
      return { marginMiB: margin(512, 0.02), heldBackMiB: 0 };
    case 'low':
      return { marginMiB: margin(512, 0.02), heldBackMiB: margin(512, 0.03) };
  }
}

/** Why the sum does not come out; undefined where it does. */
export function memoryMisfit(situation: Situation, plan: MemoryPlan): Misfit | undefined {
  const { model, slot, request, rules, quantization } = situation;
  const { memory, requestMiB, marginMiB } = plan;
  const { budgetMiB, weightsMiB, kvCacheMiB } = memory;
  const wholeMiB = up(unpackedWeightBytes(model, request.tensorParallel, rules));
  if (isPackedWhenLoaded(situation) && rules.packsAfterLoading && wholeMiB + 1024 > slot.totalMiB) {
    return {
      code: 'WeightsTooLarge',
      reason: `vLLM ${rules.release} loads ${model.name} whole (${gib(wholeMiB)}) before it packs it, and ${slot.name} has ${gib(slot.totalMiB)}. Use a checkpoint that is packed already.`,
    };
  }
  if (weightsMiB >= budgetMiB) {
    const packing = quantization === undefined ? '' : ` as ${quantization.method}`;
    return {
      code: 'WeightsTooLarge',
      reason: `The weights of ${model.name}${packing} take ${gib(weightsMiB)} of each GPU, more than the ${gib(budgetMiB)} that an engine may use of ${slot.name}.`,
    };
  }
  if (kvCacheMiB - marginMiB >= requestMiB) return undefined;
  return cacheMisfit(situation, plan);
}

function cacheMisfit({ slot, request, model }: Situation, plan: MemoryPlan): Misfit {
  const { memory, requestMiB, marginMiB, physical } = plan;
  const isFull = physical.underLoadMiB >= physical.availableMiB;
  const isCutShort = isFull && memory.kvCacheMiB + memory.heldBackMiB - marginMiB >= requestMiB;
  const one = `one request of ${request.maxModelLen} tokens needs ${gib(requestMiB)}, and ${gib(marginMiB)} stay free for what cannot be foreseen`;
  if (memory.kvCacheMiB <= 0 && !isCutShort) {
    return {
      code: 'NoMemoryForCache',
      reason: `${model.name} leaves nothing for the KV cache on ${slot.name}: ${sumInWords(memory)}; ${one}.`,
    };
  }
  if (isCutShort) {
    return {
      code: 'EngineExceedsGpu',
      reason: `Within its budget ${model.name} would fit, but the engine takes more than its budget: ${gib(physical.underLoadMiB)} of ${gib(physical.availableMiB)} with ${gib(Math.max(0, memory.kvCacheMiB))} of KV cache; ${one}.`,
    };
  }
  return {
    code: 'CacheSmallerThanOneRequest',
    reason: `The KV cache on ${slot.name} would be too small: ${sumInWords(memory)}; ${one}.`,
  };
}

function isPackedWhenLoaded({ quantization, model, request }: Situation): boolean {
  return quantization !== undefined && model.quantization === undefined && request.quantization === 'FP8';
}

function sumInWords(memory: MemorySum): string {
  const { budgetMiB, weightsMiB, activationsMiB, graphsMiB, overheadMiB, heldBackMiB, kvCacheMiB } = memory;
  const terms = [
    `${gib(weightsMiB)} weights`,
    `${gib(activationsMiB)} activations`,
    ...(graphsMiB === 0 ? [] : [`${gib(graphsMiB)} CUDA graphs`]),
    `${gib(overheadMiB - heldBackMiB)} overhead`,
    ...(heldBackMiB === 0 ? [] : [`${gib(heldBackMiB)} held back`]),
  ];
  return `${gib(budgetMiB)} budget − ${terms.join(' − ')} = ${gib(kvCacheMiB)}`;
}

/** `14.29 GiB`. */
export function gib(mib: number): string {
  return `${(mib / 1024).toFixed(2)} GiB`.replace('-', '−');
}

function up(bytes: number): number {
  return Math.ceil(bytes / MIB);
}
