import { describe, expect, test } from '@jest/globals';
import { cacheCapacity, cacheLayout, requestBytes } from '../../../../src/gpu/memory/kv-cache.ts';
import type { Attention, ModelFacts } from '../../../../src/gpu/model/model-facts.ts';
import { resolveModel } from '../../../../src/gpu/model/resolve.ts';

function modelOf(id: string, change: Partial<ModelFacts> = {}): ModelFacts {
  const facts = resolveModel({ id });
  if ('code' in facts) throw new Error(facts.reason);
  return { ...facts, ...change };
}

const LATENT: Attention = { kind: 'latent', latentDimension: 576, indexBytes: 0 };
const DEEPSEEK_V3 = modelOf('llama-3.1-8b', {
  attention: LATENT,
  cachedLayers: { full: 61, sliding: 0, slidingWindow: 0 },
});

describe('bytes of a token on each GPU', () => {
  test.each([
    ['Llama-3.1-8B', modelOf('llama-3.1-8b'), 'auto', 1, 131_072],
    ['Qwen2.5-7B', modelOf('qwen2.5-7b'), 'auto', 1, 57_344],
    ['Qwen2.5-7B with an fp8 cache', modelOf('qwen2.5-7b'), 'fp8', 1, 28_672],
    ['Qwen2.5-7B on 4 GPUs', modelOf('qwen2.5-7b'), 'auto', 4, 14_336],
    ['Qwen2.5-7B on 8: its 4 key-value heads are repeated', modelOf('qwen2.5-7b'), 'auto', 8, 14_336],
    ['CodeLlama, every head with its own keys', modelOf('codellama-7b'), 'auto', 1, 524_288],
    ['DeepSeek-V3', DEEPSEEK_V3, 'auto', 1, 70_272],
    ['DeepSeek-V3 on 8: the vector is on each', DEEPSEEK_V3, 'auto', 8, 70_272],
  ] as const)('%s', (_, model, dtype, gpus, bytes) => {
    expect(cacheLayout(model, dtype, gpus, 2048).bytesPerToken).toBe(bytes);
  });
});

describe('requests', () => {
  test('take whole blocks of 16 tokens', () => {
    const layout = cacheLayout(modelOf('llama-3.1-8b'), 'auto', 1, 2048);
    expect(requestBytes(layout, 17)).toBe(2 * 16 * 131_072);
  });

  test('tokens are those of requests of full length, as vLLM prints them', () => {
    const layout = cacheLayout(modelOf('qwen2.5-7b'), 'auto', 1, 2048);
    const { tokens, fullLengthSequences } = cacheCapacity(layout, 7071 * 16 * 57_344, 4096);
    expect(tokens).toBe(113_136);
    expect(fullLengthSequences).toBe(27.621_093_75);
  });
});

describe('sliding windows', () => {
  const GEMMA = modelOf('gemma-3-27b');

  test('layers are put in groups of equal size, padded', () => {
    // 10 layers see everything; 52 keep a window: one group and six.
    const layout = cacheLayout(GEMMA, 'auto', 1, 2048);
    expect(layout.blockBytes).toBe(10 * 2 * 16 * 128 * 2 * 16);
    expect(layout.blocksForRequest(32_768)).toBe(2048 + 6 * (Math.ceil((1023 + 2048) / 16) + 1));
  });

  test('a long request takes far less than without windows', () => {
    const all = { ...GEMMA, cachedLayers: { full: 62, sliding: 0, slidingWindow: 0 } };
    const bytes = (model: ModelFacts) => requestBytes(cacheLayout(model, 'auto', 1, 2048), 32_768);
    expect(bytes(GEMMA) / bytes(all)).toBeLessThan(0.3);
  });

  test('half of the layers: two groups', () => {
    const layout = cacheLayout(modelOf('gpt-oss-20b'), 'auto', 1, 2048);
    expect(layout.blockBytes).toBe(12 * 2 * 8 * 64 * 2 * 16);
    expect(layout.blocksForRequest(8192)).toBe(512 + Math.ceil((127 + 2048) / 16) + 1);
  });

  test('all layers: a request never takes more than the window and a step', () => {
    const cachedLayers = { full: 0, sliding: 32, slidingWindow: 4096 };
    const layout = cacheLayout(modelOf('mistral-7b-v0.3', { cachedLayers }), 'auto', 1, 2048);
    expect(layout.blocksForRequest(1_000_000)).toBe(Math.ceil((4095 + 2048) / 16) + 1);
  });
});
