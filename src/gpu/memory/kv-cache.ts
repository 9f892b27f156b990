import type { ModelFacts } from '../model/model-facts.ts';
import type { KvCacheDtype } from '../plan-types.ts';

/** Tokens of a block. Back ends may take larger ones, which changes the count by less than one block a request. */
const BLOCK_TOKENS = 16;

/** How a GPU's KV cache is laid out. */
export interface CacheLayout {
  /** Bytes of one block: of all layers that share a block table. */
  blockBytes: number;
  /** Blocks that one request of a length takes from the pool. */
  blocksForRequest: (tokens: number) => number;
  /** What a token of a long request adds; with sliding windows only the layers that keep everything. */
  bytesPerToken: number;
}

/**
 * Lays out the cache as vLLM does. Layers of one kind share a block table. With sliding windows the layers are put in
 * groups of equal size, each with a block table of its own, out of one pool; a windowed group never needs more than
 * the window and one step.
 *
 * Tensor parallelism splits the key-value heads, and repeats them where there are more GPUs than heads; the vector of
 * latent attention is on every GPU whole.
 *
 * @see https://github.com/vllm-project/vllm/blob/main/vllm/v1/core/kv_cache_utils.py
 */
export function cacheLayout(
  model: ModelFacts,
  dtype: KvCacheDtype,
  tensorParallel: number,
  maxNumBatchedTokens: number,
): CacheLayout {
  const { full, sliding, slidingWindow } = model.cachedLayers;
  const pageBytes = layerTokenBytes(model, dtype, tensorParallel) * BLOCK_TOKENS;
  const groupSize = layersPerGroup(full, sliding);
  const fullGroups = Math.ceil(full / groupSize);
  const slidingGroups = Math.ceil(sliding / groupSize);
  const blocksForRequest = (tokens: number): number => {
    const windowed = Math.min(tokens, slidingWindow - 1 + maxNumBatchedTokens);
    const slidingBlocks = sliding === 0 ? 0 : Math.ceil(windowed / BLOCK_TOKENS) + 1;
    return fullGroups * Math.ceil(tokens / BLOCK_TOKENS) + slidingGroups * slidingBlocks;
  };
  return {
    blockBytes: pageBytes * groupSize,
    blocksForRequest,
    bytesPerToken: (pageBytes / BLOCK_TOKENS) * groupSize * Math.max(1, fullGroups),
  };
}

/** Tokens that the pool holds in requests of full length, and how many of those: the two figures vLLM prints. */
export function cacheCapacity(
  layout: CacheLayout,
  cacheBytes: number,
  maxModelLen: number,
): { tokens: number; fullLengthSequences: number } {
  const blocks = Math.max(0, Math.floor(cacheBytes / layout.blockBytes));
  const fullLengthSequences = blocks / layout.blocksForRequest(maxModelLen);
  return { tokens: Math.floor(fullLengthSequences * maxModelLen), fullLengthSequences };
}

/** Bytes that one request of full length needs. */
export function requestBytes(layout: CacheLayout, maxModelLen: number): number {
  return layout.blocksForRequest(maxModelLen) * layout.blockBytes;
}

/** The fewest layers of a kind; where both are about as many, the most, and the rest is padding. */
function layersPerGroup(full: number, sliding: number): number {
  if (full === 0 || sliding === 0) return full + sliding;
  const [few, many] = [Math.min(full, sliding), Math.max(full, sliding)];
  return many < few * 1.5 ? many : few;
}

/** Bytes that one token takes in one layer of one GPU. */
function layerTokenBytes(model: ModelFacts, dtype: KvCacheDtype, tensorParallel: number): number {
  const bytes = cacheBytesPerValue(dtype);
  const { attention } = model;
  switch (attention.kind) {
    case 'heads':
      return (
        2 * Math.max(1, Math.ceil(attention.keyValueHeads / tensorParallel)) * attention.headDimension * bytes
      );
    case 'latent':
      return attention.latentDimension * bytes + attention.indexBytes;
  }
}

function cacheBytesPerValue(dtype: KvCacheDtype): number {
  switch (dtype) {
    case 'auto':
    case 'bfloat16':
    case 'float16':
      return 2;
    case 'fp8':
    case 'fp8_e4m3':
    case 'fp8_e5m2':
      return 1;
  }
}
