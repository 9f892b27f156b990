import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { startVllmSimulator, type VllmSimulator } from '../../../src/demo/vllm/simulator.ts';
import { eventually } from '../../support/eventually.ts';
import { ALICE_KEY, aClassroom, keyNumber } from './builders.ts';
import { startWorld, type World } from './gateway-world.ts';

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
      () => client().chat.completions.create({ model: 'qwen', messages, n: 2 }),
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
