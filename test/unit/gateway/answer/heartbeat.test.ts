import { afterEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { ALICE_KEY, aClassroom } from '../builders.ts';
import { ask, CHAT, PATIENCE, QUEUE_BOUNDS, STREAM, type WorldOptions } from '../gateway-world.ts';
import {
  answerJson,
  answerWell,
  beginStream,
  CHAT_ANSWER,
  DONE_FRAME,
  type EngineCall,
  tokenFrame,
} from '../scripted-engine.ts';
import { type ExchangeWorld, errorIn, startExchangeWorld } from './exchange-world.ts';

const COMMENT = ': waiting\n\n';
const FIRST_BEAT_MS = PATIENCE.heartbeatMs / 2;

let world: ExchangeWorld;
let clock: FakeClock;

async function worldOf(options: WorldOptions, ...scripts: ((call: EngineCall) => void)[]) {
  clock = createFakeClock();
  world = await startExchangeWorld({ clock, ...options }, ...scripts);
  return world.engines;
}

afterEach(() => world.close());

/** Asks, and waits until the request is at the engine. */
async function askedAtEngine(body: object) {
  const asked = ask(world, body);
  const call = await eventually('the engine is asked', () => world.engines[0]?.calls[0]);
  return { asked, call };
}

describe('a stream that waits to begin', () => {
  test('for the engine: comments, of which the first comes late, and then the answer', async () => {
    await worldOf({}, ({ response }) => beginStream(response));
    const { asked, call } = await askedAtEngine(STREAM);
    await clock.advance(FIRST_BEAT_MS);
    const answer = await asked;
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-request-id': expect.stringMatching(/^req_/),
      'x-ratelimit-limit-requests': '30',
    });
    await clock.advance(2 * PATIENCE.heartbeatMs);
    await eventually('three comments', () => answer.text === COMMENT.repeat(3));
    call.response.end(tokenFrame('a') + DONE_FRAME);
    await answer.over;
    expect(answer.text).toBe(COMMENT.repeat(3) + tokenFrame('a') + DONE_FRAME);
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'completed' }]);
  });

  test('no comment comes between tokens, however slow they are', async () => {
    await worldOf({}, ({ response }) => {
      beginStream(response);
      response.write(tokenFrame('a'));
    });
    const { asked, call } = await askedAtEngine(STREAM);
    const answer = await asked;
    await clock.advance(5 * PATIENCE.heartbeatMs);
    call.response.end(DONE_FRAME);
    await answer.over;
    expect(answer.text).toBe(tokenFrame('a') + DONE_FRAME);
  });

  test("the engine's own comments do not end ours, and are passed on", async () => {
    await worldOf({}, ({ response }) => {
      beginStream(response);
      response.write(': keep-alive\n\n');
    });
    const { asked, call } = await askedAtEngine(STREAM);
    const answer = await asked;
    await clock.advance(FIRST_BEAT_MS);
    await eventually('both', () => answer.text === `: keep-alive\n\n${COMMENT}`);
    call.response.end(tokenFrame('a') + DONE_FRAME);
    await answer.over;
  });

  test('in the queue: comments, then the refusal as an event, and nothing is charged', async () => {
    const classroom = aClassroom({ engine: { maxNumSeqs: 1 } });
    await worldOf({ classroom }, () => {});
    const running = ask(world, CHAT);
    await eventually('the engine is busy', () => world.engines[0]?.calls.length === 1);
    const waiting = ask(world, STREAM);
    await eventually('it waits', () => world.gateway.requestsInFlight === 2);
    await clock.advance(FIRST_BEAT_MS);
    const answer = await waiting;
    await clock.advance(QUEUE_BOUNDS.busyWaitMs);
    await answer.over;
    expect(answer.status).toBe(200);
    expect(answer.text.startsWith(COMMENT.repeat(2))).toBe(true);
    expect(errorIn(answer)).toMatchObject({ type: 'rate_limit_error', param: null });
    expect(world.settled).toMatchObject([
      { outcome: 'throttled', usage: undefined, firstTokenMs: undefined },
    ]);
    expect(world.engines[0]?.calls).toHaveLength(1);
    world.engines[0]?.calls.map(({ response }) => answerJson(response, 200, CHAT_ANSWER));
    await (await running).over;
  });

  test('and whose engine then fails: an event, and nothing is charged', async () => {
    await worldOf({}, () => {});
    const { asked, call } = await askedAtEngine(STREAM);
    await clock.advance(FIRST_BEAT_MS);
    const answer = await asked;
    call.response.destroy();
    await answer.over;
    expect(answer.ended).toBe(true);
    expect(errorIn(answer)).toMatchObject({ code: 'engine_failed' });
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'unanswered', usage: undefined }]);
  });

  test('and whose engine then refuses: an event, and nothing is charged', async () => {
    await worldOf({}, () => {});
    const { asked, call } = await askedAtEngine(STREAM);
    await clock.advance(FIRST_BEAT_MS);
    const answer = await asked;
    answerJson(call.response, 400, { error: { message: 'n must be 1', param: null, code: 400 } });
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code: 'refused_by_engine', message: 'n must be 1' });
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'refused', usage: undefined }]);
  });

  test('and whose engine then answers in one piece: an event, for a stream cannot become that', async () => {
    await worldOf({}, () => {});
    const { asked, call } = await askedAtEngine(STREAM);
    await clock.advance(FIRST_BEAT_MS);
    const answer = await asked;
    answerJson(call.response, 200, CHAT_ANSWER);
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code: 'engine_failed' });
  });

  test('and whose client leaves after a comment, in the queue: nothing is charged', async () => {
    const classroom = aClassroom({ engine: { maxNumSeqs: 1 } });
    await worldOf({ classroom }, () => {});
    const running = ask(world, CHAT);
    await eventually('the engine is busy', () => world.engines[0]?.calls.length === 1);
    const waiting = ask(world, STREAM);
    await eventually('it waits', () => world.gateway.requestsInFlight === 2);
    await clock.advance(FIRST_BEAT_MS);
    (await waiting).leave();
    await eventually('it is settled', () => world.settled.length === 1);
    expect(world.settled).toMatchObject([{ outcome: 'client-left', usage: undefined }]);
    world.engines[0]?.calls.map(({ response }) => answerJson(response, 200, CHAT_ANSWER));
    await (await running).over;
  });
});

describe('no comments', () => {
  test('for an answer in one piece', async () => {
    await worldOf({}, () => {});
    const { asked, call } = await askedAtEngine(CHAT);
    await clock.advance(5 * PATIENCE.heartbeatMs);
    answerWell(call);
    const answer = await asked;
    await answer.over;
    expect(JSON.parse(answer.text)).toEqual(CHAT_ANSWER);
  });
});

test("OpenAI's Node client reads over the comments", async () => {
  await worldOf({}, ({ response }) => beginStream(response));
  const client = new OpenAI({ apiKey: ALICE_KEY, baseURL: `${world.url}/v1`, maxRetries: 0 });
  const streaming = client.chat.completions.create({
    model: 'qwen',
    stream: true,
    messages: [{ role: 'user', content: 'Say hello.' }],
  });
  const call = await eventually('the engine is asked', () => world.engines[0]?.calls[0]);
  await clock.advance(3 * PATIENCE.heartbeatMs);
  call.response.end(tokenFrame('Hel') + tokenFrame('lo.') + DONE_FRAME);
  const texts: (string | null | undefined)[] = [];
  for await (const chunk of await streaming) texts.push(chunk.choices[0]?.delta.content);
  expect(texts).toEqual(['Hel', 'lo.']);
});
