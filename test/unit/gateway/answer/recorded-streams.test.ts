import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createSseRelay, type SseRelayOptions } from '../../../../src/gateway/answer/sse-relay.ts';
import { readRecording } from '../../../support/vllm-recordings.ts';

/** Streams of vLLM 0.32.0, byte for byte, cut in any way that a network may cut them. */

function relayed(chunks: readonly Buffer[], options: Partial<SseRelayOptions>) {
  const relay = createSseRelay({ path: '/v1/chat/completions', usageShown: 'none', answers: 1, ...options });
  const pieces: Buffer[] = [];
  for (const chunk of chunks) {
    const piece = relay.push(chunk);
    if (piece !== undefined) pieces.push(Buffer.from(piece));
  }
  const { rest, complete } = relay.end();
  if (rest !== undefined) pieces.push(rest);
  const { usage, seenTokens, failure, begun } = relay;
  return { text: Buffer.concat(pieces).toString(), complete, usage, seenTokens, failure, begun };
}

/** The bytes in pieces that end at these places, each in a buffer of its own. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return cuts.slice(1).map((end, index) => Buffer.from(bytes.subarray(cuts[index], end)));
}

const body = (name: string): string => readRecording(name).response.body;
const CONTINUOUS = body('chat_stream_continuous_usage');
/** Id and time differ from recording to recording. */
const sameMoment = (text: string): string =>
  text.replace(/"(chatcmpl|cmpl)-[0-9a-f]+"/g, '"ID"').replace(/"created":\d+/g, '"created":0');

describe('what a client gets of a stream with running usage', () => {
  test('that asked for nothing: what vLLM sends to one that asked for nothing', () => {
    const { text } = relayed([Buffer.from(CONTINUOUS)], { usageShown: 'none' });
    const frames = body('chat_stream_include_usage').split('\n\n');
    const withoutUsageFrame = frames.filter((frame) => !frame.includes('"usage"')).join('\n\n');
    expect(sameMoment(text)).toBe(sameMoment(withoutUsageFrame));
  });

  test('that asked for usage: byte for byte what vLLM sends without running usage', () => {
    const { text } = relayed([Buffer.from(CONTINUOUS)], { usageShown: 'last' });
    expect(sameMoment(text)).toBe(sameMoment(body('chat_stream_include_usage')));
  });

  test('that asked for running usage: all of it', () => {
    expect(relayed([Buffer.from(CONTINUOUS)], { usageShown: 'every' }).text).toBe(CONTINUOUS);
  });
});

describe('wherever the network cuts a recorded stream', () => {
  test.each<[string, Partial<SseRelayOptions>, object | undefined]>([
    ['chat_stream_continuous_usage', { usageShown: 'none' }, { promptTokens: 17, completionTokens: 8 }],
    ['chat_stream_continuous_usage', { usageShown: 'last' }, { promptTokens: 17, completionTokens: 8 }],
    ['chat_stream_continuous_usage', { usageShown: 'every' }, { promptTokens: 17, completionTokens: 8 }],
    ['chat_stream', {}, undefined],
    ['chat_n2_stream', { answers: 2 }, { promptTokens: 17, completionTokens: 16 }],
    ['completions_stream', { path: '/v1/completions' }, { promptTokens: 3, completionTokens: 4 }],
    ['responses_stream', { path: '/v1/responses', usageShown: 'every' }, { completionTokens: 8 }],
    [
      'messages_stream',
      { path: '/v1/messages', usageShown: 'every' },
      { promptTokens: 17, completionTokens: 8 },
    ],
  ])('%s, %j: the client gets the same bytes, and the count is the same', (name, options, usage) => {
    const bytes = Buffer.from(body(name));
    const whole = relayed([Buffer.from(bytes)], options);
    expect(whole).toMatchObject({ complete: true, failure: undefined, ...(usage && { usage }) });
    const eachByte = Array.from(bytes.keys());
    expect(relayed(cutAt(bytes, eachByte), options)).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1_000_000 }), { maxLength: 20 }), (places) => {
        expect(relayed(cutAt(bytes, places), options)).toEqual(whole);
      }),
    );
  });

  test('CRLF in place of LF makes no difference to the count, and CRLF is what the client gets', () => {
    const crlf = Buffer.from(CONTINUOUS.replaceAll('\n', '\r\n'));
    const lf = relayed([Buffer.from(CONTINUOUS)], {});
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1_000_000 }), { maxLength: 20 }), (places) => {
        const got = relayed(cutAt(crlf, places), {});
        expect(got).toEqual({ ...lf, text: lf.text.replaceAll('\n', '\r\n') });
      }),
    );
  });
});

describe('what is known of a recorded stream that breaks off', () => {
  const frames = (name: string): string[] => body(name).split(/(?<=\n\n)/);

  test('chat: after every frame, the tokens so far and the exact prompt', () => {
    const all = frames('chat_stream_continuous_usage');
    const counts = all
      .slice(0, -2)
      .map((_, index) => relayed([Buffer.from(all.slice(0, index + 1).join(''))], {}));
    expect(counts.map(({ seenTokens }) => seenTokens)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(new Set(counts.map(({ usage }) => usage?.promptTokens))).toEqual(new Set([17]));
  });

  test('chat with two answers: the running usage of each answer, added up', () => {
    const running = (index: number, tokens: number): string =>
      `data: {"id":"x","choices":[{"index":${index},"delta":{"content":"a"}}],"usage":{"prompt_tokens":17,"total_tokens":0,"completion_tokens":${tokens}}}\n\n`;
    const text = [running(0, 0), running(1, 0), running(0, 1), running(1, 1), running(0, 2)].join('');
    expect(relayed([Buffer.from(text)], { answers: 2 }).usage).toMatchObject({
      promptTokens: 17,
      completionTokens: 3,
    });
  });

  test.each([
    ['responses_stream', '/v1/responses', undefined],
    ['messages_stream', '/v1/messages', 17],
  ])('%s: a token for each piece of text; the prompt as far as it was told', (name, path, promptTokens) => {
    const all = frames(name);
    const pieces = all.filter((frame) => /^event: \S*delta\ndata: .*("delta":"|text_delta)/.test(frame));
    const untilLastPiece = all.slice(0, all.indexOf(pieces.at(-1) ?? '') + 1);
    const cut = relayed([Buffer.from(untilLastPiece.join(''))], { path });
    expect(pieces.length).toBeGreaterThan(3);
    expect([cut.seenTokens, cut.usage?.promptTokens, cut.complete]).toEqual([
      pieces.length,
      promptTokens,
      false,
    ]);
  });

  test('an engine without running usage: a token for each chunk but the first, which only names the role', () => {
    const all = frames('chat_stream');
    expect(relayed([Buffer.from(all.slice(0, 4).join(''))], {}).seenTokens).toBe(3);
  });
});
