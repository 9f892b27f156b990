import type { Shapes } from '../parameters.ts';
import type { Config } from './fields.ts';

/**
 * vLLM's longest context: what the positions allow, stretched by rope scaling except for kinds whose positions are
 * given stretched already.
 *
 * @see https://github.com/vllm-project/vllm/blob/main/vllm/config/model.py
 */
export function readMaxContext(config: Config): number | undefined {
  // Gemma 3 states its positions stretched already.
  return config.model_type?.startsWith('gemma3') ? statedPositions(config) : stretchedPositions(config);
}

function statedPositions(config: Config): number | undefined {
  const positions = config.max_position_embeddings ?? config.n_positions ?? config.max_seq_len;
  return positions ?? config.max_sequence_length ?? config.seq_length ?? config.model_max_length ?? undefined;
}

function stretchedPositions(config: Config): number | undefined {
  const context = statedPositions(config);
  const scaling = config.rope_scaling ?? config.rope_parameters;
  if (context === undefined || !scaling) return context;
  const kind = scaling.rope_type ?? scaling.type;
  const factor = scaling.factor;
  if (typeof factor !== 'number' || typeof kind !== 'string') return context;
  if (['su', 'longrope', 'llama3', 'default', 'mrope'].includes(kind)) return context;
  const original = scaling.original_max_position_embeddings;
  const base = kind === 'yarn' && typeof original === 'number' ? original : context;
  const stretched = Math.floor(base * factor);
  return Number.isSafeInteger(stretched) && stretched > 0 ? stretched : context;
}

/** One row of cosines and sines a position, in 16 bits; Gemma 3 has a table more for the layers with a window. */
export function rotaryBytes(config: Config, { attention }: Shapes): number {
  const dimension = attention.kind === 'heads' ? attention.headDimension : attention.ropeDimension;
  const local = config.model_type?.startsWith('gemma3') ? (statedPositions(config) ?? 0) : 0;
  return ((stretchedPositions(config) ?? 0) + local) * dimension * 2;
}
