import { describe, expect, test } from '@jest/globals';
import type { Seat } from '../../../../src/gateway/identity/seat.ts';
import type { JsonObject } from '../../../../src/gateway/request/body.ts';
import type { EnginePath } from '../../../../src/gateway/request/endpoints.ts';
import { DROPPED_FIELDS } from '../../../../src/gateway/request/fields.ts';
import { type PreparedRequest, prepareRequest } from '../../../../src/gateway/request/prepare.ts';
import { aClassroomLimiting, alice } from '../builders.ts';

const CHAT = '/v1/chat/completions';

function prepared(body: JsonObject, path: EnginePath = CHAT, seat: Seat = alice()): PreparedRequest {
  const result = prepareRequest(path, { model: 'qwen', ...body }, seat);
  if (!result.ok) throw new Error(`refused: ${result.refusal.message}`);
  return result.request;
}

function sent(body: JsonObject, path: EnginePath = CHAT, seat?: Seat): JsonObject {
  return JSON.parse(prepared(body, path, seat).body);
}

function refused(body: JsonObject, path: EnginePath = CHAT) {
  const result = prepareRequest(path, { model: 'qwen', ...body }, alice());
  if (result.ok) throw new Error(`accepted as ${result.request.body}`);
  const { code, param, status, message } = result.refusal;
  return { code, param, status, message };
}

describe('the model', () => {
  test.each(['qwen', 'gpt-4o'])('%s is sent under the name that the engine serves first', (model) => {
    expect(sent({ model }).model).toBe('qwen');
  });

  test('another one is a 404 that lists the names of the class', () => {
    expect(refused({ model: 'gpt-5' })).toMatchObject({
      code: 'model_not_found',
      param: 'model',
      status: 404,
    });
    expect(refused({ model: 'gpt-5' }).message).toContain('"qwen" or "gpt-4o"');
  });

  test.each([undefined, null, ''])('%j is refused: vLLM would take its base model', (model) => {
    expect(refused({ model })).toMatchObject({ code: 'model_required', param: 'model' });
  });

  test.each(['../../adapters/bob', 'qwen ', 'QWEN', 'qwen\u0000'])('%j is no name of the class', (model) => {
    expect(refused({ model })).toMatchObject({ code: 'model_not_found' });
  });

  test('a number is no name', () => {
    expect(refused({ model: 1 })).toMatchObject({ code: 'invalid_parameter', param: 'model' });
  });
});

describe('who asks', () => {
  test('cannot be said in the body', () => {
    const body = sent({
      cache_salt: 'salt of bob',
      priority: -100,
      user: 'bob',
      request_id: 'chatcmpl-of-bob',
      safety_identifier: 'bob',
      prompt_cache_key: 'bob',
      data_parallel_rank: 3,
      messages: [],
    });
    expect(body).toEqual({
      model: 'qwen',
      messages: [],
      cache_salt: 'salt of alice in school/python-101',
      max_completion_tokens: 1024,
    });
  });
});

describe('the most tokens of an answer', () => {
  const limited = alice(aClassroomLimiting({ maxOutputTokens: 100 }));

  test.each<[string, EnginePath, JsonObject, JsonObject, boolean]>([
    ['nothing wished: the limit', CHAT, {}, { max_completion_tokens: 100 }, false],
    ['less than the limit', CHAT, { max_tokens: 7 }, { max_completion_tokens: 7 }, false],
    ['more than the limit', CHAT, { max_tokens: 101 }, { max_completion_tokens: 100 }, true],
    ['null is no wish', CHAT, { max_tokens: null }, { max_completion_tokens: 100 }, false],
    [
      'a small old name does not hide a large new one',
      CHAT,
      { max_tokens: 1, max_completion_tokens: 9999 },
      { max_completion_tokens: 100 },
      true,
    ],
    [
      'a large old name does not override a small new one',
      CHAT,
      { max_tokens: 9999, max_completion_tokens: 3 },
      { max_completion_tokens: 3 },
      false,
    ],
    ['another endpoint’s name', CHAT, { max_output_tokens: 9999 }, { max_completion_tokens: 100 }, false],
    ['completions: the default of the API', '/v1/completions', {}, { max_tokens: 16 }, false],
    ['completions: a wish', '/v1/completions', { max_tokens: 5000 }, { max_tokens: 100 }, true],
    [
      'responses',
      '/v1/responses',
      { max_output_tokens: 5000 },
      { max_output_tokens: 100, store: false },
      true,
    ],
    ['embeddings generate nothing', '/v1/embeddings', { max_tokens: 5000 }, {}, false],
  ])('%s', (_, path, body, want, lowered) => {
    const { model: _model, cache_salt: _salt, ...rest } = sent(body, path, limited);
    expect(rest).toEqual(want);
    expect(prepared(body, path, limited).outputLowered).toBe(lowered);
  });

  test('never more than the context, which vLLM would refuse', () => {
    const seat = alice(aClassroomLimiting({ maxOutputTokens: 100_000 }, { maxModelLen: 2048 }));
    expect(sent({}, CHAT, seat).max_completion_tokens).toBe(2048);
  });

  test.each([0, -1, 1.5, '8', 1e300, true, []])('%j is refused', (max_tokens) => {
    expect(refused({ max_tokens })).toMatchObject({ code: 'invalid_parameter', param: 'max_tokens' });
  });

  test('a bad second name is refused even where the first one decides', () => {
    expect(refused({ max_completion_tokens: 5, max_tokens: '9' })).toMatchObject({ param: 'max_tokens' });
  });
});

describe('several answers in one request', () => {
  test.each([1, null, undefined])('n: %j is fine', (n) => {
    expect(prepared({ n }).cost.outputTokens).toBe(1024);
  });

  test.each([2, 0, '2', 1.5, true])('n: %j is refused', (n) => {
    expect(refused({ n })).toMatchObject({ code: 'invalid_parameter', param: 'n' });
  });

  test.each([
    ['one'],
    ['several', ['a', 'b'], 'prompt'],
    ['tokens', [1, 2, 3]],
    ['lists', [[1], [2]], 'prompt'],
  ])('a completions prompt of %s', (_, prompt: unknown = 'a', param?: string) => {
    const result = prepareRequest('/v1/completions', { model: 'qwen', prompt }, alice());
    expect(result.ok ? undefined : result.refusal.param).toBe(param);
  });
});

describe('fields that do not reach an engine', () => {
  test.each([...DROPPED_FIELDS])('%s is dropped, and the answer will say so', (field) => {
    const request = prepared({ [field]: 'x' });
    expect(JSON.parse(request.body)).not.toHaveProperty(field);
    expect(request.droppedFields).toEqual([field]);
  });

  test('what OpenAI clients send every day is kept as it is', () => {
    const usual = {
      messages: [{ role: 'user', content: 'hi' }],
      temperature: 0.2,
      top_p: 0.9,
      stop: ['\n'],
      seed: 7,
      logprobs: true,
      top_logprobs: 2,
      presence_penalty: 0.1,
      tools: [{ type: 'function', function: { name: 'f' } }],
      tool_choice: 'auto',
      response_format: { type: 'json_object' },
      metadata: { a: 'b' },
    };
    expect(sent(usual)).toMatchObject(usual);
    expect(prepared(usual).droppedFields).toEqual([]);
  });

  test('echo is dropped only together with logprobs', () => {
    expect(sent({ echo: true, prompt: 'a' }, '/v1/completions').echo).toBe(true);
    expect(sent({ echo: true, logprobs: 1, prompt: 'a' }, '/v1/completions')).not.toHaveProperty('echo');
  });

  test('a key named __proto__ changes nothing', () => {
    const body = JSON.parse('{"model":"qwen","__proto__":{"stream":true,"n":5}}');
    expect(prepared(body).streaming).toBe(false);
  });
});

describe('usage of streams', () => {
  test.each<[string, JsonObject, JsonObject | undefined, boolean]>([
    ['not asked for', { stream: true }, { include_usage: true }, true],
    [
      'refused by the client',
      { stream: true, stream_options: { include_usage: false } },
      { include_usage: true },
      true,
    ],
    ['asked for', { stream: true, stream_options: { include_usage: true } }, { include_usage: true }, false],
    ['null options', { stream: true, stream_options: null }, { include_usage: true }, true],
    [
      'other options are kept',
      { stream: true, stream_options: { include_obfuscation: false } },
      { include_obfuscation: false, include_usage: true },
      true,
    ],
    [
      'continuous usage with usage',
      { stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } },
      { include_usage: true, continuous_usage_stats: true },
      false,
    ],
    [
      'continuous usage alone does nothing in vLLM, so nothing with us',
      { stream: true, stream_options: { continuous_usage_stats: true } },
      { include_usage: true },
      true,
    ],
    ['no stream', {}, undefined, false],
  ])('%s', (_, body, want, hide) => {
    expect(sent(body).stream_options).toEqual(want);
    expect(prepared(body).hideUsage).toBe(hide);
  });

  test('responses always report it, and are asked for nothing', () => {
    expect(sent({ stream: true, input: 'a' }, '/v1/responses')).not.toHaveProperty('stream_options');
  });

  test.each(['true', 1, 'yes'])('stream: %j is refused: vLLM would take it for true', (stream) => {
    expect(refused({ stream })).toMatchObject({ code: 'invalid_parameter', param: 'stream' });
  });

  test('options that are no object are refused', () => {
    expect(refused({ stream: true, stream_options: 'all' })).toMatchObject({ param: 'stream_options' });
  });
});

describe('responses', () => {
  const RESPONSES = '/v1/responses';

  test('are never stored in an engine that others use', () => {
    expect(sent({ input: 'a', store: true }, RESPONSES).store).toBe(false);
  });

  test.each<[string, JsonObject]>([
    ['background', { background: true }],
    ['previous_response_id', { previous_response_id: 'resp_of_bob' }],
    ['tools', { tools: [{ type: 'mcp', server_url: 'http://10.0.0.1' }] }],
  ])('%s is refused', (param, body) => {
    expect(refused(body, RESPONSES)).toMatchObject({ code: 'invalid_parameter', param });
  });

  test("tools that the student's own program runs are fine", () => {
    const tools = [{ type: 'function', name: 'f' }];
    expect(sent({ tools }, RESPONSES).tools).toEqual(tools);
  });
});

test('a body that is nested deeper than can be written again is refused', () => {
  const deep = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
  expect(refused({ messages: deep })).toMatchObject({ code: 'invalid_json' });
});
