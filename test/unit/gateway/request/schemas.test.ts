import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/gateway/request/body.ts';
import type { EnginePath } from '../../../../src/gateway/request/endpoints.ts';
import { prepareRequest } from '../../../../src/gateway/request/prepare.ts';
import { ENDPOINTS } from '../../../../src/gateway/request/schemas/endpoint.ts';
import { SCHEMA_BOUNDS } from '../../../../src/gateway/request/schemas/json-schema.ts';
import { alice } from '../builders.ts';

const CHAT = '/v1/chat/completions';
const COMPLETIONS = '/v1/completions';
const RESPONSES = '/v1/responses';
const EMBEDDINGS = '/v1/embeddings';
const MESSAGES = '/v1/messages';

/** What the engine gets, or where and why not. */
function outcome(path: EnginePath, body: JsonObject) {
  const result = prepareRequest(path, { model: 'qwen', ...body }, alice());
  if (!result.ok) {
    const { status, code, param, message } = result.refusal;
    return { status, code, param, message };
  }
  const { body: sent, droppedFields } = result.request;
  return { sent: JSON.parse(sent), droppedFields };
}

const chat = (differs: JsonObject): JsonObject => ({
  messages: [{ role: 'user', content: 'Hello' }],
  ...differs,
});
const saying = (content: unknown, role = 'user'): JsonObject => ({ messages: [{ role, content }] });
const tool = (parameters: unknown, name = 'look_up'): JsonObject =>
  chat({ tools: [{ type: 'function', function: { name, parameters } }] });
const schemaOf = (schema: unknown): JsonObject =>
  chat({ response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } });
/** The beginning of a PNG of one pixel, and of one with 65,535 × 65,535. */
const PIXEL_DATA = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAAAAAAAA';
const BOMB_DATA = 'iVBORw0KGgoAAAANSUhEUgAA//8AAP//CAIAAAAAAAAA';
const PIXEL = `data:image/png;base64,${PIXEL_DATA}`;

describe('what clients send every day reaches the engine as it is', () => {
  test.each<[string, EnginePath, JsonObject]>([
    [
      'a chat with all the usual settings',
      CHAT,
      chat({
        temperature: 0.2,
        top_p: 0.9,
        stop: ['\n'],
        seed: 7,
        logprobs: true,
        top_logprobs: 2,
        presence_penalty: 0.1,
        frequency_penalty: -0.1,
        response_format: { type: 'json_object' },
        parallel_tool_calls: false,
        reasoning_effort: 'low',
      }),
    ],
    [
      "vLLM's own settings",
      CHAT,
      chat({ top_k: -1, min_p: 0.1, repetition_penalty: 1.1, stop_token_ids: [7] }),
    ],
    ['thinking switched off', CHAT, chat({ chat_template_kwargs: { enable_thinking: false } })],
    [
      'a conversation with tools',
      CHAT,
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'developer', content: [{ type: 'text', text: 'Very.' }] },
          { role: 'user', content: 'Weather?', name: 'alice' },
          {
            role: 'assistant',
            content: null,
            tool_calls: [
              { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'call_1', content: '12 °C' },
          { role: 'assistant', content: '12 °C.', reasoning_content: 'It is 12.' },
        ],
        tools: [
          {
            type: 'function',
            function: {
              name: 'weather',
              description: 'Tells the weather',
              parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
              strict: true,
            },
          },
        ],
        tool_choice: { type: 'function', function: { name: 'weather' } },
      },
    ],
    [
      'a picture',
      CHAT,
      saying([
        { type: 'text', text: 'What is it?' },
        { type: 'image_url', image_url: { url: PIXEL, detail: 'low' } },
      ]),
    ],
    [
      'a schema',
      CHAT,
      schemaOf({ type: 'object', $defs: { a: { pattern: '^[a-z]{2,8}$' } }, additionalProperties: false }),
    ],
    ['tokens', COMPLETIONS, { prompt: [1, 2, 3], echo: false }],
    [
      'a response',
      RESPONSES,
      {
        input: [
          { role: 'user', content: 'Hello' },
          {
            type: 'message',
            role: 'assistant',
            id: 'msg_1',
            status: 'completed',
            content: [{ type: 'output_text', text: 'Hi' }],
          },
          { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'Hm' }] },
          { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
          { type: 'function_call_output', call_id: 'c', output: '1' },
          { role: 'user', content: [{ type: 'input_image', image_url: PIXEL, detail: 'auto' }] },
        ],
        instructions: 'Be brief.',
        store: false,
        reasoning: { effort: 'low' },
        text: { format: { type: 'json_schema', name: 'a', schema: {}, strict: true } },
        tools: [{ type: 'function', name: 'f', parameters: {}, strict: false }],
        metadata: { lesson: '3' },
      },
    ],
    ['embeddings', EMBEDDINGS, { input: ['a', 'b'], encoding_format: 'base64', dimensions: 64 }],
    ['embeddings of tokens', EMBEDDINGS, { input: [[1, 2], [3]] }],
    [
      "Anthropic's messages",
      MESSAGES,
      {
        max_tokens: 10,
        system: [{ type: 'text', text: 'Be brief.' }],
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL_DATA } },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Hm', signature: 'x' },
              { type: 'tool_use', id: 't', name: 'f', input: { a: [1] } },
            ],
          },
          {
            role: 'user',
            content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: '1' }] }],
          },
        ],
        stop_sequences: ['END'],
        tools: [{ name: 'f', description: 'F', input_schema: { type: 'object' } }],
        tool_choice: { type: 'tool', name: 'f' },
      },
    ],
  ])('%s', (_, path, body) => {
    const result = outcome(path, body);
    expect(result).toMatchObject({ sent: body, droppedFields: [] });
  });
});

test.each<[EnginePath, JsonObject]>([
  [CHAT, chat({})],
  [COMPLETIONS, { prompt: 'a' }],
  [RESPONSES, { input: 'a' }],
  [EMBEDDINGS, { input: 'a' }],
  [MESSAGES, { max_tokens: 5, ...saying('a') }],
])('null is the same as nothing, for every field that %s may lack', (path, least) => {
  const { shape } = ENDPOINTS[path].schema;
  const optional = Object.keys(shape).filter((field) => field !== 'model' && !(field in least));
  const nulls = Object.fromEntries(optional.map((field) => [field, null]));
  expect(outcome(path, { ...nulls, ...least })).toEqual(outcome(path, least));
});

describe('a field of the wrong kind is a 400 that says where', () => {
  test.each<[string, EnginePath, JsonObject, string]>([
    ['messages', CHAT, { messages: undefined }, '"messages" must be a list.'],
    ['messages', CHAT, { messages: 'Hello' }, '"messages" must be a list.'],
    ['messages', CHAT, { messages: [] }, '"messages" must have at least 1 entry.'],
    ['messages[0]', CHAT, { messages: ['Hello'] }, '"messages[0]" must be an object.'],
    [
      'messages[0].role',
      CHAT,
      saying('a', 'wizard'),
      'must be one of "system", "developer", "user", "assistant", "tool"',
    ],
    ['messages[0].content', CHAT, saying(7), 'must be a text, or a list'],
    ['messages[0].content', CHAT, saying(null), 'must be a text, or a list'],
    [
      'messages[0].content[1].type',
      CHAT,
      saying([{ type: 'text', text: 'a' }, { type: 'video_url' }]),
      'must be one of "text", "image_url"',
    ],
    ['messages[0].content[0].text', CHAT, saying([{ type: 'text', text: 1 }]), 'must be a text'],
    [
      'messages[0].content[0].type',
      CHAT,
      saying([{ type: 'image_url', image_url: { url: PIXEL } }], 'system'),
      'must be "text"',
    ],
    ['temperature', CHAT, chat({ temperature: 2.1 }), 'must be at most 2'],
    ['temperature', CHAT, chat({ temperature: '0.5' }), 'must be a number'],
    [
      'temperature',
      CHAT,
      JSON.parse('{"messages":[{"role":"user","content":"a"}],"temperature":1e400}'),
      'must be a number',
    ],
    ['top_p', CHAT, chat({ top_p: 0 }), 'must be more than 0'],
    ['seed', CHAT, chat({ seed: 1e300 }), 'must be at most 9007199254740991'],
    ['stop', CHAT, chat({ stop: Array(5).fill('a') }), 'must have at most 4 entries'],
    ['stop[0]', CHAT, chat({ stop: [''] }), 'must have at least 1 character'],
    ['top_logprobs', CHAT, chat({ top_logprobs: 21 }), 'must be at most 20'],
    ['logprobs', COMPLETIONS, { prompt: 'a', logprobs: true }, 'must be a number'],
    ['prompt', COMPLETIONS, { prompt: undefined }, 'must be a text, or a list'],
    ['prompt[0]', COMPLETIONS, { prompt: [-1] }, 'must be a token id'],
    ['tools[0].function.name', CHAT, tool({}, 'rm -rf /'), 'must be 1 to 64 letters'],
    ['tools[0].function.parameters', CHAT, tool([]), 'must be an object'],
    [
      'response_format.type',
      CHAT,
      chat({ response_format: { type: 'structural_tag' } }),
      'must be one of "text"',
    ],
    ['tools', CHAT, chat({ tools: [] }), 'must have at least 1 entry'],
    ['tool_choice', CHAT, chat({ tool_choice: 'maybe' }), 'must be one of "none", "auto", "required"'],
    ['input', RESPONSES, { input: 7 }, 'must be a text, or a list'],
    ['input[0].type', RESPONSES, { input: [{ type: 'item_reference', id: 'msg_of_bob' }] }, 'must be one of'],
    [
      'metadata',
      RESPONSES,
      { input: 'a', metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ''])) },
      'must not have more than 16',
    ],
    ['metadata', RESPONSES, { input: 'a', metadata: { ['x'.repeat(65)]: 'a' } }, 'names of at most 64'],
    ['metadata', RESPONSES, { input: 'a', metadata: { a: 1 } }, 'must hold texts'],
    ['input', EMBEDDINGS, { input: [] }, 'must have at least 1 entry'],
    ['max_tokens', MESSAGES, saying('a'), 'must be a whole number of at least 1'],
    [
      'messages[0].content[0].source.type',
      MESSAGES,
      { max_tokens: 1, ...saying([{ type: 'image', source: { type: 'url', url: 'http://10.0.0.1' } }]) },
      'engines fetch nothing',
    ],
  ])('%s of %s %j', (param, path, body, why) => {
    expect(outcome(path, body)).toMatchObject({
      status: 400,
      code: 'invalid_parameter',
      param,
      message: expect.stringContaining(why),
    });
  });
});

describe('no engine fetches anything for a student', () => {
  test.each([
    'http://127.0.0.1:8000/metrics',
    'https://example.com/a.png',
    'file:///etc/passwd',
    'FILE:///etc/passwd',
    ' data:image/png;base64,AAAA',
    'data:text/html;base64,AAAA',
    'data:image/svg+xml;base64,AAAA',
    'data:image/png,AAAA',
    'data:image/png;base64,',
    'ftp://a',
    '',
  ])('%j is no picture', (url) => {
    const inChat = outcome(CHAT, saying([{ type: 'image_url', image_url: { url } }]));
    expect(inChat).toMatchObject({ status: 400, param: 'messages[0].content[0].image_url.url' });
    const inResponse = outcome(RESPONSES, {
      input: [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }],
    });
    expect(inResponse).toMatchObject({ status: 400, param: 'input[0].content[0].image_url' });
  });

  test('no picture makes an engine unpack gigabytes', () => {
    const url = `data:image/png;base64,${BOMB_DATA}`;
    const source = { type: 'base64', media_type: 'image/png', data: BOMB_DATA };
    const message = expect.stringContaining('million pixels');
    expect(outcome(CHAT, saying([{ type: 'image_url', image_url: { url } }]))).toMatchObject({ message });
    expect(outcome(MESSAGES, { max_tokens: 1, ...saying([{ type: 'image', source }]) })).toMatchObject({
      param: 'messages[0].content[0].source.data',
      message,
    });
  });

  test('no request has more pictures than an album', () => {
    const parts = (count: number) => Array(count).fill({ type: 'image_url', image_url: { url: PIXEL } });
    expect(outcome(CHAT, saying(parts(16)))).toHaveProperty('sent');
    expect(outcome(CHAT, saying(parts(17)))).toMatchObject({
      status: 400,
      param: 'messages',
      message: expect.stringContaining('16 pictures'),
    });
  });

  test.each(['input_audio', 'audio_url', 'video_url', 'file', 'image_embeds'])(
    'parts of type %s are refused',
    (type) => {
      const part = { type, [type]: { url: PIXEL, data: 'AAAA', format: 'wav' } };
      expect(outcome(CHAT, saying([part]))).toMatchObject({
        status: 400,
        param: 'messages[0].content[0].type',
      });
    },
  );

  test('a part cannot bring a second one with it', () => {
    const part = { type: 'text', text: 'a', video_url: { url: 'http://10.0.0.1' }, uuid: 'picture-of-bob' };
    expect(outcome(CHAT, saying([part]))).toMatchObject({
      sent: saying([{ type: 'text', text: 'a' }]),
      droppedFields: ['messages[].content[].video_url', 'messages[].content[].uuid'],
    });
  });
});

describe('JSON schemas', () => {
  const nested = (levels: number): JsonObject => {
    let schema: JsonObject = {};
    for (let level = 2; level <= levels; level++) schema = { items: schema };
    return schema;
  };
  const { depth, values, repetitions, patterns, patternLength } = SCHEMA_BOUNDS;

  test.each<[string, JsonObject]>([
    ['as deep as is allowed', nested(depth)],
    ['as many values as are allowed', { enum: Array.from({ length: values - 2 }, (_, index) => index) }],
    [
      'a property that is called pattern',
      { properties: { pattern: { type: 'string' }, maxItems: { type: 'number' } } },
    ],
    ['keys of JavaScript', JSON.parse('{"properties":{"__proto__":{"type":"string"},"constructor":{}}}')],
    ['a schema that contains itself', { $ref: '#/$defs/a', $defs: { a: { items: { $ref: '#/$defs/a' } } } }],
    ['a counted pattern', { pattern: '^(\\d{3}-){2}\\d{4}$' }],
  ])('%s: fine, and passed on unchanged', (_, schema) => {
    expect(outcome(CHAT, schemaOf(schema))).toMatchObject({ sent: schemaOf(schema), droppedFields: [] });
    expect(outcome(CHAT, tool(schema))).toMatchObject({ sent: tool(schema) });
  });

  test.each<[string, unknown, string]>([
    ['too deep', nested(depth + 1), `deeper than ${depth} levels`],
    [
      'far too deep',
      JSON.parse(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      `deeper than ${depth} levels`,
    ],
    [
      'too many values',
      { enum: Array.from({ length: values - 1 }, (_, index) => index) },
      `more than ${values} values`,
    ],
    ['a long pattern', { pattern: 'a'.repeat(patternLength + 1) }, `longer than ${patternLength} characters`],
    ['a pattern that explodes', { items: { pattern: '((a{100}){100}){100}' } }, 'repeats more than'],
    ['an open count that explodes', { pattern: '(a{1,}){5000,}' }, 'repeats more than'],
    ['a pattern as a key', { patternProperties: { '(a{50}){50}': {} } }, 'repeats more than'],
    [
      'many patterns',
      { allOf: Array(patterns + 1).fill({ pattern: 'a' }) },
      `more than ${patterns} patterns`,
    ],
    ['a huge count', { properties: { a: { maxItems: repetitions + 1 } } }, `"maxItems" above ${repetitions}`],
    ['a reference to the network', { items: { $ref: 'http://10.0.0.1/a.json' } }, 'outside of it'],
    ['a reference to a file', { $ref: 'file:///etc/passwd' }, 'outside of it'],
    ['a number that JSON has and JavaScript has not', JSON.parse('{"const":1e999}'), 'numbers beyond'],
  ])('%s: refused wherever it stands', (_, schema, why) => {
    const message = expect.stringContaining(why);
    const refusals: [EnginePath, JsonObject, string][] = [
      [CHAT, schemaOf(schema), 'response_format.json_schema.schema'],
      [CHAT, tool(schema), 'tools[0].function.parameters'],
      [
        RESPONSES,
        { input: 'a', text: { format: { type: 'json_schema', name: 'a', schema } } },
        'text.format.schema',
      ],
      [
        RESPONSES,
        { input: 'a', tools: [{ type: 'function', name: 'f', parameters: schema }] },
        'tools[0].parameters',
      ],
      [
        MESSAGES,
        { max_tokens: 1, ...saying('a'), tools: [{ name: 'f', input_schema: schema }] },
        'tools[0].input_schema',
      ],
    ];
    for (const [path, body, param] of refusals)
      expect(outcome(path, body)).toMatchObject({ status: 400, param, message });
  });
});

describe('bodies that are made to hurt', () => {
  test.each<[string, JsonObject, string]>([
    [
      'messages nested without end',
      { messages: JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`) },
      'messages[0]',
    ],
    [
      'more messages than a conversation has',
      { messages: Array(2001).fill({ role: 'user', content: '' }) },
      'messages',
    ],
    [
      'more parts than a message has',
      saying(Array(1001).fill({ type: 'text', text: '' })),
      'messages[0].content',
    ],
    [
      'more tools than a program has',
      chat({ tools: Array(129).fill({ type: 'function', function: { name: 'f' } }) }),
      'tools',
    ],
  ])('%s', (_, body, param) => {
    expect(outcome(CHAT, body)).toMatchObject({ status: 400, param });
  });

  test('many small things that are wrong are not looked at one by one', () => {
    const message = { role: 'user', content: Array(999).fill({}) };
    expect(outcome(CHAT, { messages: Array(300).fill(message) })).toMatchObject({
      status: 400,
      param: 'body',
      message: expect.stringContaining('20000 values'),
    });
  });

  test('a long conversation is fine', () => {
    const message = { role: 'user', content: [{ type: 'text', text: 'Hello' }] };
    expect(outcome(CHAT, { messages: Array(2000).fill(message) })).toHaveProperty('sent');
  });

  test('so is a long list of tokens', () => {
    expect(outcome(COMPLETIONS, { prompt: Array(200_000).fill(1) })).toHaveProperty('sent');
    expect(outcome(EMBEDDINGS, { input: Array(2000).fill(Array(100).fill(1)) })).toHaveProperty('sent');
  });

  test('a deep value in a field that nobody knows is dropped unseen', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
    expect(outcome(CHAT, chat({ surprise: deep }))).toMatchObject({ droppedFields: ['surprise'] });
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'a field called %s is one to drop',
    (name) => {
      const body = JSON.parse(
        `{"messages":[{"role":"user","content":"a","${name}":{"n":9}}],"${name}":{"stream":true,"n":5}}`,
      );
      const result = prepareRequest(CHAT, Object.assign(body, { model: 'qwen' }), alice());
      if (!result.ok) throw new Error(result.refusal.message);
      expect(result.request.streaming).toBe(false);
      expect(result.request.cost.answers).toBe(1);
      expect(result.request.body).not.toContain(name);
      expect(result.request.droppedFields).toEqual([`messages[].${name}`, name]);
    },
  );

  test('of a field that comes twice the last one counts, for the gateway as for the engine', () => {
    const body = JSON.parse(
      '{"messages":[{"role":"user","content":"a"}],"max_tokens":1,"max_tokens":5000,"n":1,"n":3}',
    );
    const result = prepareRequest(CHAT, Object.assign(body, { model: 'qwen' }), alice());
    expect(result.ok && result.request.cost).toMatchObject({ outputTokens: 1024, answers: 3 });
    expect(result.ok && result.request.body.match(/"n"/g)).toHaveLength(1);
  });
});
