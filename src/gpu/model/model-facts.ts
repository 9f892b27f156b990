import type { FactsSource } from '../plan-types.ts';
import type { CheckpointQuantization } from './checkpoint-quantization.ts';

/** What a token leaves in the KV cache of one layer. */
export type Attention =
  | { kind: 'heads'; keyValueHeads: number; headDimension: number }
  /** Multi-head latent attention (DeepSeek): one vector for all heads, the same on every GPU of a tensor-parallel group. */
  | {
      kind: 'latent';
      latentDimension: number;
      /** Bytes of the index key of sparse attention (DeepSeek V3.2), a token and layer; 0 without. */
      indexBytes: number;
    };

/** Layers by what they keep: the whole context, or the last `slidingWindow` tokens. */
export interface CachedLayers {
  full: number;
  sliding: number;
  slidingWindow: number;
}

/** Parameters by how they are stored. */
export interface ParameterCount {
  total: number;
  /** The input embedding; the output head is apart unless they are tied. */
  embedding: number;
  outputHead: number;
  /** Matrices of attention and feed-forward layers that a quantisation packs, with the experts. */
  linear: number;
  /** Of `linear`, those of routed experts. */
  experts: number;
  /** Norms, biases, routers and towers for pictures: always in the model's own dtype. */
  unpacked: number;
  /** Of `linear` and `unpacked`, what every GPU of a tensor-parallel group holds whole. */
  replicated: number;
  /** Second copies that vLLM makes when it loads (the absorbed matrices of latent attention), in the model's dtype. */
  copies: number;
}

/** A model as far as memory goes. */
export interface ModelFacts {
  name: string;
  source: FactsSource;
  /** The `model_type` of config.json; undefined where unknown. */
  family: string | undefined;
  layers: number;
  hiddenSize: number;
  /** Width of the feed-forward layers; of experts that of one. */
  intermediateSize: number;
  attentionHeads: number;
  vocabularySize: number;
  attention: Attention;
  cachedLayers: CachedLayers;
  isMixtureOfExperts: boolean;
  /** Layers that keep a state instead of a KV cache (Mamba, linear attention); not modelled. */
  hasStateLayers: boolean;
  hasAttentionBias: boolean;
  hasVisionTower: boolean;
  parameters: ParameterCount;
  /** Bytes of one weight before quantisation. */
  bytesPerParameter: number;
  quantization: CheckpointQuantization | undefined;
  /** Bytes of the table of rotary positions, which every GPU holds; large where positions are stretched. */
  rotaryBytes: number;
  /** Longest context the model takes; undefined where unknown. */
  maxContext: number | undefined;
  /** What was assumed, for people. */
  assumptions: readonly string[];
}
