import type { Slot } from '../hardware/slot.ts';
import type { ModelFacts } from '../model/model-facts.ts';
import { GIB } from './units.ts';
import type { ReleaseRules } from './vllm-release.ts';

/** What the size of working memory depends on beside the model. */
export interface BatchSettings {
  maxNumSeqs: number;
  maxNumBatchedTokens: number;
  enforceEager: boolean;
  compileCache: 'cold' | 'warm';
}

/** Logits in fp32 and what the sampler makes of them, as multiples of sequences × vocabulary × 4 bytes. */
const SAMPLER_COPIES = 3.59;
/** The same before vLLM 0.17: 5.64 GiB for 1,024 sequences of a vocabulary of 151,936. */
const LARGE_SAMPLER_COPIES = 9.47;
/** What the sampler of the second runner takes beside the budget: 3.2 GiB for 1,024 sequences on an H100. */
const WARM_UP_SAMPLER_COPIES = 5.5;
/** Small buffers of a step. */
const STEP_BUFFERS_BYTES = 0.15 * GIB;
/** Routing and the intermediate results of experts; the kernels for mxfp4 keep none (gpt-oss). */
const EXPERTS_BYTES = 0.45 * GIB;
const MXFP4_EXPERTS_BYTES = 0.05 * GIB;
/** The encoder's own profiling run. */
const ENCODER_BYTES = 0.2 * GIB;

/**
 * Bytes at the peak of vLLM's profiling run. To promise, the first start counts: then torch.compile's cache is cold
 * and one copy of the embedding is held (Qwen2.5-7B 1.04 GiB cold, 0.29 GiB warm).
 */
export function activationBytes(model: ModelFacts, batch: BatchSettings, rules: ReleaseRules): number {
  const more = expertsBytes(model) + (model.hasVisionTower ? ENCODER_BYTES : 0);
  switch (rules.activations) {
    case 'compileCopy': {
      const compiles = !batch.enforceEager && batch.compileCache === 'cold';
      const copy = compiles ? model.vocabularySize * model.hiddenSize * 2 + 0.03 * GIB : 0;
      return Math.max(warmStepBytes(model, batch), copy) + more;
    }
    case 'sampler':
      return (
        Math.max(samplerBytes(model, batch, SAMPLER_COPIES), oldStepBytes(model, batch)) +
        STEP_BUFFERS_BYTES +
        more
      );
    case 'largeSampler': {
      const sampler = samplerBytes(model, batch, LARGE_SAMPLER_COPIES);
      return Math.max(1.2 * GIB, sampler, oldStepBytes(model, batch)) + STEP_BUFFERS_BYTES + more;
    }
  }
}

function expertsBytes({ isMixtureOfExperts, quantization }: ModelFacts): number {
  if (!isMixtureOfExperts) return 0;
  return quantization?.method === 'mxfp4' ? MXFP4_EXPERTS_BYTES : EXPERTS_BYTES;
}

/** One step of prompt tokens through a layer, with a warm cache or none. Within 0.01 GiB of vLLM 0.26 on an H100. */
export function warmStepBytes({ intermediateSize, hiddenSize }: ModelFacts, batch: BatchSettings): number {
  return batch.maxNumBatchedTokens * (3 * intermediateSize + 3 * hiddenSize) * 2 + 0.04 * GIB;
}

function oldStepBytes({ intermediateSize, hiddenSize }: ModelFacts, batch: BatchSettings): number {
  return batch.maxNumBatchedTokens * (3 * intermediateSize + 2 * hiddenSize) * 2;
}

function samplerBytes({ vocabularySize }: ModelFacts, { maxNumSeqs }: BatchSettings, copies: number): number {
  return copies * maxNumSeqs * vocabularySize * 4;
}

/** What the warm-up of the sampler takes on top of the budget; older runners count it among the activations. */
export function samplerWarmUpBytes(model: ModelFacts, batch: BatchSettings, rules: ReleaseRules): number {
  return rules.activations === 'compileCopy' ? samplerBytes(model, batch, WARM_UP_SAMPLER_COPIES) : 0;
}

/** Largest batch that vLLM captures: twice the sequences, 512 at most. */
const LARGEST_CAPTURE = 512;

/**
 * Bytes of the CUDA graphs. Measured with the largest batch of 512: 0.9 GiB for 32 layers, 1.7 GiB for 80; with 64:
 * 0.15 GiB for 28 layers.
 */
export function graphBytes(model: ModelFacts, batch: BatchSettings): number {
  if (batch.enforceEager) return 0;
  const experts = model.isMixtureOfExperts ? 0.2 : 0;
  return (0.1 + experts + 0.85 * (capture(batch) / LARGEST_CAPTURE) * (model.layers / 32) ** 0.7) * GIB;
}

/** What vLLM 0.21 to 0.25 estimate for them and charge: for few sequences more than they take. */
export function chargedGraphBytes(model: ModelFacts, batch: BatchSettings, rules: ReleaseRules): number {
  if (batch.enforceEager || !rules.chargesGraphs) return 0;
  const estimate = (0.3 + (0.0006 * model.layers * capture(batch)) / 24) * GIB;
  return Math.max(estimate, graphBytes(model, batch));
}

function capture({ maxNumSeqs, maxNumBatchedTokens }: BatchSettings): number {
  return Math.min(LARGEST_CAPTURE, 2 * maxNumSeqs, maxNumBatchedTokens);
}

/** Communication buffers of NCCL with NVLink; without NVLink they are smaller (few measurements). */
const NVLINK_BUFFERS_BYTES = 2.1 * GIB;
const PCIE_BUFFERS_BYTES = 0.3 * GIB;

/** What vLLM calls non-torch memory: libraries, and buffers to reach the other GPUs. */
export function overheadBytes({ link }: Slot, tensorParallel: number, rules: ReleaseRules): number {
  const alone = (rules.activations === 'compileCopy' ? 0.22 : 0.25) * GIB;
  if (tensorParallel === 1) return alone;
  return link === 'pcie' ? Math.max(alone, PCIE_BUFFERS_BYTES) : NVLINK_BUFFERS_BYTES;
}

/**
 * Bytes of LoRA slots: two low-rank matrices beside every matrix of a layer (0.07 GiB for two adapters of rank 16 on
 * Qwen2.5-1.5B).
 */
export function loraBytes(
  model: ModelFacts,
  lora: { maxLoras: number; maxLoraRank: number } | undefined,
  tensorParallel: number,
): number {
  if (lora === undefined) return 0;
  const { hiddenSize, intermediateSize, layers, attentionHeads, attention } = model;
  const isHeads = attention.kind === 'heads';
  const query = attentionHeads * (isHeads ? attention.headDimension : 128);
  const keyValue = isHeads ? attention.keyValueHeads * attention.headDimension : attention.latentDimension;
  const widths = 2 * (hiddenSize + query) + 2 * (hiddenSize + keyValue) + 3 * (hiddenSize + intermediateSize);
  return (layers * widths * lora.maxLoraRank * lora.maxLoras * 2) / tensorParallel;
}
