import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { startVllmSimulator, type VllmSimulator } from '../../../../src/demo/vllm/simulator.ts';

/** The official client understands every answer. */

let simulator: VllmSimulator;
let client: OpenAI;

const start = (task: 'generate' | 'embed'): Promise<VllmSimulator> =>
  startVllmSimulator({
    argv: ['Qwen/Qwen2.5-0.5B', '--served-model-name', 'qwen', '--max-model-len', '4096', '--port', '0'],
    env: { VLLM_API_KEY: 'key', VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, speed: 20, task }) },
  });

beforeAll(async () => {
  simulator = await start('generate');
  client = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'key', maxRetries: 0 });
});
afterAll(() => simulator.close());

const messages = [{ role: 'user' as const, content: 'Write a function that checks for a prime number.' }];

describe('the OpenAI client', () => {
  test('gets a whole answer, with code', async () => {
    const answer = await client.chat.completions.create({ model: 'qwen', messages, temperature: 0 });
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop' });
    expect(answer.choices[0]?.message.content).toContain('def is_prime(number: int) -> bool:');
  });

  test('gets the same text as a stream, and the usage at its end', async () => {
    const whole = await client.chat.completions.create({ model: 'qwen', messages, temperature: 0 });
    const stream = await client.chat.completions.create({
      model: 'qwen',
      messages,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let tokens: number | undefined;
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? '';
      tokens = usage?.completion_tokens ?? tokens;
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(tokens).toBe(whole.usage?.completion_tokens);
  });

  test('gets a response, streamed and not', async () => {
    const request = { model: 'qwen', input: 'Write fizzbuzz', temperature: 0 };
    const whole = await client.responses.create(request);
    expect(whole.output_text).toContain('FizzBuzz');
    let text = '';
    for await (const event of await client.responses.create({ ...request, stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    expect(text).toBe(whole.output_text);
  });

  test('gets JSON that fits the schema', async () => {
    const answer = await client.chat.completions.create({
      model: 'qwen',
      messages,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'verdict',
          schema: {
            type: 'object',
            properties: {
              prime: { type: 'boolean' },
              factors: { type: 'array', items: { type: 'integer' } },
            },
          },
        },
      },
    });
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ prime: true, factors: [1] });
  });

  test('gets completions of several prompts', async () => {
    const answer = await client.completions.create({
      model: 'qwen',
      prompt: ['a', 'b'],
      n: 2,
      max_tokens: 3,
      temperature: 1,
    });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(answer.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 12 });
  });

  test('gets the errors it knows: wrong key, unknown model, no embeddings here', async () => {
    const stranger = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'other', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 });
    await expect(client.chat.completions.create({ model: 'nope', messages })).rejects.toMatchObject({
      status: 404,
    });
    await expect(client.embeddings.create({ model: 'qwen', input: 'a' })).rejects.toMatchObject({
      status: 404,
    });
  });

  test('gets embeddings from an embedding model: the same text, the same vector of length 1', async () => {
    const embedding = await start('embed');
    const other = new OpenAI({ baseURL: `${embedding.url}/v1`, apiKey: 'key', maxRetries: 0 });
    const { data, usage } = await other.embeddings.create({ model: 'qwen', input: ['one', 'two', 'one'] });
    expect(data).toHaveLength(3);
    expect(data[0]?.embedding).toEqual(data[2]?.embedding);
    expect(data[0]?.embedding).not.toEqual(data[1]?.embedding);
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1, 3);
    expect(usage.prompt_tokens).toBeGreaterThan(2);
    await expect(other.chat.completions.create({ model: 'qwen', messages })).rejects.toMatchObject({
      status: 404,
    });
    await embedding.close();
  });
});
