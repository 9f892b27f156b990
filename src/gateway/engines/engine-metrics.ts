import { numberLabel, type Sample, samplesOf, sumOf } from '../../vllm/metrics-text.ts';
import type { EngineLoad } from './capacity.ts';

const RUNNING = 'vllm:num_requests_running';
const WAITING = 'vllm:num_requests_waiting';
const KV_USAGE = 'vllm:kv_cache_usage_perc';
const CACHE_CONFIG = 'vllm:cache_config_info';

/**
 * The few figures that the queue needs.
 *
 * @returns undefined when the text does not say what runs and what waits: then nothing is known, and nothing is changed.
 * Several engine cores behind one address are added up; of the shares of their caches in use, the largest counts.
 */
export function readEngineLoad(text: string): EngineLoad | undefined {
  const running = samplesOf(text, RUNNING);
  const waiting = samplesOf(text, WAITING);
  if (running.length === 0 || waiting.length === 0) return undefined;
  return {
    running: sumOf(running),
    waiting: sumOf(waiting),
    kvUsage: Math.max(0, ...samplesOf(text, KV_USAGE).map(({ value }) => value)),
    kvTokens: kvTokensOf(samplesOf(text, CACHE_CONFIG)),
  };
}

function kvTokensOf(configs: readonly Sample[]): number | undefined {
  const total = configs
    .map(({ labels }) => numberLabel(labels, 'num_gpu_blocks') * numberLabel(labels, 'block_size'))
    .reduce((sum, tokens) => sum + tokens, 0);
  return total > 0 ? total : undefined;
}
