import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encode, encodeChat } from '../../../../src/demo/vllm/text/tokenizer.ts';
import type { JsonObject } from '../../../../src/gateway/request/body.ts';
import type { EnginePath } from '../../../../src/gateway/request/endpoints.ts';
import { printedBytes } from '../../../../src/gateway/request/json-walk.ts';
import { prepareRequest } from '../../../../src/gateway/request/prepare.ts';
import { aClassroom, alice } from '../builders.ts';

const LARGE = aClassroom({ maxModelLen: 10_000_000 });

function costOf(path: EnginePath, body: JsonObject, classroom = LARGE) {
  const result = prepareRequest(path, { model: 'qwen', ...body }, alice(classroom));
  if (!result.ok) throw new Error(result.refusal.message);
  return result.request.cost;
}

const CHAT = '/v1/chat/completions';
const saying = (content: unknown) => ({ messages: [{ role: 'user', content }] });

/** Texts of all kinds: English, code, other scripts, control characters, halves of nothing. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.lorem({ maxCount: 30 }),
);

describe('what is reserved for a prompt is never less than an engine counts', () => {
  test('a token stands for at least one byte', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(encode(text).length).toBeLessThanOrEqual(Buffer.byteLength(text));
      }),
    );
  });

  test('chats', () => {
    const message = fc.record({ role: fc.constantFrom('user', 'assistant', 'system'), content: anyText });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), (messages) => {
        expect(costOf(CHAT, { messages }).promptTokens).toBeGreaterThanOrEqual(encodeChat(messages).length);
      }),
    );
  });

  test('completions and embeddings', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 5 }), (texts) => {
        const [prompt = ''] = texts;
        expect(costOf('/v1/completions', { prompt }).promptTokens).toBeGreaterThan(encode(prompt).length);
        const tokens = texts.reduce((sum, text) => sum + encode(text).length, 0);
        expect(costOf('/v1/embeddings', { input: texts }).promptTokens).toBeGreaterThan(tokens);
      }),
    );
  });

  test('definitions of tools, however a template prints them', () => {
    const python = (text: string): string =>
      text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const bound = printedBytes(value, 32);
        expect(bound).toBeGreaterThanOrEqual(Buffer.byteLength(python(JSON.stringify(value, null, 4))));
        expect(bound).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(value)));
      }),
    );
  });

  test.each<[string, EnginePath, (text: string) => JsonObject]>([
    ['a part of a message', CHAT, (text) => saying([{ type: 'text', text }])],
    [
      'the name of a speaker',
      CHAT,
      (text) => ({ messages: [{ role: 'user', content: '', name: text.slice(0, 200) }] }),
    ],
    [
      'earlier reasoning',
      CHAT,
      (text) => ({ messages: [{ role: 'assistant', content: '', reasoning: text }] }),
    ],
    [
      'the arguments of a call',
      CHAT,
      (text) => ({
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: text } }],
          },
        ],
      }),
    ],
    [
      'the result of a call',
      CHAT,
      (text) => ({ messages: [{ role: 'tool', tool_call_id: 'a', content: text }] }),
    ],
    [
      'the description of a tool',
      CHAT,
      (text) => ({
        ...saying(''),
        tools: [{ type: 'function', function: { name: 'f', description: text } }],
      }),
    ],
    [
      'the parameters of a tool',
      CHAT,
      (text) => ({
        ...saying(''),
        tools: [{ type: 'function', function: { name: 'f', parameters: { description: text } } }],
      }),
    ],
    ['instructions', '/v1/responses', (text) => ({ input: 'a', instructions: text })],
    [
      'an item',
      '/v1/responses',
      (text) => ({ input: [{ role: 'user', content: [{ type: 'input_text', text }] }] }),
    ],
    [
      'the output of a call',
      '/v1/responses',
      (text) => ({ input: [{ type: 'function_call_output', call_id: 'a', output: text }] }),
    ],
    ['the system prompt', '/v1/messages', (text) => ({ ...saying('a'), max_tokens: 1, system: text })],
    [
      'the result of a tool',
      '/v1/messages',
      (text) => ({ ...saying([{ type: 'tool_result', tool_use_id: 'a', content: text }]), max_tokens: 1 }),
    ],
    [
      'the input of a tool',
      '/v1/messages',
      (text) => ({ ...saying([{ type: 'tool_use', id: 'a', name: 'f', input: { text } }]), max_tokens: 1 }),
    ],
  ])('%s counts', (_, path, body) => {
    const text = '漢字 '.repeat(40);
    const more = costOf(path, body(text)).promptTokens - costOf(path, body('')).promptTokens;
    expect(more).toBeGreaterThanOrEqual(Buffer.byteLength(text.slice(0, 200)));
  });

  test('tokens that come as such count as many', () => {
    const one = costOf('/v1/completions', { prompt: [1] });
    const many = costOf('/v1/completions', { prompt: Array(500).fill(1) });
    expect(many.promptTokens - one.promptTokens).toBe(499);
    expect(many.expectedPromptTokens).toBe(500);
  });

  test('nothing at all still has a price', () => {
    for (const cost of [
      costOf(CHAT, saying('')),
      costOf('/v1/completions', { prompt: '' }),
      costOf('/v1/embeddings', { input: '' }),
      costOf('/v1/responses', { input: '' }),
    ]) {
      expect(cost.promptTokens).toBeGreaterThan(0);
      expect(cost.expectedPromptTokens).toBeGreaterThan(0);
    }
  });

  test('a picture counts as the tokens a model makes of it, not as its bytes', () => {
    const url = `data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAAAAAAAA${'A'.repeat(500_000)}`;
    const cost = costOf(CHAT, saying([{ type: 'image_url', image_url: { url } }]));
    expect(cost.promptTokens).toBeGreaterThanOrEqual(16_384);
    expect(cost.promptTokens).toBeLessThan(20_000);
  });

  test('but never more than the context, which is all that an engine takes', () => {
    const long = 'word '.repeat(10_000);
    const small = aClassroom({ maxModelLen: 4096 });
    expect(costOf(CHAT, saying(long), small).promptTokens).toBe(4096);
    expect(costOf('/v1/embeddings', { input: [long, long] }, small).promptTokens).toBe(8192);
  });
});

describe('what a prompt will probably count', () => {
  test('is a quarter of its bytes, and at most what is reserved', () => {
    const cost = costOf(CHAT, saying('x'.repeat(4000)));
    expect(cost.expectedPromptTokens).toBe(1005);
    fc.assert(
      fc.property(anyText, (text) => {
        const { promptTokens, expectedPromptTokens } = costOf(CHAT, saying(text));
        expect(expectedPromptTokens).toBeLessThanOrEqual(promptTokens);
      }),
    );
  });
});
