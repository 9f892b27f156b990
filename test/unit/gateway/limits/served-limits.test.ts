import { afterEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { ALICE_KEY, aClassroom, aClassroomLimiting, BOB_KEY, CLASS_KEY, keyNumber } from '../builders.ts';
import { ask, askJson, CHAT, STREAM, startWorld, type World, type WorldOptions } from '../gateway-world.ts';
import {
  answerJson,
  answerWell,
  beginStream,
  CHAT_ANSWER,
  type EngineCall,
  type ScriptedEngine,
  startScriptedEngine,
  tokenFrame,
} from '../scripted-engine.ts';

/** 23:00 in Shanghai, where the class is. */
const EVENING = Date.parse('2026-11-23T15:00:00Z');
const HOUR_MS = 3_600_000;

/** Limits as they are met over a real socket; the gateway's clock stands still. */
let world: World;
let engine: ScriptedEngine;
let clock = createFakeClock(EVENING);

async function start(
  limits: Parameters<typeof aClassroomLimiting>[0],
  { script = answerWell, ...options }: WorldOptions & { script?: (call: EngineCall) => void } = {},
): Promise<void> {
  clock = createFakeClock(EVENING);
  engine = await startScriptedEngine(script);
  world = await startWorld({
    clock,
    engines: [engine.url],
    classroom: aClassroomLimiting({ concurrentRequests: 100, ...limits }),
    ...options,
  });
}

afterEach(async () => {
  await world.stop();
  await engine.close();
});

function limitHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-ratelimit-')));
}

/** The official client, and how often it asked; the gateway's clock goes on while it waits. */
function countingClient(apiKey = ALICE_KEY): { client: OpenAI; asked: () => number } {
  let asked = 0;
  const client = new OpenAI({
    apiKey,
    baseURL: `${world.url}/v1`,
    maxRetries: 3,
    fetch: async (url, init) => {
      asked += 1;
      const answer = await fetch(url, init);
      await clock.advance(Number(answer.headers.get('retry-after-ms') ?? 0));
      return answer;
    },
  });
  return { client, asked: () => asked };
}

describe('the headers of the limits', () => {
  test('are on answers, streams, refusals and the list of models', async () => {
    await start({ requestsPerMinute: 10, tokensPerMinute: 50_000, tokensPerDay: 90_000 });
    const first = await askJson(world, CHAT);
    expect(limitHeaders(first.headers)).toMatchObject({
      'x-ratelimit-limit-requests': '10',
      'x-ratelimit-remaining-requests': '9',
      'x-ratelimit-reset-requests': '6s',
      'x-ratelimit-limit-tokens': '50000',
      'x-ratelimit-limit-tokens-day': '90000',
      'x-ratelimit-reset-tokens-day': '1h0m0s',
      'x-ratelimit-limit-concurrent-requests': '100',
      'x-ratelimit-remaining-concurrent-requests': '99',
    });
    const stream = await ask(world, STREAM);
    await stream.over;
    expect(stream.headers['x-ratelimit-remaining-requests']).toBe('8');
    const wrong = await askJson(world, { ...CHAT, temperature: 'hot' });
    expect([wrong.status, wrong.headers['x-ratelimit-remaining-requests']]).toEqual([400, '8']);
    const models = await askJson(world, '', { method: 'GET', path: '/v1/models' });
    expect(models.headers).toMatchObject({
      'x-ratelimit-remaining-requests': '8',
      // Settled: twice what the engine counted.
      'x-ratelimit-remaining-tokens-day': String(90_000 - 2 * CHAT_ANSWER.usage.total_tokens),
    });
  });

  test('tell a stranger nothing', async () => {
    await start({});
    const refused = await askJson(world, CHAT, { key: keyNumber(99) });
    expect([refused.status, limitHeaders(refused.headers)]).toEqual([401, {}]);
  });

  test('show the class where it has less left than the student', async () => {
    const classroom = aClassroom();
    const limits = { ...classroom.limits, classroom: { requestsPerMinute: 5 } };
    await start({}, { classroom: { ...classroom, limits } });
    await askJson(world, CHAT, { key: BOB_KEY });
    const answer = await askJson(world, CHAT);
    expect(answer.headers).toMatchObject({
      'x-ratelimit-limit-requests': '5',
      'x-ratelimit-remaining-requests': '3',
    });
  });
});

describe('requests that come at once', () => {
  test('are answered up to the limit, and the others cost nothing', async () => {
    await start({ requestsPerMinute: 10, tokensPerDay: 90_000 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => askJson(world, CHAT)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
    expect(engine.calls).toHaveLength(10);
    const models = await askJson(world, '', { method: 'GET', path: '/v1/models' });
    expect(models.headers['x-ratelimit-remaining-tokens-day']).toBe(String(90_000 - 10 * 5));
    await clock.advance(6_000);
    expect((await askJson(world, CHAT)).status).toBe(200);
    expect((await askJson(world, CHAT)).status).toBe(429);
  });

  test('cannot spend the same tokens of the day twice', async () => {
    const slow: EngineCall[] = [];
    await start({ tokensPerDay: 5_000 }, { script: (call) => slow.push(call) });
    const refused: unknown[] = [];
    const asked = Array.from({ length: 30 }, async () => {
      const answer = await askJson(world, { ...CHAT, max_tokens: 500 });
      if (answer.status === 429) refused.push(answer.body.error);
    });
    await eventually('all are decided', () => slow.length + refused.length === 30);
    expect(refused[0]).toMatchObject({
      code: 'tokens_per_day_exceeded',
      message: expect.stringContaining('Your running requests hold the rest'),
    });
    const most = slow.reduce((sum, { body }) => sum + Number(body.max_completion_tokens), 0);
    expect(most).toBeLessThanOrEqual(5_000);
    for (const call of slow) answerWell(call);
    await Promise.all(asked);
  });
});

describe('a nearly used-up budget', () => {
  test('holds the engine to what is left, and says so', async () => {
    await start({ tokensPerDay: 1_200 });
    const answer = await askJson(world, { ...CHAT, max_tokens: 1_024 });
    const cap = Number(answer.headers['x-gateway-max-output-tokens']);
    expect(answer.status).toBe(200);
    expect(cap).toBeLessThan(1_024);
    expect(engine.calls[0]?.body.max_completion_tokens).toBe(cap);
  });

  test('is full again at midnight in the class, not at midnight elsewhere', async () => {
    await start({ tokensPerDay: 700 }, { script: ({ response }) => answerJson(response, 200, spent(650)) });
    expect((await askJson(world, CHAT)).status).toBe(200);
    const refused = await askJson(world, CHAT);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '3600']);
    expect(refused.body.error).toMatchObject({
      type: 'rate_limit_error',
      code: 'tokens_per_day_exceeded',
      param: null,
      message: expect.stringMatching(
        /650 of your 700 .* 00:00 on 24 November \(Asia\/Shanghai\), in 1 h 0 min.* Ms Chen, room 214/,
      ),
    });
    await clock.advance(HOUR_MS - 1);
    expect((await askJson(world, CHAT)).status).toBe(429);
    await clock.advance(1);
    expect((await askJson(world, CHAT)).status).toBe(200);
  });
});

const spent = (tokens: number) => ({
  ...CHAT_ANSWER,
  usage: { prompt_tokens: tokens - 2, completion_tokens: 2, total_tokens: tokens },
});

describe('what an answer costs', () => {
  test('nothing when the engine refuses it or fails before the first byte', async () => {
    const failures = [400, 500];
    await start(
      { tokensPerDay: 90_000 },
      {
        script: ({ response }) => answerJson(response, failures.shift() ?? 200, { error: { message: 'no' } }),
      },
    );
    await askJson(world, CHAT);
    await askJson(world, CHAT);
    const models = await askJson(world, '', { method: 'GET', path: '/v1/models' });
    expect(models.headers['x-ratelimit-remaining-tokens-day']).toBe('90000');
  });

  test('nothing when the queue has no place for it; it is booked as throttled', async () => {
    const queueBounds = { requestsPerStudent: 1, engineWaitMs: HOUR_MS };
    await start({ tokensPerDay: 90_000 }, { engines: [], queueBounds });
    const waiting = askJson(world, CHAT);
    await eventually('the first one waits', () => world.admission.running === 1);
    const refused = await askJson(world, CHAT);
    expect([refused.status, refused.body.error.code]).toEqual([429, 'queue_full']);
    world.gateway.engines.put({ id: engine.url, classroomKey: CLASS_KEY, origin: engine.url });
    const answered = await waiting;
    expect(answered.status).toBe(200);
    const usage = await askJson(world, '', { method: 'GET', path: '/v1/usage' });
    expect(usage.body.today).toMatchObject({ requests: 1, throttled: 1, total_tokens: 5 });
  });

  test('as much as the engine says, also more than was reserved, which is owed', async () => {
    const costs = [spent(3_000), spent(5)];
    await start(
      { tokensPerMinute: 1_000 },
      { script: ({ response }) => answerJson(response, 200, costs.shift()) },
    );
    expect((await askJson(world, CHAT)).status).toBe(200);
    const refused = await askJson(world, { ...CHAT, max_tokens: 1 });
    expect([refused.status, refused.body.error.code]).toEqual([429, 'tokens_per_minute_exceeded']);
    expect(refused.headers['x-should-retry']).toBe('false');
    await clock.advance(Number(refused.headers['retry-after-ms']) - 1);
    expect((await askJson(world, { ...CHAT, max_tokens: 1 })).status).toBe(429);
    await clock.advance(1);
    expect((await askJson(world, { ...CHAT, max_tokens: 1 })).status).toBe(200);
  });
});

test('a limit that is changed while an answer streams holds for the next request, and ends no answer', async () => {
  let stream: EngineCall | undefined;
  await start(
    { requestsPerMinute: 10 },
    {
      script: (call) => {
        stream = call;
        beginStream(call.response);
        call.response.write(tokenFrame('Hel'));
      },
    },
  );
  const answer = await ask(world, STREAM);
  world.gateway.directory.putClassroom(aClassroomLimiting({ requestsPerMinute: 1 }));
  const refused = await askJson(world, CHAT);
  expect(refused.body.error.code).toBe('requests_per_minute_exceeded');
  if (stream !== undefined) stream.response.end(`${tokenFrame('lo.')}data: [DONE]\n\n`);
  await answer.over;
  expect(answer.ended).toBe(true);
  expect(answer.text).toContain('[DONE]');
});

describe("OpenAI's client", () => {
  const request = { model: 'qwen', messages: [{ role: 'user' as const, content: 'Hello' }], max_tokens: 5 };

  test('waits as long as it is told and then succeeds', async () => {
    await start({ requestsPerMinute: 200 });
    await Promise.all(Array.from({ length: 200 }, () => askJson(world, { ...CHAT, max_tokens: 1 })));
    const { client, asked } = countingClient();
    const answer = await client.chat.completions.create(request);
    expect(answer.choices[0]?.message.content).toBe('Hello.');
    expect(asked()).toBe(2);
  });

  test.each([
    ['of the day', { tokensPerDay: 5 }, 'tokens_per_day_exceeded'],
    ['of the course', { tokensTotal: 5 }, 'tokens_total_exceeded'],
  ])('does not try in vain when the tokens %s are used up', async (_, limits, code) => {
    await start(limits);
    const { client, asked } = countingClient();
    await expect(client.chat.completions.create(request)).rejects.toMatchObject({
      status: 429,
      code,
      type: 'rate_limit_error',
    });
    expect(asked()).toBe(1);
  });
});
