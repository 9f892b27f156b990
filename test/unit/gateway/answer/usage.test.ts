import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findUsage } from '../../../../src/gateway/answer/usage.ts';

const find = (json: string) => findUsage(Buffer.from(json))?.usage;

describe('the usage of an answer', () => {
  test.each<[string, string, object | undefined]>([
    [
      'chat',
      '{"choices":[],"usage":{"prompt_tokens":17,"total_tokens":25,"completion_tokens":8}}',
      { promptTokens: 17, completionTokens: 8, cachedTokens: undefined },
    ],
    [
      'with cached tokens',
      '{"usage":{"prompt_tokens":17,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":16,"created_cache_tokens":1}}}',
      { promptTokens: 17, completionTokens: 8, cachedTokens: 16 },
    ],
    [
      'with details that are null, and more after it',
      '{"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null},"prompt_logprobs":null}',
      { promptTokens: 1, completionTokens: 2, cachedTokens: undefined },
    ],
    [
      'an explicit zero stays zero',
      '{"usage":{"prompt_tokens":5,"completion_tokens":0}}',
      { promptTokens: 5, completionTokens: 0, cachedTokens: undefined },
    ],
    [
      'embeddings',
      '{"data":[],"usage":{"prompt_tokens":5,"total_tokens":5}}',
      { promptTokens: 5, completionTokens: 0, cachedTokens: undefined },
    ],
    [
      'responses',
      '{"usage":{"input_tokens":15,"input_tokens_details":{"cached_tokens":4,"input_tokens_per_turn":[]},"output_tokens":8,"total_tokens":23}}',
      { promptTokens: 15, completionTokens: 8, cachedTokens: 4 },
    ],
    [
      'with spaces',
      '{"a": 1, "usage": {"prompt_tokens": 1, "completion_tokens": 2}}',
      { promptTokens: 1, completionTokens: 2, cachedTokens: undefined },
    ],
    ['null', '{"usage":null}', undefined],
    ['none', '{"choices":[]}', undefined],
    ['negative numbers', '{"usage":{"prompt_tokens":-1,"completion_tokens":2}}', undefined],
    ['cut off', '{"usage":{"prompt_tokens":1,"completion', undefined],
    ['empty', '', undefined],
  ])('%s', (_, json, want) => {
    expect(find(json)).toEqual(want);
  });

  test.each([
    ['in the middle', '{"a":1,"usage":{"prompt_tokens":1,"completion_tokens":2},"b":2}', '{"a":1,"b":2}'],
    ['at the end', '{"a":1 , "usage": {"prompt_tokens":1,"completion_tokens":2}}', '{"a":1 }'],
    ['at the beginning', '{"usage":{"prompt_tokens":1,"completion_tokens":2},"b":2}', '{"b":2}'],
    ['alone', '{"usage":{"prompt_tokens":1,"completion_tokens":2}}', '{}'],
    [
      "as vLLM's chunks have it",
      '{"choices":[{}],"usage":{"prompt_tokens":17,"total_tokens":18,"completion_tokens":1,"completion_tokens_details":null},"prompt_text":null}',
      '{"choices":[{}],"prompt_text":null}',
    ],
  ])('%s can be cut out so that the rest stays JSON', (_, json, rest) => {
    const found = findUsage(Buffer.from(json));
    expect(json.slice(0, found?.from) + json.slice(found?.to)).toBe(rest);
  });

  test('the running count is read by hand as the parser reads it', () => {
    const counts = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(counts, counts, fc.boolean(), (prompt_tokens, completion_tokens, details) => {
        const usage = {
          prompt_tokens,
          total_tokens: 0,
          completion_tokens,
          ...(details ? { completion_tokens_details: null } : {}),
        };
        const want = { promptTokens: prompt_tokens, completionTokens: completion_tokens };
        expect(find(JSON.stringify({ a: 1, usage }))).toMatchObject(want);
        expect(find(JSON.stringify({ a: 1, usage }, undefined, 1).replaceAll('\n', ' '))).toMatchObject(want);
      }),
    );
  });

  test('cannot be imitated by what a model writes', () => {
    const content = '","usage":{"prompt_tokens":0,"completion_tokens":0},"x":"';
    const json = JSON.stringify({
      content,
      usage: { prompt_tokens: 9, completion_tokens: 9 },
      after: content,
    });
    expect(find(json)).toMatchObject({ promptTokens: 9, completionTokens: 9 });
    expect(find(JSON.stringify({ content, list: ['"usage"', 'usage', content] }))).toBeUndefined();
  });

  test("cannot be imitated by a tool's schema that the answer repeats before it", () => {
    const json = JSON.stringify({
      tools: [{ parameters: { usage: { input_tokens: 0, output_tokens: 0 } } }],
      usage: { input_tokens: 7, output_tokens: 8 },
    });
    expect(find(json)).toMatchObject({ promptTokens: 7, completionTokens: 8 });
  });
});
