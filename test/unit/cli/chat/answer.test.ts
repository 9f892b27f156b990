import { describe, expect, test } from '@jest/globals';
import { type Piece, streamAnswer } from '../../../../src/cli/chat/answer.ts';
import { tookText } from '../../../../src/cli/chat/conversation.ts';
import type { Gateway, GatewayCall } from '../../../../src/cli/gateway/gateway.ts';

/** Says these parts, whatever it is asked. */
const saying = (...parts: readonly string[]): Gateway & { readonly calls: GatewayCall[] } => {
  const calls: GatewayCall[] = [];
  return {
    place: 'http://gateway/v1',
    calls,
    async *ask(call) {
      calls.push(call);
      yield* parts;
    },
  };
};

const QUESTION = {
  apiKey: 'key',
  model: 'qwen',
  messages: [{ role: 'user', content: 'Hello?' }],
  deadlineMs: 1000,
} as const;

async function piecesOf(gateway: Gateway): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of streamAnswer(gateway, QUESTION)) pieces.push(piece);
  return pieces;
}

const text = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;

describe('an answer', () => {
  test('comes in pieces, wherever the network cuts it', async () => {
    const stream = `: waits\n\n${text('Hel')}${text('lo')}data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n`;
    for (const size of [1, 7, stream.length]) {
      const parts = stream.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
      expect(await piecesOf(saying(...parts))).toEqual([
        { kind: 'Text', text: 'Hel' },
        { kind: 'Text', text: 'lo' },
        { kind: 'Usage', promptTokens: 3, completionTokens: 2 },
      ]);
    }
  });

  test('is asked for as clients do, with the count of tokens', async () => {
    const gateway = saying('data: [DONE]\n\n');
    await piecesOf(gateway);
    expect(gateway.calls).toMatchObject([
      {
        method: 'POST',
        path: '/chat/completions',
        apiKey: 'key',
        body: { model: 'qwen', stream: true, stream_options: { include_usage: true } },
      },
    ]);
  });

  test.each([
    ['in one field', { reasoning: 'Hm. ' }],
    ['in that of before', { reasoning_content: 'Hm. ' }],
    ['in both', { reasoning: 'Hm. ', reasoning_content: 'Hm. ' }],
  ])('of a model that thinks aloud has its thoughts too, once: %s', async (_, delta) => {
    const thought = `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`;
    expect(await piecesOf(saying(thought, text('Yes.'), 'data: [DONE]\n\n'))).toMatchObject([
      { text: 'Hm. ' },
      { text: 'Yes.' },
    ]);
  });

  test('that breaks off is told in the words of the gateway', async () => {
    const error = 'data: {"error":{"message":"The engine ended.","code":"engine_failed"}}\n\n';
    await expect(piecesOf(saying(text('Hel'), error))).rejects.toMatchObject({
      problem: { why: 'The engine ended.' },
    });
  });

  test('whose connection ends before its end has broken off', async () => {
    await expect(piecesOf(saying(text('Hel')))).rejects.toMatchObject({ message: 'The answer broke off.' });
  });
});

test.each([
  [
    { totalMs: 2000, firstMs: 500, tokens: { promptTokens: 12, completionTokens: 60 } },
    '12 tokens in, 60 out; first text after 0.50 s, all after 2.00 s (40.0 tokens a second)',
  ],
  [{ totalMs: 2000, firstMs: 500, tokens: undefined }, 'first text after 0.50 s, all after 2.00 s'],
  [{ totalMs: 1000, firstMs: undefined, tokens: undefined }, 'no text after 1.00 s'],
])('what an answer took: %j', (took, want) => {
  expect(tookText(took)).toBe(want);
});
