import { describe, expect, test } from '@jest/globals';
import { readEngine } from '../../../../src/classroom/engine-watch/reading.ts';
import { metricsText } from '../../../support/engine-metrics.ts';
import { recordedText } from '../../../support/vllm-recordings.ts';

describe('what an engine says of itself', () => {
  test('is read from metrics recorded from vLLM 0.32', () => {
    expect(readEngine(recordedText('0.32.0-cpu/metrics.txt'))).toMatchObject({
      running: expect.any(Number),
      waiting: expect.any(Number),
      generatedTokens: expect.any(Number),
      kvCacheTokens: 2_097_152,
    });
  });

  test('is requests, tokens and the KV cache', () => {
    const text = metricsText({
      running: 3,
      waiting: 2,
      deferred: 1,
      promptTokens: 70,
      generatedTokens: 11,
      kvUsage: 0.25,
    });
    expect(readEngine(text)).toEqual({
      running: 3,
      waiting: 2,
      deferred: 1,
      promptTokens: 70,
      generatedTokens: 11,
      kvUsage: 0.25,
      kvCacheTokens: 113_136,
    });
  });

  test('of several cores of one pod is added up', () => {
    const one = metricsText({ running: 3, generatedTokens: 11 });
    const both = one + one.replaceAll('engine="0"', 'engine="1"');
    expect(readEngine(both)).toMatchObject({ running: 6, generatedTokens: 22, kvCacheTokens: 2 * 113_136 });
  });

  test.each([
    ['blocks times block size, where it does not say tokens', /kv_cache_size_tokens="\d+"/, '', 113_136],
    [
      'unknown before it is laid out',
      /kv_cache_size_tokens="\d+",num_gpu_blocks="\d+"/,
      'num_gpu_blocks="None"',
      undefined,
    ],
  ])('the KV cache is %s', (_, pattern, replacement, want) => {
    expect(readEngine(metricsText().replace(pattern, replacement))?.kvCacheTokens).toBe(want);
  });

  test.each([
    ['nothing', ''],
    ['another program', '<html>vllm:num_requests_running</html>'],
    ['an engine that says nothing of tokens', metricsText().replace(/vllm:generation_tokens_total.*\n/, '')],
  ])('is not known from %s', (_, text) => {
    expect(readEngine(text)).toBeUndefined();
  });
});
