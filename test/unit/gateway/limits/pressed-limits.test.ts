import { afterEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/gateway/request/body.ts';
import { ENGINE_PATHS, type EnginePath } from '../../../../src/gateway/request/endpoints.ts';
import { hashApiKey } from '../../../../src/student/api-key.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { aClassroomLimiting, aSeat, keyNumber } from '../builders.ts';
import { ask, askJson, CHAT, STREAM, startWorld, type World } from '../gateway-world.ts';
import {
  answerJson,
  answerWell,
  CHAT_ANSWER,
  type ScriptedEngine,
  startScriptedEngine,
} from '../scripted-engine.ts';

let world: World;
let engine: ScriptedEngine;

afterEach(async () => {
  await world.stop();
  await engine.close();
});

const HELLO = [{ role: 'user', content: 'Hello' }];
const ASKS: Record<EnginePath, JsonObject> = {
  '/v1/chat/completions': { messages: HELLO },
  '/v1/completions': { prompt: 'def' },
  '/v1/responses': { input: 'Hello' },
  '/v1/embeddings': { input: 'Hello' },
  '/v1/messages': { messages: HELLO, max_tokens: 10 },
};

/** Both ways of asking each endpoint; vectors are never streamed. */
const WAYS = ENGINE_PATHS.flatMap((path) =>
  (path === '/v1/embeddings' ? [false] : [false, true]).map((stream) => [path, { stream }] as const),
);

describe('no way of asking is free', () => {
  test.each(WAYS)('%s %j needs tokens, and is refused before the engine hears of it', async (path, way) => {
    engine = await startScriptedEngine(answerWell);
    world = await startWorld({
      engines: [engine.url],
      classroom: aClassroomLimiting({ tokensTotal: 5 }),
    });
    const { status, body } = await askJson(world, { model: 'qwen', ...ASKS[path], ...way }, { path });
    expect([status, body.error.message]).toEqual([429, expect.stringContaining('5 tokens')]);
    expect(engine.calls).toEqual([]);
  });

  test.each(WAYS)('%s %j takes a request of the minute', async (path, way) => {
    engine = await startScriptedEngine(answerWell);
    world = await startWorld({
      clock: createFakeClock(Date.parse('2026-11-23T03:00:00Z')),
      engines: [engine.url],
      classroom: aClassroomLimiting({ requestsPerMinute: 1 }),
    });
    const body = { model: 'qwen', ...ASKS[path], ...way };
    await (await ask(world, body, { path })).over;
    const refused = await askJson(world, body, { path });
    const why = expect.stringContaining('requests a minute');
    expect([refused.status, refused.body.error.message]).toEqual([429, why]);
    expect(engine.calls).toHaveLength(1);
  });
});

describe('a student who has used nine tenths', () => {
  const USED = 9_000;
  const LIMIT = 10_000;

  async function startUsed(limits: Parameters<typeof aClassroomLimiting>[0]) {
    const clock = createFakeClock(Date.parse('2026-11-23T03:00:00Z'));
    let isFirst = true;
    engine = await startScriptedEngine((call) => {
      const usage = { prompt_tokens: USED, completion_tokens: 0, total_tokens: USED };
      if (!isFirst) return answerWell(call);
      isFirst = false;
      answerJson(call.response, 200, { ...CHAT_ANSWER, usage });
    });
    const classroom = aClassroomLimiting({ maxOutputTokens: 16, requestsPerMinute: 1_000, ...limits });
    world = await startWorld({ clock, engines: [engine.url], classroom });
    await askJson(world, CHAT);
    return clock;
  }

  test('of a minute is served on at once, and never locked out', async () => {
    const clock = await startUsed({ tokensPerMinute: LIMIT });
    const statuses: number[] = [];
    for (let count = 0; count < 60; count++) {
      statuses.push((await askJson(world, CHAT)).status);
      await clock.advance(1_000);
    }
    expect(statuses).toEqual(Array.from({ length: 60 }, () => 200));
  });

  test('of a day is served until the rest cannot hold a prompt', async () => {
    await startUsed({ tokensPerDay: LIMIT });
    let answered = 0;
    let last = await askJson(world, CHAT);
    for (; last.status === 200 && answered < 1_000; answered++) last = await askJson(world, CHAT);
    expect(last.body.error.code).toBe('tokens_per_day_exceeded');
    const rest = Number(last.headers['x-ratelimit-remaining-tokens-day']);
    expect(rest).toBe(LIMIT - USED - answered * CHAT_ANSWER.usage.total_tokens);
    const needed = /needs at least ([\d,]+)/.exec(last.body.error.message)?.[1]?.replaceAll(',', '');
    expect(rest).toBeLessThan(Number(needed));
  });
});

test('256 clients at a time are all answered, and the engine never has more than its plan', async () => {
  const PLANNED = 16;
  let running = 0;
  let most = 0;
  engine = await startScriptedEngine((call) => {
    running += 1;
    most = Math.max(most, running);
    call.response.on('close', () => {
      running -= 1;
    });
    // Not in the same turn, so that requests pile up.
    setImmediate(() => answerWell(call));
  });
  const students = Array.from({ length: 32 }, (_, index) => ({
    id: `student-${index}`,
    key: keyNumber(index + 10),
  }));
  world = await startWorld({
    engines: [engine.url],
    classroom: aClassroomLimiting(
      { concurrentRequests: 8, requestsPerMinute: 1_000 },
      { engine: { maxNumSeqs: PLANNED } },
    ),
    seats: students.map(({ id, key }) =>
      aSeat({ key: id, studentId: id, keys: [{ sha256: hashApiKey(key) }] }),
    ),
  });
  const answers = await Promise.all(
    Array.from({ length: 256 }, async (_, index) => {
      const answer = await ask(world, STREAM, { key: students[index % students.length]?.key });
      await answer.over;
      return [answer.status, answer.ended, answer.text.includes('[DONE]')];
    }),
  );
  expect(answers).toEqual(Array.from({ length: 256 }, () => [200, true, true]));
  expect(most).toBeLessThanOrEqual(PLANNED);
  expect(engine.calls).toHaveLength(256);
});
