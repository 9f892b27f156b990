import type { EngineReading } from '../../src/classroom/engine-watch/reading.ts';

/** An engine with nothing to do; a case states only what differs. */
export function reading(difference: Partial<EngineReading> = {}): EngineReading {
  return {
    running: 0,
    waiting: 0,
    deferred: 0,
    promptTokens: 0,
    generatedTokens: 0,
    kvUsage: 0,
    kvCacheTokens: 113_136,
    ...difference,
  };
}

/** The lines of vLLM's metrics that matter here, and one that must not be taken for one of them. */
export function metricsText(difference: Partial<EngineReading> = {}): string {
  const { running, waiting, deferred, promptTokens, generatedTokens, kvUsage, kvCacheTokens } =
    reading(difference);
  const labels = '{engine="0",model_name="qwen"}';
  return [
    `vllm:num_requests_running${labels} ${running}.0`,
    `vllm:num_requests_waiting${labels} ${waiting}.0`,
    `vllm:num_requests_waiting_by_reason{engine="0",model_name="qwen",reason="capacity"} ${waiting - deferred}.0`,
    `vllm:num_requests_waiting_by_reason{engine="0",model_name="qwen",reason="deferred"} ${deferred}.0`,
    `vllm:kv_cache_usage_perc${labels} ${kvUsage}`,
    `vllm:prompt_tokens_total${labels} ${promptTokens}.0`,
    `vllm:generation_tokens_total${labels} ${generatedTokens}.0`,
    `vllm:cache_config_info{block_size="16",engine="0",kv_cache_size_tokens="${kvCacheTokens}",num_gpu_blocks="${Math.floor((kvCacheTokens ?? 0) / 16)}"} 1.0`,
    '',
  ].join('\n');
}
