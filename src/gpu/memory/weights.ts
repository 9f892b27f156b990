import type { CheckpointQuantization } from '../model/checkpoint-quantization.ts';
import type { ModelFacts } from '../model/model-facts.ts';
import { GIB } from './units.ts';
import type { ReleaseRules } from './vllm-release.ts';

/** bf16 and fp16. */
const FULL_BYTES = 2;
/** vLLM splits the vocabulary in multiples of 64 for each GPU. */
const VOCABULARY_MULTIPLE = 64;
/** mxfp4 kernels pad the width of an expert and the hidden state to these multiples. */
const MXFP4_WIDTH_MULTIPLE = 128;
const MXFP4_HIDDEN_MULTIPLE = 256;

/**
 * Bytes of the weights on each GPU, as vLLM's line "Model loading took X GiB" says them.
 *
 * Embeddings, output head, norms and routers stay in the model's dtype whatever the quantisation. Key and value
 * projections are repeated where there are more GPUs than key-value heads.
 */
export function weightBytes(
  model: ModelFacts,
  quantization: CheckpointQuantization | undefined,
  tensorParallel: number,
  rules: ReleaseRules,
): number {
  const { parameters } = model;
  const headBytes = quantization?.packsOutputHead ? quantization.bytesPerWeight : FULL_BYTES;
  const vocabulary = parameters.embedding * FULL_BYTES + parameters.outputHead * headBytes;
  const split =
    vocabulary * paddedVocabulary(model, tensorParallel) +
    linearBytes(model, quantization) +
    (parameters.unpacked + parameters.copies) * FULL_BYTES;
  const replicated = replicatedBytes(model, quantization, tensorParallel);
  return withAllocator(split / tensorParallel + replicated, model, rules);
}

/** Bytes while a release loads at full precision before it packs. */
export function unpackedWeightBytes(model: ModelFacts, tensorParallel: number, rules: ReleaseRules): number {
  return weightBytes(model, undefined, tensorParallel, rules);
}

function paddedVocabulary({ vocabularySize }: ModelFacts, tensorParallel: number): number {
  const multiple = VOCABULARY_MULTIPLE * tensorParallel;
  return (Math.ceil(vocabularySize / multiple) * multiple) / vocabularySize;
}

function linearBytes(model: ModelFacts, quantization: CheckpointQuantization | undefined): number {
  const { linear, experts } = model.parameters;
  if (quantization === undefined) return linear * unpackedBytes(model);
  if (quantization.packs === 'all') return linear * quantization.bytesPerWeight;
  return experts * quantization.bytesPerWeight * expertPadding(model) + (linear - experts) * FULL_BYTES;
}

/** A checkpoint of one byte a parameter holds its matrices in fp8; one of four bytes is loaded in 16 bits. */
function unpackedBytes({ bytesPerParameter }: ModelFacts): number {
  return Math.min(FULL_BYTES, bytesPerParameter);
}

function expertPadding({ intermediateSize, hiddenSize }: ModelFacts): number {
  const width = Math.ceil(intermediateSize / MXFP4_WIDTH_MULTIPLE) * MXFP4_WIDTH_MULTIPLE;
  const hidden = Math.ceil(hiddenSize / MXFP4_HIDDEN_MULTIPLE) * MXFP4_HIDDEN_MULTIPLE;
  return (width / intermediateSize) * (hidden / hiddenSize);
}

/** What a GPU holds beyond its share. */
function replicatedBytes(
  model: ModelFacts,
  quantization: CheckpointQuantization | undefined,
  tensorParallel: number,
): number {
  const perWeight = quantization?.packs === 'all' ? quantization.bytesPerWeight : FULL_BYTES;
  const beyondShare = 1 - 1 / tensorParallel;
  return (
    model.parameters.replicated * FULL_BYTES * beyondShare + repeatedHeads(model, tensorParallel) * perWeight
  );
}

function repeatedHeads({ attention, layers, hiddenSize }: ModelFacts, tensorParallel: number): number {
  if (attention.kind !== 'heads' || attention.keyValueHeads >= tensorParallel) return 0;
  const perHead = 2 * attention.headDimension * hiddenSize * layers;
  return perHead * (1 - attention.keyValueHeads / tensorParallel);
}

/**
 * What loading takes beyond the weights: the table of rotary positions, and what the allocator rounds up. Measured on
 * H100s: with vLLM 0.17 to 0.19 at most 0.3 %, with 0.26 0.01 GiB, and 0.10 GiB for Qwen2.5 (biases on queries, keys
 * and values).
 */
function withAllocator(bytes: number, model: ModelFacts, rules: ReleaseRules): number {
  const { rotaryBytes, hasAttentionBias } = model;
  if (rules.activations !== 'compileCopy') return Math.max(bytes * 1.003, bytes + rotaryBytes);
  return bytes + rotaryBytes + (hasAttentionBias ? 0.1 : 0.01) * GIB;
}
