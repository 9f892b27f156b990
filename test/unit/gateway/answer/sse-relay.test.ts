import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createJsonRelay } from '../../../../src/gateway/answer/answer-relay.ts';
import { createSseRelay, errorEvent, hasChoices } from '../../../../src/gateway/answer/sse-relay.ts';
import { refuse } from '../../../../src/gateway/errors.ts';

const frame = (data: string): string => `data: ${data}\n\n`;
const token = (text: string): string =>
  frame(JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content: text } }] }));
const USAGE = frame(
  '{"id":"x","choices":[],"usage":{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2}}',
);
const DONE = frame('[DONE]');

function relayed(
  chunks: readonly (string | Buffer)[],
  options: Partial<Parameters<typeof createSseRelay>[0]> = {},
) {
  const relay = createSseRelay({ path: '/v1/chat/completions', usageShown: 'none', answers: 1, ...options });
  const pieces = chunks.map((chunk) => relay.push(Buffer.from(chunk))?.toString() ?? '');
  const { rest, complete } = relay.end();
  return {
    pieces,
    rest: rest?.toString(),
    text: pieces.join('') + (rest?.toString() ?? ''),
    complete,
    usage: relay.usage,
    failure: relay.failure,
  };
}

/** The same bytes cut at these places. */
function cutAt(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

describe('a stream on its way to the client', () => {
  test('tokens leave in the turn in which they came, untouched', () => {
    expect(relayed([token('a'), token('b'), token('c') + token('d')]).pieces).toEqual([
      token('a'),
      token('b'),
      token('c') + token('d'),
    ]);
  });

  test('the usage that the client did not ask for is read and hidden', () => {
    const { text, usage } = relayed([token('a'), USAGE, DONE]);
    expect(text).toBe(token('a') + DONE);
    expect(usage).toEqual({ promptTokens: 3, completionTokens: 2, cachedTokens: undefined });
  });

  test('the usage that the client asked for is passed on', () => {
    expect(relayed([token('a'), USAGE + DONE], { usageShown: 'last' }).text).toBe(token('a') + USAGE + DONE);
  });

  test('usage that comes with a token is read too, and cut out of the frame', () => {
    const both = frame('{"choices":[{"delta":{}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}');
    expect(relayed([both, DONE])).toMatchObject({
      text: frame('{"choices":[{"delta":{}}]}') + DONE,
      usage: { completionTokens: 1 },
    });
  });

  test('the last of several usages counts', () => {
    const first = frame('{"choices":[{}],"usage":{"prompt_tokens":3,"completion_tokens":1}}');
    expect(relayed([first, USAGE, DONE]).usage).toMatchObject({ completionTokens: 2 });
  });

  test('the end waits until the caller lets it go', () => {
    const { pieces, rest } = relayed([token('a') + DONE]);
    expect([pieces, rest]).toEqual([[token('a')], DONE]);
  });

  test.each([
    ['nothing', []],
    ['no end', [token('a')]],
    ['half a frame', [token('a'), 'data: {"cho']],
    ['half an end', [token('a'), 'data: [DONE]']],
  ])('%s is not complete, and half a frame is not passed on', (_, chunks) => {
    const { complete, text } = relayed(chunks);
    expect(complete).toBe(false);
    expect(text).toBe(chunks.includes(token('a')) ? token('a') : '');
  });

  test('an error inside the stream is read, and nothing after it is passed on', () => {
    const error = frame('{"error": {"message": "busy", "type": "x", "param": null, "code": 503}}');
    const { text, failure } = relayed([token('a') + error + token('b'), token('c'), DONE]);
    expect(text).toBe(token('a'));
    expect(failure).toEqual({ status: 503, message: 'busy', param: undefined });
  });

  test('a model that writes our marks ends nothing', () => {
    const text = token('data: [DONE]\n\ndata: {"error": 1}\n\n"usage":{"prompt_tokens":1}') + token('b');
    expect(relayed([text, DONE])).toMatchObject({ text: text + DONE, complete: true, failure: undefined });
  });

  test('line ends of Windows and comments are fine', () => {
    const text = ': ping\r\n\r\ndata: {"a":1}\r\n\r\ndata: [DONE]\r\n\r\n';
    expect(relayed([text.slice(0, 12), text.slice(12)])).toMatchObject({ text, complete: true });
  });

  test('a frame larger than may be held is passed on in pieces', () => {
    const huge = token('x'.repeat(5 * 1024 * 1024));
    const { text, pieces } = relayed([huge.slice(0, 4_500_000), huge.slice(4_500_000), DONE]);
    expect(text === huge + DONE).toBe(true);
    expect(pieces[0]?.length).toBe(4_500_000);
  });

  test('wherever the network cuts the bytes, the client gets the same', () => {
    const text = token('für') + token('"usage"') + token('日本') + USAGE + DONE;
    const want = text.replace(USAGE, '');
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
        expect(relayed(cutAt(text, places))).toMatchObject({
          text: want,
          complete: true,
          usage: { promptTokens: 3, completionTokens: 2 },
        });
      }),
    );
  });
});

describe('a stream of /v1/responses', () => {
  const responses = { path: '/v1/responses' as const, usageShown: 'every' as const };
  const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const created = event('response.created', {
    response: { tools: [{ parameters: { usage: { input_tokens: 0, output_tokens: 0 } } }], usage: null },
  });
  const completed = event('response.completed', {
    response: { usage: { input_tokens: 4, output_tokens: 6 } },
  });

  test('ends with its own event, which has the usage', () => {
    expect(relayed([created, completed], responses)).toMatchObject({
      pieces: [created, ''],
      rest: completed,
      complete: true,
      usage: { promptTokens: 4, completionTokens: 6 },
    });
  });

  test.each(['incomplete', 'failed'])('response.%s ends it too', (end) => {
    expect(relayed([event(`response.${end}`, { response: {} })], responses).complete).toBe(true);
  });

  test('what the client wrote into a tool is no usage', () => {
    expect(relayed([created], responses)).toMatchObject({ usage: undefined, complete: false });
  });
});

describe('the event that ends a stream early', () => {
  const refusal = refuse('engine_failed', { classroom: 'python-101' });

  test('is an error object in a chat stream', () => {
    const data = errorEvent(refusal, '/v1/chat/completions').trim().replace('data: ', '');
    expect(JSON.parse(data)).toEqual({
      error: { message: refusal.message, type: 'server_error', param: null, code: 'engine_failed' },
    });
  });

  test('is an event of type error in a stream of /v1/responses', () => {
    const [name, data] = errorEvent(refusal, '/v1/responses').trim().split('\n');
    expect(name).toBe('event: error');
    expect(JSON.parse(data?.replace('data: ', '') ?? '')).toMatchObject({
      type: 'error',
      code: 'engine_failed',
    });
  });
});

describe('an answer in one piece', () => {
  test('keeps its last chunk until its end, and finds the usage across chunks', () => {
    const relay = createJsonRelay({ saysWhyFinished: true });
    expect(relay.push(Buffer.from('{"a":1,"usa'))).toBeUndefined();
    expect(relay.push(Buffer.from('ge":{"prompt_tokens":1,'))?.toString()).toBe('{"a":1,"usa');
    expect(relay.push(Buffer.from('"completion_tokens":2}}'))?.toString()).toBe('ge":{"prompt_tokens":1,');
    expect(relay.end()).toMatchObject({ rest: Buffer.from('"completion_tokens":2}}'), complete: true });
    expect(relay.usage).toEqual({ promptTokens: 1, completionTokens: 2, cachedTokens: undefined });
  });

  test('finds the usage at the end of a very long answer', () => {
    const relay = createJsonRelay({ saysWhyFinished: true });
    for (let i = 0; i < 100; i++) relay.push(Buffer.alloc(10_000, 'x'));
    relay.push(Buffer.from(',"usage":{"prompt_tokens":1,"completion_tokens":2}}'));
    relay.end();
    expect(relay.usage).toMatchObject({ completionTokens: 2 });
  });

  test.each([
    ['/v1/chat/completions', false],
    ['/v1/completions', false],
    ['/v1/responses', true],
    ['/v1/messages', true],
  ])('of %s that reads as if the engine was stopped is complete: %s', (path, complete) => {
    const relay = createJsonRelay({ saysWhyFinished: hasChoices(path) });
    relay.push(Buffer.from('{"metadata":{"finish_reason":"abort"}}'));
    expect(relay.end().complete).toBe(complete);
  });
});
