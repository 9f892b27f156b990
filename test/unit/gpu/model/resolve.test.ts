import { describe, expect, test } from '@jest/globals';
import { findInCatalogue } from '../../../../src/gpu/model/catalogue.ts';
import { resolveModel } from '../../../../src/gpu/model/resolve.ts';

function factsOf(model: Parameters<typeof resolveModel>[0]) {
  const facts = resolveModel(model);
  if ('code' in facts) throw new Error(facts.reason);
  return facts;
}

describe('names of the catalogue', () => {
  test.each([
    ['Qwen/Qwen2.5-7B-Instruct', 'qwen2.5-7b'],
    ['Qwen/Qwen2.5-7B-Instruct-AWQ', 'qwen2.5-7b'],
    ['Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4', 'qwen2.5-7b'],
    ['Qwen/Qwen2.5-Coder-7B-Instruct', 'qwen2.5-7b'],
    ['neuralmagic/Qwen2.5-7B-Instruct-FP8-dynamic', 'qwen2.5-7b'],
    ['RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16', 'llama-3.1-8b'],
    ['/models/Qwen2.5-7B-Instruct/', 'qwen2.5-7b'],
    ['qwen3-4b', 'qwen3-4b'],
    ['Qwen/Qwen3-4B-Instruct-2507', 'qwen3-4b-2507'],
    ['Qwen/Qwen3-4B-Instruct-2507-FP8', 'qwen3-4b-2507'],
    ['Qwen/Qwen3-30B-A3B', 'qwen3-30b-a3b'],
    ['mistralai/Mistral-7B-Instruct-v0.3', 'mistral-7b-v0.3'],
    ['deepseek-ai/DeepSeek-R1-Distill-Qwen-7B', 'deepseek-r1-distill-qwen-7b'],
    ['deepseek-ai/DeepSeek-R1-Distill-Llama-8B', 'llama-3.1-8b'],
    ['meta-llama/Meta-Llama-3-8B-Instruct', 'llama-3-8b'],
    ['microsoft/phi-4', 'phi-4'],
    ['codellama/CodeLlama-7b-hf', 'codellama-7b'],
    ['meta-llama/Llama-2-7b-chat-hf', 'llama-2-7b'],
    ['deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct', 'deepseek-v2-lite'],
    ['google/gemma-3-4b-it', 'gemma-3-4b'],
  ])('%s is %s', (id, name) => {
    expect(findInCatalogue(id)?.name).toBe(name);
  });

  test.each(['Qwen/Qwen4-9B', 'mistralai/Mistral-7B-Instruct-v0.1', 'someone/qwen2.5-7b-longer'])(
    '%s is in no entry',
    (id) => {
      expect(findInCatalogue(id)).toBeUndefined();
    },
  );
});

describe('where facts come from', () => {
  test('config.json comes before the catalogue', () => {
    const config = { num_hidden_layers: 2, hidden_size: 64, num_attention_heads: 4, vocab_size: 100 };
    expect(factsOf({ id: 'qwen2.5-7b', config })).toMatchObject({ source: 'config', layers: 2 });
  });

  test('stated facts come before both', () => {
    const facts = { parameters: 7_000_000_000, keyValueHeads: 2 };
    expect(factsOf({ id: 'qwen2.5-7b', facts })).toMatchObject({
      source: 'catalogue',
      parameters: { total: 7_000_000_000 },
      attention: { keyValueHeads: 2 },
    });
  });

  test('stated facts reach the language model of a multimodal config.json', () => {
    const text_config = { model_type: 'llama', vocab_size: 32064 };
    expect(factsOf({ config: { text_config }, facts: { layers: 40 } })).toMatchObject({ layers: 40 });
  });

  test('complete facts are enough for a model nobody knows', () => {
    const facts = { layers: 10, hiddenSize: 1024, attentionHeads: 16, vocabularySize: 32000 };
    expect(factsOf({ id: 'ours', facts })).toMatchObject({ source: 'stated', layers: 10 });
  });

  test.each([
    ['someone/Nice-7B-Chat', 7.7],
    ['someone/nice-2b', 2.5],
    ['someone/tiny-360M', 0.45],
    ['someone/mix-8x7B', 52.4],
    ['someone/moe-30B-A3B', 33],
  ])('%s is estimated by its name, generously, and marked', (id, billions) => {
    const facts = factsOf({ id });
    expect(facts.source).toBe('estimate');
    expect(facts.parameters.total / 1e9).toBeCloseTo(billions, 1);
    expect(facts.assumptions.join()).toContain('guessed');
  });

  test.each([
    'someone/model',
    'meta-llama/Llama-4-Scout-17B-16E-Instruct',
    'moonshotai/Kimi-VL-A3B-Instruct',
    'someone/nothing-0b',
  ])('%s, whose name does not tell the size of the whole, is not guessed', (id) => {
    expect(resolveModel({ id })).toMatchObject({ code: 'UnknownModel' });
  });

  test.each([
    ['Qwen/Qwen2.5-7B-Instruct-AWQ', 'awq'],
    ['Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4', 'gptq'],
    ['x/Qwen2.5-7B-Instruct-FP8', 'fp8'],
    ['Qwen/Qwen2.5-7B-Instruct', undefined],
  ])('the name of %s says how it is packed', (id, method) => {
    expect(factsOf({ id }).quantization?.method).toBe(method);
  });
});
