import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { z } from 'zod';
import { startVllmSimulator, type VllmSimulator } from '../../../src/demo/vllm/simulator.ts';
import { eventually } from '../../support/eventually.ts';
import { ALICE_KEY, aClassroom, keyNumber } from './builders.ts';
import { startWorld, type World } from './gateway-world.ts';
import {
  answerJson,
  beginStream,
  CHAT_ANSWER,
  DONE_FRAME,
  type EngineCall,
  startScriptedEngine,
} from './scripted-engine.ts';

/** The official client against the gateway in front of the simulated engine. */
let engine: VllmSimulator;
let embedder: VllmSimulator;
let world: World;
let embedding: World;

const settings = (differs: object = {}) => ({
  VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, speed: 5, ...differs }),
});
const argv = [
  'serve',
  'Qwen/Qwen2.5-7B-Instruct',
  '--served-model-name',
  'qwen',
  'gpt-4o',
  '--port',
  '0',
  '--host',
  '127.0.0.1',
  '--max-model-len',
  '4096',
];

beforeAll(async () => {
  engine = await startVllmSimulator({ argv, env: settings() });
  embedder = await startVllmSimulator({ argv, env: settings({ task: 'embed' }) });
  world = await startWorld({ engines: [engine.url] });
  embedding = await startWorld({ engines: [embedder.url] });
});

afterAll(async () => {
  await world.stop();
  await embedding.stop();
  await engine.close();
  await embedder.close();
});

function client(of: World = world, apiKey = ALICE_KEY): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${of.url}/v1`, maxRetries: 0 });
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const messages = [{ role: 'user' as const, content: 'Write a function that adds two numbers.' }];

async function lastRequest() {
  await eventually('no request in flight', () => world.gateway.requestsInFlight === 0);
  return world.log.filter(({ message }) => message === 'request').at(-1)?.fields;
}

afterEach(() => engine.setFailures({}));

describe('chat completions', () => {
  test('in one piece', async () => {
    const answer = await client().chat.completions.create({ model: 'gpt-4o', messages, max_tokens: 20 });
    expect(answer.model).toBe('qwen');
    expect(answer.choices[0]?.message.content).toMatch(/./);
    expect(answer.usage?.completion_tokens).toBeLessThanOrEqual(20);
    expect(await lastRequest()).toMatchObject({
      outcome: 'completed',
      completionTokens: answer.usage?.completion_tokens,
    });
  });

  test('as a stream, without usage', async () => {
    const stream = await client().chat.completions.create({
      model: 'qwen',
      messages,
      max_tokens: 30,
      stream: true,
    });
    const chunks = await collect(stream);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toMatch(/./);
    expect(chunks.filter((chunk) => chunk.usage)).toEqual([]);
    expect(chunks.every((chunk) => chunk.choices.length === 1)).toBe(true);
    const counted = engine.engine.requests.at(-1);
    expect(await lastRequest()).toMatchObject({
      outcome: 'completed',
      promptTokens: counted?.promptTokens,
      completionTokens: counted?.generatedTokens,
    });
  });

  test('as a stream, with usage', async () => {
    const stream = await client().chat.completions.create({
      model: 'qwen',
      messages,
      max_tokens: 30,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collect(stream);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(engine.engine.requests.at(-1)?.generatedTokens);
  });

  test('are isolated from each other by student', async () => {
    await client().chat.completions.create({ model: 'qwen', messages, max_tokens: 1 });
    await client(world, keyNumber(2)).chat.completions.create({ model: 'qwen', messages, max_tokens: 1 });
    const salts = engine.engine.requests.slice(-2).map(({ cacheSalt }) => cacheSalt);
    expect(new Set(salts).size).toBe(2);
    expect(salts).not.toContain(undefined);
  });

  test('a client that stops reading cancels the engine', async () => {
    const stream = await client().chat.completions.create({ model: 'qwen', messages, stream: true });
    for await (const _ of stream) break;
    await eventually('the engine stops', () => engine.engine.requests.at(-1)?.state !== 'running');
    expect(await lastRequest()).toMatchObject({ status: expect.any(Number) });
  });

  test('a stream that an engine breaks off is an error of the client', async () => {
    engine.setFailures({ requests: [{ fault: { kind: 'CutOff', afterTokens: 3 } }] });
    const stream = await client().chat.completions.create({ model: 'qwen', messages, stream: true });
    await expect(collect(stream)).rejects.toMatchObject({
      code: 'engine_failed',
      type: 'server_error',
    });
  });
});

describe('answers in a form that was asked for', () => {
  test('JSON of a schema', async () => {
    const answer = await client().chat.completions.create({
      model: 'qwen',
      messages,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'sum',
          strict: true,
          schema: {
            type: 'object',
            properties: { sum: { type: 'integer' }, words: { type: 'string' } },
            required: ['sum', 'words'],
            additionalProperties: false,
          },
        },
      },
    });
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({
      sum: expect.any(Number),
      words: expect.any(String),
    });
  });

  test('several answers to one question', async () => {
    const answer = await client().chat.completions.create({ model: 'qwen', messages, max_tokens: 5, n: 3 });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(await lastRequest()).toMatchObject({ completionTokens: answer.usage?.completion_tokens });
  });

  test('log-probabilities', async () => {
    const answer = await client().chat.completions.create({
      model: 'qwen',
      messages,
      max_tokens: 3,
      logprobs: true,
      top_logprobs: 2,
    });
    expect(answer.choices[0]?.logprobs?.content?.[0]?.top_logprobs).toHaveLength(2);
  });
});

describe('tools', () => {
  const tools = [
    {
      type: 'function' as const,
      function: {
        name: 'weather',
        description: 'Tells the weather of a city',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    },
  ];
  const call = {
    id: 'call_1',
    type: 'function',
    function: { name: 'weather', arguments: '{"city":"Bern"}' },
  };

  const chunk = (delta: object, finishReason: string | null = null): string =>
    `data: ${JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'qwen',
      choices: [{ index: 0, delta, finish_reason: finishReason }],
      usage: { prompt_tokens: 9, total_tokens: 12, completion_tokens: 3 },
    })}\n\n`;

  /** Calls the tool once, and answers when it is given the result. */
  function callsTool({ body, response }: EngineCall): void {
    const asked = JSON.stringify(body.messages).includes('"role":"tool"');
    if (asked) {
      answerJson(response, 200, CHAT_ANSWER);
      return;
    }
    if (body.stream !== true) {
      const message = { role: 'assistant', content: null, tool_calls: [call] };
      const choices = [{ index: 0, message, finish_reason: 'tool_calls' }];
      answerJson(response, 200, { ...CHAT_ANSWER, choices });
      return;
    }
    beginStream(response);
    const piece = (text: string) => chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] });
    response.write(chunk({ role: 'assistant', content: '' }));
    response.write(
      chunk({ tool_calls: [{ ...call, index: 0, function: { name: 'weather', arguments: '' } }] }),
    );
    response.write(piece('{"city":'));
    response.end(piece('"Bern"}') + chunk({}, 'tool_calls') + DONE_FRAME);
  }

  test('are called, and their results are taken, as the client does it by itself', async () => {
    const scripted = await startScriptedEngine(callsTool);
    const narrow = await startWorld({ engines: [scripted.url] });
    const cities: string[] = [];
    const runner = client(narrow).chat.completions.runTools({
      model: 'qwen',
      messages: [{ role: 'user', content: 'Weather in Bern?' }],
      tools: [
        {
          type: 'function',
          function: {
            ...tools[0]?.function,
            name: 'weather',
            description: 'Tells the weather of a city',
            parameters: { type: 'object' },
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              cities.push(city);
              return '12 °C';
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe('Hello.');
    expect(cities).toEqual(['Bern']);
    expect(scripted.calls[1]?.body.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: '12 °C' },
    ]);
    await narrow.stop();
    await scripted.close();
  });

  test('are called in a stream', async () => {
    const scripted = await startScriptedEngine(callsTool);
    const narrow = await startWorld({ engines: [scripted.url] });
    const stream = client(narrow).chat.completions.stream({
      model: 'qwen',
      messages: [{ role: 'user', content: 'Weather in Bern?' }],
      tools,
      tool_choice: 'required',
    });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        tool_calls: [{ id: 'call_1', function: { name: 'weather', arguments: '{"city":"Bern"}' } }],
      },
    });
    expect(scripted.calls[0]?.body).toMatchObject({ tools, tool_choice: 'required' });
    await narrow.stop();
    await scripted.close();
  });

  test('an engine that cannot choose them says so', async () => {
    const asked = client().chat.completions.create({ model: 'qwen', messages, tools, tool_choice: 'auto' });
    await expect(asked).rejects.toMatchObject({ status: 400, code: 'refused_by_engine' });
  });
});

describe("Anthropic's messages", () => {
  const body = { model: 'gpt-4o', max_tokens: 12, system: 'Be brief.', messages };

  function post(differs: object = {}): Promise<Response> {
    return fetch(`${world.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': ALICE_KEY, 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...body, ...differs }),
    });
  }

  test('in one piece', async () => {
    const answer = z
      .looseObject({ usage: z.object({ input_tokens: z.int(), output_tokens: z.int() }) })
      .parse(await (await post()).json());
    expect(answer).toMatchObject({ type: 'message', role: 'assistant', model: 'qwen' });
    expect(answer.usage.output_tokens).toBeLessThanOrEqual(12);
    expect(await lastRequest()).toMatchObject({
      endpoint: '/v1/messages',
      outcome: 'completed',
      promptTokens: answer.usage.input_tokens,
      completionTokens: answer.usage.output_tokens,
    });
  });

  test('as a stream', async () => {
    const text = await (await post({ stream: true })).text();
    const events = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(events[0]).toBe('message_start');
    expect(events.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop']);
    const counted = engine.engine.requests.at(-1);
    expect(await lastRequest()).toMatchObject({
      outcome: 'completed',
      promptTokens: counted?.promptTokens,
      completionTokens: counted?.generatedTokens,
    });
  });

  test('a stream that an engine breaks off ends with an error event of the same API', async () => {
    engine.setFailures({ requests: [{ fault: { kind: 'CutOff', afterTokens: 3 } }] });
    const text = await (await post({ stream: true })).text();
    const [, data = ''] = /event: error\ndata: (.*)\n\n$/.exec(text) ?? [];
    expect(JSON.parse(data)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
  });

  test("an engine's refusal has that shape too", async () => {
    const refused = await post({ messages: [{ role: 'user', content: 'word '.repeat(9000) }] });
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { type: 'error', error: { type: 'invalid_request_error', message: expect.stringContaining('4096') } },
    ]);
  });
});

describe('other endpoints', () => {
  test('completions, streaming and not', async () => {
    const request = { model: 'qwen', prompt: 'def add(', max_tokens: 12 };
    const answer = await client().completions.create(request);
    expect(answer.usage?.completion_tokens).toBeLessThanOrEqual(12);
    const chunks = await collect(await client().completions.create({ ...request, stream: true }));
    expect(chunks.length).toBeGreaterThan(1);
    expect(await lastRequest()).toMatchObject({ endpoint: '/v1/completions', outcome: 'completed' });
  });

  test('responses, streaming and not', async () => {
    const request = { model: 'qwen', input: 'Say hello.', max_output_tokens: 16 };
    const answer = await client().responses.create(request);
    expect(answer.output_text).toMatch(/./);
    const events = await collect(await client().responses.create({ ...request, stream: true }));
    expect(events.at(-1)?.type).toMatch(/^response\.(completed|incomplete)$/);
    const logged = await lastRequest();
    expect(logged).toMatchObject({ outcome: 'completed' });
    expect(logged?.completionTokens).toBeGreaterThan(0);
  });

  test('a broken stream of responses is an error of the client', async () => {
    engine.setFailures({ requests: [{ fault: { kind: 'CutOff', afterTokens: 3 } }] });
    const stream = await client().responses.create({ model: 'qwen', input: 'Say hello.', stream: true });
    await expect(collect(stream)).rejects.toThrow(/failed before your answer was complete/);
  });

  test('embeddings', async () => {
    const answer = await client(embedding).embeddings.create({ model: 'qwen', input: ['a', 'b'] });
    expect(answer.data).toHaveLength(2);
    expect(answer.usage.prompt_tokens).toBeGreaterThan(0);
  });

  test('embeddings of a model that has none', async () => {
    await expect(client().embeddings.create({ model: 'qwen', input: 'a' })).rejects.toMatchObject({
      status: 404,
      code: 'endpoint_not_served',
    });
  });

  test('models', async () => {
    const models = await client().models.list();
    expect(models.data.map(({ id }) => id)).toEqual(['qwen', 'gpt-4o']);
    expect((await client().models.retrieve('gpt-4o')).id).toBe('gpt-4o');
  });
});

describe('errors are those that the client knows', () => {
  test.each<
    ['AuthenticationError' | 'NotFoundError' | 'BadRequestError', number, string, () => PromiseLike<unknown>]
  >([
    ['AuthenticationError', 401, 'invalid_api_key', () => client(world, keyNumber(99)).models.list()],
    [
      'NotFoundError',
      404,
      'model_not_found',
      () => client().chat.completions.create({ model: 'gpt-5', messages }),
    ],
    [
      'BadRequestError',
      400,
      'invalid_parameter',
      () => client().chat.completions.create({ model: 'qwen', messages, n: 0 }),
    ],
    [
      'BadRequestError',
      400,
      'refused_by_engine',
      () => client().chat.completions.create({ model: 'qwen', messages, n: 2, temperature: 0 }),
    ],
    [
      'BadRequestError',
      400,
      'context_length_exceeded',
      () =>
        client().chat.completions.create({
          model: 'qwen',
          messages: [{ role: 'user', content: 'word '.repeat(9000) }],
        }),
    ],
  ])('%s', async (name, status, code, call) => {
    const error: unknown = await Promise.resolve(call()).then(
      () => 'no error',
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(OpenAI[name]);
    expect(error).toMatchObject({ status, code });
  });

  test("a full slot is waited for by the client's own retries", async () => {
    const classroom = aClassroom();
    const limits = {
      ...classroom.limits,
      perStudent: { ...classroom.limits.perStudent, concurrentRequests: 1 },
    };
    const narrow = await startWorld({ engines: [engine.url], classroom: { ...classroom, limits } });
    const patient = new OpenAI({ apiKey: ALICE_KEY, baseURL: `${narrow.url}/v1`, maxRetries: 5 });
    const asked = [1, 2].map(() =>
      patient.chat.completions.create({ model: 'qwen', messages, max_tokens: 5 }),
    );
    const answers = await Promise.all(asked);
    expect(answers.map(({ choices }) => choices.length)).toEqual([1, 1]);
    await narrow.stop();
  });
});
