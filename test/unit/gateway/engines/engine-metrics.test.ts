import { describe, expect, test } from '@jest/globals';
import { readEngineLoad } from '../../../../src/gateway/engines/engine-metrics.ts';

/** Lines as vLLM 0.32 writes them, shortened. */
const TEXT = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="tiny"} 2.0
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 2.5e-01
vllm:cache_config_info{_block_size_resolved="True",block_size="128",cache_dtype="auto",effective_attention_block_size="64",engine="0",num_cpu_blocks="None",num_gpu_blocks="16384",num_gpu_blocks_override="None"} 1.0
`;

describe('the load of an engine', () => {
  test('is read from its metrics', () => {
    expect(readEngineLoad(TEXT)).toEqual({ running: 3, waiting: 2, kvUsage: 0.25, kvTokens: 16_384 * 128 });
  });

  test('of several cores behind one address is added up; the fullest cache counts', () => {
    const second = TEXT.replaceAll('engine="0"', 'engine="1"').replace('2.5e-01', '0.75');
    expect(readEngineLoad(TEXT + second)).toEqual({
      running: 6,
      waiting: 4,
      kvUsage: 0.75,
      kvTokens: 2 * 16_384 * 128,
    });
  });

  test.each<[string, string, object]>([
    ['no cache figures', TEXT.replace(/vllm:cache.*\n/, ''), { kvTokens: undefined }],
    ['a cache that is not laid out yet', TEXT.replace('"16384"', '"None"'), { kvTokens: undefined }],
    ['no share of the cache', TEXT.replace(/vllm:kv.*\n/, ''), { kvUsage: 0 }],
    [
      'a brace and a quote in a name',
      TEXT.replace('model_name="tiny"} 3', 'model_name="a}\\"b"} 3'),
      { running: 3 },
    ],
    ['a time stamp', TEXT.replace('} 2.0', '} 2.0 1795413893060'), { waiting: 2 }],
    ['no labels', TEXT.replace(/running\{.*\}/, 'running'), { running: 3 }],
    ['no newline at the end', TEXT.trimEnd(), { kvTokens: 16_384 * 128 }],
  ])('is read with %s', (_, text, expected) => {
    expect(readEngineLoad(text)).toMatchObject(expected);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['another program', '<html>vllm:num_requests_running</html>'],
    ['no waiting requests', TEXT.replace(/vllm:num_requests_waiting\{.*\n/, '')],
    ['no number', TEXT.replace('} 3.0', '} NaN')],
  ])('is not known from %s', (_, text) => {
    expect(readEngineLoad(text)).toBeUndefined();
  });
});
