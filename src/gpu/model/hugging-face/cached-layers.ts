import type { Attention, CachedLayers } from '../model-facts.ts';
import type { AttentionShapes } from '../parameters.ts';
import type { Config } from './fields.ts';

/** Families that use `sliding_window` only when `use_sliding_window` is true. */
const WINDOW_BY_FLAG = /^(qwen|qwen2|qwen2_moe|qwen3|qwen3_moe|qwen2_vl|qwen2_5_vl)/;
/** Full attention in every n-th layer, where config.json gives a window and no pattern. */
const WINDOW_PATTERNS: ReadonlyMap<string, number> = new Map([
  ['gemma2', 2],
  ['gemma3', 6],
  ['gemma3_text', 6],
  ['cohere2', 4],
  ['gpt_oss', 2],
]);

/** Families with layers that keep a state instead of a KV cache. */
const STATE_FAMILIES =
  /mamba|jamba|bamba|zamba|falcon_h1|granitemoehybrid|nemotron_h|qwen3_next|qwen3_5|lfm2|minimax|kimi_linear|plamo2|rwkv|recurrent_gemma/;
const STATE_LAYERS = /linear|mamba|ssm|recurrent|conv|rwkv/;

/** What one layer keeps of a token. */
export function cachedAttention(attention: AttentionShapes, config: Config): Attention {
  switch (attention.kind) {
    case 'heads':
      return {
        kind: 'heads',
        keyValueHeads: attention.keyValueHeads,
        headDimension: attention.headDimension,
      };
    case 'latent':
      return {
        kind: 'latent',
        latentDimension: attention.latentRank + attention.ropeDimension,
        // One byte a dimension and a scale of four bytes.
        indexBytes: config.index_head_dim ? config.index_head_dim + 4 : 0,
      };
  }
}

/** How many layers keep every token, and how many only those of a window. */
export function readCachedLayers(config: Config, layers: number, hasStateLayers: boolean): CachedLayers {
  const full: CachedLayers = { full: layers, sliding: 0, slidingWindow: 0 };
  const slidingWindow = config.sliding_window ?? config.sliding_window_size;
  // Not modelled: as if every layer kept everything, which is more than they do.
  if (!slidingWindow || hasStateLayers) return full;
  const family = config.model_type ?? '';
  if (config.layer_types?.some((type) => type.includes('sliding'))) {
    const named = config.layer_types.filter((type) => type.includes('sliding')).length;
    const sliding = Math.min(named, layers);
    return { full: layers - sliding, sliding, slidingWindow };
  }
  if (config.layer_types && config.layer_types.length > 0) return full;
  if (WINDOW_BY_FLAG.test(family)) {
    if (config.use_sliding_window !== true) return full;
    const sliding = Math.max(0, layers - (config.max_window_layers ?? layers));
    return { full: layers - sliding, sliding, slidingWindow };
  }
  if (config.use_sliding_window === false) return full;
  const pattern = windowPattern(config);
  const fullLayers = pattern === undefined ? 0 : Math.floor(layers / pattern);
  return { full: fullLayers, sliding: layers - fullLayers, slidingWindow };
}

/** Numbers, or letters such as `LLLG`; one in so many layers sees everything. */
function windowPattern(config: Config): number | undefined {
  const pattern = config.sliding_window_pattern ?? config._sliding_window_pattern;
  const every = typeof pattern === 'string' ? pattern.length : pattern;
  return every || WINDOW_PATTERNS.get(config.model_type ?? '');
}

/** Whether some layers keep a state instead of a KV cache. */
export function keepsState(config: Config): boolean {
  return (
    STATE_FAMILIES.test(config.model_type ?? '') ||
    (config.layer_types ?? []).some((type) => STATE_LAYERS.test(type)) ||
    config.ssm_cfg !== undefined ||
    Boolean(config.mamba_d_state ?? config.mamba_num_heads)
  );
}
