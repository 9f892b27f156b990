import { describe, expect, test } from '@jest/globals';
import type { Seat } from '../../../../src/gateway/identity/seat.ts';
import type { JsonObject } from '../../../../src/gateway/request/body.ts';
import { ENGINE_PATHS, type EnginePath } from '../../../../src/gateway/request/endpoints.ts';
import {
  type PreparedRequest,
  prepareRequest,
  withOutputCap,
} from '../../../../src/gateway/request/prepare.ts';
import { aClassroom, aClassroomLimiting, alice, SQL } from '../builders.ts';

const CHAT = '/v1/chat/completions';

const HELLO = [{ role: 'user', content: 'Hello' }];
/** The least that each endpoint takes. */
const LEAST: Record<EnginePath, JsonObject> = {
  '/v1/chat/completions': { messages: HELLO },
  '/v1/completions': { prompt: 'def' },
  '/v1/responses': { input: 'Hello' },
  '/v1/embeddings': { input: 'Hello' },
  '/v1/messages': { messages: HELLO, max_tokens: 10 },
};

function prepare(body: JsonObject, path: EnginePath, seat: Seat = alice()) {
  return prepareRequest(path, { model: 'qwen', ...LEAST[path], ...body }, seat);
}

function prepared(body: JsonObject, path: EnginePath = CHAT, seat?: Seat): PreparedRequest {
  const result = prepare(body, path, seat);
  if (!result.ok) throw new Error(`refused: ${result.refusal.message}`);
  return result.request;
}

/** What the engine gets. */
function sent(body: JsonObject, path: EnginePath = CHAT, seat?: Seat): JsonObject {
  return JSON.parse(prepared(body, path, seat).body);
}

function refused(body: JsonObject, path: EnginePath = CHAT) {
  const result = prepare(body, path);
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

  test.each([1, ['qwen'], { id: 'qwen' }, true])('%j is no name', (model) => {
    expect(refused({ model })).toMatchObject({ code: 'invalid_parameter', param: 'model' });
  });
});

describe('an adapter', () => {
  const withSql = alice(aClassroom({ adapters: [SQL] }));

  test.each(SQL.modelNames)('called %s is sent under the name that engines have it by', (model) => {
    expect(sent({ model }, CHAT, withSql).model).toBe('qwen:sql');
    const { servedModel, adapter, ticket } = prepared({ model }, CHAT, withSql);
    expect([servedModel, adapter, ticket.adapter]).toEqual(['qwen:sql', SQL, SQL]);
  });

  test('has a cache of its own for each student and each version: its name would not tell versions apart', () => {
    expect(sent({ model: 'qwen:sql' }, CHAT, withSql).cache_salt).toBe(
      'salt of alice in school/python-101.v1',
    );
  });

  test('is needed also after the output was lowered', () => {
    const request = prepared({ model: 'qwen:sql', max_tokens: 100 }, CHAT, withSql);
    expect(withOutputCap(request, 10).ticket.adapter).toBe(SQL);
  });

  test.each(['qwen:haiku', 'sql', ':sql', 'qwen:sql:sql'])('that the class does not have: %s', (model) => {
    const result = prepare({ model }, CHAT, withSql);
    expect(!result.ok && result.refusal).toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('"qwen" or "gpt-4o" or "qwen:sql"'),
    });
  });

  test('is refused in an exam, which names what may be used', () => {
    const exam = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
    const inExam = alice(aClassroom({ adapters: [SQL], access: 'Exam', exam }));
    const result = prepare({ model: 'gpt-4o:sql' }, CHAT, inExam);
    expect(!result.ok && result.refusal).toMatchObject({
      code: 'adapters_not_allowed',
      status: 403,
      param: 'model',
      message: expect.stringMatching(/exam.*"gpt-4o:sql".*"qwen" or "gpt-4o"\./),
    });
  });

  test('is served in an exam that allows it', () => {
    const exam = { students: [], maxOutputTokens: 512, allowAdapters: true, allowTools: false };
    const inExam = alice(aClassroom({ adapters: [SQL], access: 'Exam', exam }));
    expect(sent({ model: 'qwen:sql' }, CHAT, inExam).model).toBe('qwen:sql');
  });

  test('never takes the place of a model of its name', () => {
    const named = aClassroom({ modelNames: ['qwen', 'qwen:sql'], adapters: [SQL] });
    expect(prepared({ model: 'qwen:sql' }, CHAT, alice(named)).adapter).toBeUndefined();
  });
});

describe('tools', () => {
  const exam = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
  const inExam = alice(aClassroom({ access: 'Exam', exam }));
  const tool = { type: 'function', function: { name: 'search' } };

  test.each<[EnginePath, JsonObject]>([
    [CHAT, { tools: [tool] }],
    ['/v1/responses', { input: 'Hello', tools: [{ type: 'function', name: 'search' }] }],
    ['/v1/messages', { max_tokens: 9, tools: [{ name: 'search', input_schema: {} }] }],
  ])('are refused in an exam: %s', (path, body) => {
    const result = prepare(body, path, inExam);
    expect(!result.ok && result.refusal).toMatchObject({
      code: 'tools_not_allowed',
      status: 403,
      param: 'tools',
    });
  });

  test('pass in an exam that allows them, and outside of exams', () => {
    const allowed = alice(aClassroom({ access: 'Exam', exam: { ...exam, allowTools: true } }));
    expect(sent({ tools: [tool] }, CHAT, allowed).tools).toEqual([tool]);
    expect(sent({ tools: [tool] }).tools).toEqual([tool]);
  });

  test('that are an empty list are none', () => {
    expect(prepare({ input: 'Hello', tools: [] }, '/v1/responses', inExam).ok).toBe(true);
  });
});

describe('who asks', () => {
  const CLAIMS = {
    cache_salt: 'salt of bob',
    priority: -100,
    user: 'bob',
    request_id: 'chatcmpl-of-bob',
    safety_identifier: 'bob',
    prompt_cache_key: 'bob',
    service_tier: 'priority',
    data_parallel_rank: 3,
  };

  test.each(ENGINE_PATHS)('cannot be said in the body of %s', (path) => {
    const body = sent(CLAIMS, path);
    expect(body.cache_salt).toBe('salt of alice in school/python-101');
    const { cache_salt: _, ...others } = CLAIMS;
    for (const field of Object.keys(others)) expect(body).not.toHaveProperty(field);
  });

  test('is named among what was dropped', () => {
    expect(prepared(CLAIMS).droppedFields).toEqual(Object.keys(CLAIMS));
  });
});

describe('the most tokens of an answer', () => {
  const limited = alice(aClassroomLimiting({ maxOutputTokens: 100 }));
  const caps = ({ max_tokens, max_completion_tokens, max_output_tokens, min_tokens }: JsonObject) =>
    Object.fromEntries(
      Object.entries({ max_tokens, max_completion_tokens, max_output_tokens, min_tokens }).filter(
        ([, value]) => value !== undefined,
      ),
    );

  test.each<[string, EnginePath, JsonObject, JsonObject, boolean]>([
    ['nothing wished: the limit', CHAT, {}, { max_completion_tokens: 100 }, false],
    ['less than the limit', CHAT, { max_tokens: 7 }, { max_completion_tokens: 7 }, false],
    ['more than the limit', CHAT, { max_tokens: 101 }, { max_completion_tokens: 100 }, true],
    ['a number with a point that is whole', CHAT, { max_tokens: 8.0 }, { max_completion_tokens: 8 }, false],
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
    [
      'a null of the new name leaves the word to the old one',
      CHAT,
      { max_tokens: 9, max_completion_tokens: null },
      { max_completion_tokens: 9 },
      false,
    ],
    ['another endpoint’s name', CHAT, { max_output_tokens: 9999 }, { max_completion_tokens: 100 }, false],
    ['a least is no way around the most', CHAT, { min_tokens: 9999 }, { max_completion_tokens: 100 }, false],
    ['completions: the default of the API', '/v1/completions', {}, { max_tokens: 16 }, false],
    ['completions: a wish', '/v1/completions', { max_tokens: 5000 }, { max_tokens: 100 }, true],
    [
      'completions: the name of chats',
      '/v1/completions',
      { max_completion_tokens: 5000 },
      { max_tokens: 16 },
      false,
    ],
    ['responses', '/v1/responses', { max_output_tokens: 5000 }, { max_output_tokens: 100 }, true],
    ['responses: the old name', '/v1/responses', { max_tokens: 1 }, { max_output_tokens: 100 }, false],
    ['messages', '/v1/messages', { max_tokens: 5000 }, { max_tokens: 100 }, true],
    ['embeddings generate nothing', '/v1/embeddings', { max_tokens: 5000 }, {}, false],
  ])('%s', (_, path, body, want, lowered) => {
    expect(caps(sent(body, path, limited))).toEqual(want);
    const request = prepared(body, path, limited);
    expect(request.outputLowered).toBe(lowered);
    expect(request.cost.outputTokens).toBe(Object.values(want)[0] ?? 0);
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

  test.each(ENGINE_PATHS)('%s can be held to fewer later on', (path) => {
    const request = prepared({}, path);
    const less = withOutputCap(request, 3);
    const wanted = path === '/v1/embeddings' ? 0 : 3;
    expect(less.cost.outputTokens).toBe(wanted);
    expect(Object.values(caps(JSON.parse(less.body)))).toEqual(wanted === 0 ? [] : [3]);
    expect(less.ticket.kvTokens).toBeLessThanOrEqual(request.ticket.kvTokens);
  });
});

describe('several answers in one request', () => {
  test.each<[unknown, number, boolean]>([
    [1, 1, false],
    [null, 1, false],
    [undefined, 1, false],
    [2, 2, false],
    [4, 4, false],
    [5, 4, true],
    [16_384, 4, true],
  ])('n: %j gives %j', (n, answers, lowered) => {
    const request = prepared({ n });
    expect(request.cost.answers).toBe(answers);
    expect(request.answersLowered).toBe(lowered);
    expect(JSON.parse(request.body).n ?? 1).toBe(answers);
  });

  test('occupy the cache once for the prompt and once for each answer', () => {
    const { cost, ticket } = prepared({ n: 3, max_tokens: 10 });
    expect(ticket.kvTokens).toBe(cost.expectedPromptTokens + 30);
  });

  test.each([0, -1, '2', 1.5, true, 1e20])('n: %j is refused', (n) => {
    expect(refused({ n })).toMatchObject({ code: 'invalid_parameter', param: 'n' });
  });

  test('best_of is no other name for it', () => {
    expect(prepared({ best_of: 20 }, '/v1/completions').cost.answers).toBe(1);
  });

  test.each<[string, unknown]>([
    ['one', 'a'],
    ['one in a list', ['a']],
    ['tokens', [1, 2, 3]],
    ['tokens in a list', [[1, 2, 3]]],
  ])('a completions prompt of %s is fine', (_, prompt) => {
    expect(sent({ prompt }, '/v1/completions').prompt).toEqual(prompt);
  });

  test.each([[['a', 'b']], [[[1], [2]]]])('the completions prompts %j are refused', (prompt) => {
    expect(refused({ prompt }, '/v1/completions')).toMatchObject({
      param: 'prompt',
      message: expect.stringContaining('one prompt'),
    });
  });
});

describe('usage of streams', () => {
  const CONTINUOUS = { include_usage: true, continuous_usage_stats: true };

  test.each<[string, JsonObject, JsonObject | undefined, string]>([
    ['not asked for', { stream: true }, CONTINUOUS, 'none'],
    ['refused', { stream: true, stream_options: { include_usage: false } }, CONTINUOUS, 'none'],
    ['asked for', { stream: true, stream_options: { include_usage: true } }, CONTINUOUS, 'last'],
    ['null options', { stream: true, stream_options: null }, CONTINUOUS, 'none'],
    [
      'options that vLLM does not have',
      { stream: true, stream_options: { include_obfuscation: false } },
      CONTINUOUS,
      'none',
    ],
    ['continuous usage with usage', { stream: true, stream_options: CONTINUOUS }, CONTINUOUS, 'every'],
    [
      'continuous usage alone does nothing in vLLM, so nothing with us',
      { stream: true, stream_options: { continuous_usage_stats: true } },
      CONTINUOUS,
      'none',
    ],
    ['no stream', {}, undefined, 'every'],
  ])('%s', (_, body, want, shown) => {
    expect(sent(body).stream_options).toEqual(want);
    expect(prepared(body).usageShown).toBe(shown);
  });

  test.each(['/v1/responses', '/v1/messages'] as const)('%s always reports it, unasked', (path) => {
    expect(sent({ stream: true }, path)).not.toHaveProperty('stream_options');
  });

  test.each(['true', 1, 'yes'])('stream: %j is refused: vLLM would take it for true', (stream) => {
    expect(refused({ stream })).toMatchObject({ code: 'invalid_parameter', param: 'stream' });
  });

  test('options that are no object are refused', () => {
    expect(refused({ stream: true, stream_options: 'all' })).toMatchObject({ param: 'stream_options' });
  });
});

describe('responses', () => {
  test('are never stored in an engine that others use', () => {
    expect(sent({ store: true }, '/v1/responses').store).toBe(false);
  });

  test.each<[string, JsonObject, string]>([
    ['background', { background: true }, 'answered while you wait'],
    ['previous_response_id', { previous_response_id: 'resp_of_bob' }, 'Send the earlier turns'],
    ['conversation', { conversation: 'conv_of_bob' }, 'Send the earlier turns'],
    ['tools[0].type', { tools: [{ type: 'mcp', server_url: 'http://10.0.0.1' }] }, 'your own program runs'],
  ])('%s is refused', (param, body, why) => {
    expect(refused(body, '/v1/responses')).toMatchObject({ code: 'invalid_parameter', param });
    expect(refused(body, '/v1/responses').message).toContain(why);
  });
});

describe('log-probabilities', () => {
  test('of the prompt are not given: echo is dropped together with logprobs', () => {
    expect(sent({ echo: true }, '/v1/completions').echo).toBe(true);
    const request = prepared({ echo: true, logprobs: 1 }, '/v1/completions');
    expect(JSON.parse(request.body)).not.toHaveProperty('echo');
    expect(request.droppedFields).toEqual(['echo']);
  });
});

describe('texts that are none', () => {
  test.each<[string, JsonObject]>([
    ['in a message', { messages: [{ role: 'user', content: 'a\ud800b' }] }],
    ['in a stop', { stop: '\udfff' }],
    ['in the name of a property', { tools: [tool({ '\ud83d': 1 })] }],
  ])('half a surrogate pair %s is refused', (_, body) => {
    expect(refused(body)).toMatchObject({ code: 'invalid_parameter', param: 'body' });
  });

  test.each(['\ud83d\ude00', '\\ud800', 'C:\\udd', '\u0000', '\ufeff', '\u2028'])(
    '%j is a text, and reaches the engine as it is',
    (content) => {
      expect(sent({ messages: [{ role: 'user', content }] }).messages).toEqual([{ role: 'user', content }]);
    },
  );
});

function tool(parameters: JsonObject): JsonObject {
  return { type: 'function', function: { name: 'f', parameters } };
}
