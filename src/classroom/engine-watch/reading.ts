import { numberLabel, samplesOf, sumOf } from '../../vllm/metrics-text.ts';

/** What an engine said of itself at one moment; several engine cores of one pod are added up. */
export interface EngineReading {
  readonly running: number;
  readonly waiting: number;
  /** Of those that wait, the ones for whose sake nothing could be computed yet: a grammar is compiled, an adapter loaded. */
  readonly deferred: number;
  /** Counters: they only grow while the engine lives. */
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Share of the KV cache in use. */
  readonly kvUsage: number;
  /** What the KV cache holds; undefined where the engine does not say. Constant from a start to the next. */
  readonly kvCacheTokens: number | undefined;
}

/**
 * Reads vLLM's metrics, of 0.26 and later.
 *
 * @returns undefined for a text that does not say what runs, waits and was generated: it is no engine's
 */
export function readEngine(metrics: string): EngineReading | undefined {
  const running = samplesOf(metrics, 'vllm:num_requests_running');
  const waiting = samplesOf(metrics, 'vllm:num_requests_waiting');
  const generated = samplesOf(metrics, 'vllm:generation_tokens_total');
  if (running.length === 0 || waiting.length === 0 || generated.length === 0) return undefined;
  return {
    running: sumOf(running),
    waiting: sumOf(waiting),
    deferred: sumOf(
      samplesOf(metrics, 'vllm:num_requests_waiting_by_reason').filter(({ labels }) =>
        labels.includes('reason="deferred"'),
      ),
    ),
    promptTokens: sumOf(samplesOf(metrics, 'vllm:prompt_tokens_total')),
    generatedTokens: sumOf(generated),
    kvUsage: sumOf(samplesOf(metrics, 'vllm:kv_cache_usage_perc')),
    kvCacheTokens: kvCacheTokens(metrics),
  };
}

/** Models with several kinds of layers hold more tokens than blocks times block size, so what vLLM says comes first. */
function kvCacheTokens(metrics: string): number | undefined {
  const tokens = samplesOf(metrics, 'vllm:cache_config_info')
    .map(({ labels }) => {
      const said = numberLabel(labels, 'kv_cache_size_tokens');
      return said > 0 ? said : numberLabel(labels, 'num_gpu_blocks') * numberLabel(labels, 'block_size');
    })
    .reduce((sum, each) => sum + each, 0);
  return tokens > 0 ? tokens : undefined;
}
