import type { ParameterCount } from './model-facts.ts';

/** Shapes of a transformer; from them its parameters are counted. */
export interface Shapes {
  layers: number;
  hiddenSize: number;
  vocabularySize: number;
  tiedEmbeddings: boolean;
  attention: AttentionShapes;
  /** 3 for gated feed-forward layers (gate, up, down), 2 without gate. */
  matricesPerFeedForward: 2 | 3;
  /** Width of the feed-forward layers that have no experts. */
  intermediateSize: number;
  experts: ExpertShapes | undefined;
}

export type AttentionShapes =
  | {
      kind: 'heads';
      heads: number;
      keyValueHeads: number;
      headDimension: number;
      hasBias: boolean;
    }
  | {
      kind: 'latent';
      heads: number;
      /** Rank of the query projection; undefined: no compression. */
      queryRank: number | undefined;
      latentRank: number;
      ropeDimension: number;
      nopeDimension: number;
      valueDimension: number;
    };

export interface ExpertShapes {
  /** Layers that have experts; the others have a plain feed-forward layer. */
  layers: number;
  routed: number;
  intermediateSize: number;
  /** Width of the shared experts together; 0 without. */
  sharedIntermediateSize: number;
}

/**
 * Counts the parameters from the shapes: embeddings, attention, feed-forward layers or experts, norms.
 * Within 0.1 % of the published counts of Llama, Qwen, Mistral, Mixtral, DeepSeek and gpt-oss.
 *
 * @param extraUnpacked parameters beside the language model, such as a tower for pictures
 */
export function countParameters(shapes: Shapes, extraUnpacked = 0): ParameterCount {
  const { layers, hiddenSize, vocabularySize } = shapes;
  const embedding = vocabularySize * hiddenSize;
  const attention = countAttention(shapes.attention, hiddenSize);
  const moe = shapes.experts;
  const denseLayers = layers - (moe?.layers ?? 0);
  const feedForward = (width: number) => shapes.matricesPerFeedForward * hiddenSize * width;
  const experts = moe === undefined ? 0 : moe.layers * moe.routed * feedForward(moe.intermediateSize);
  const shared = moe === undefined ? 0 : moe.layers * feedForward(moe.sharedIntermediateSize);
  const routers = moe === undefined ? 0 : moe.layers * moe.routed * hiddenSize;
  const norms = (2 * layers + 1) * hiddenSize;
  const linear =
    layers * attention.matrices + denseLayers * feedForward(shapes.intermediateSize) + experts + shared;
  const unpacked = norms + routers + layers * attention.biases + extraUnpacked;
  const outputHead = shapes.tiedEmbeddings ? 0 : embedding;
  return {
    total: embedding + outputHead + linear + unpacked,
    embedding,
    outputHead,
    linear,
    experts,
    unpacked,
    replicated: norms + routers + layers * attention.replicated,
    copies: layers * attention.copies,
  };
}

/** Scales the matrices so that the count is a published one: shapes leave out what only some families have. */
export function withTotal(counted: ParameterCount, total: number): ParameterCount {
  const fixed = counted.embedding + counted.outputHead + counted.unpacked;
  const linear = Math.max(0, total - fixed);
  const experts = counted.linear === 0 ? 0 : (counted.experts / counted.linear) * linear;
  return { ...counted, total, linear, experts };
}

interface AttentionCount {
  matrices: number;
  biases: number;
  /** Of both, what tensor parallelism does not split. */
  replicated: number;
  copies: number;
}

function countAttention(attention: AttentionShapes, hiddenSize: number): AttentionCount {
  switch (attention.kind) {
    case 'heads': {
      const { heads, keyValueHeads, headDimension, hasBias } = attention;
      const query = heads * headDimension;
      const keyValue = 2 * keyValueHeads * headDimension;
      const matrices = hiddenSize * (2 * query + keyValue);
      return { matrices, biases: hasBias ? query + keyValue : 0, replicated: 0, copies: 0 };
    }
    case 'latent':
      return countLatentAttention(attention, hiddenSize);
  }
}

/**
 * The down projections are on every GPU whole. When it loads, vLLM makes second copies of the up projections of keys
 * and values, unpacked, for the absorbed form of the attention.
 *
 * @see https://github.com/vllm-project/vllm/blob/main/vllm/v1/attention/backends/mla/common.py
 */
function countLatentAttention(
  attention: Extract<AttentionShapes, { kind: 'latent' }>,
  hiddenSize: number,
): AttentionCount {
  const { heads, queryRank, latentRank, ropeDimension, nopeDimension, valueDimension } = attention;
  const queryWidth = heads * (nopeDimension + ropeDimension);
  const queryDown = queryRank === undefined ? 0 : hiddenSize * queryRank;
  const query = queryDown + (queryRank ?? hiddenSize) * queryWidth;
  const keyValueDown = hiddenSize * (latentRank + ropeDimension);
  const keyValueUp = latentRank * heads * (nopeDimension + valueDimension);
  const output = heads * valueDimension * hiddenSize;
  return {
    matrices: query + keyValueDown + keyValueUp + output,
    biases: 0,
    replicated: queryDown + keyValueDown,
    copies: keyValueUp,
  };
}
