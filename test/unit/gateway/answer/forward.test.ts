import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Admission } from '../../../../src/gateway/limits/admission.ts';
import type { Settlement } from '../../../../src/gateway/limits/settlement.ts';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { ALICE_KEY, aClassroomLimiting, aSeat } from '../builders.ts';
import {
  type Answer,
  ask,
  askJson,
  CHAT,
  PATIENCE,
  STREAM,
  startWorld,
  type World,
  type WorldOptions,
} from '../gateway-world.ts';
import {
  answerJson,
  answerWell,
  beginStream,
  CHAT_ANSWER,
  DONE_FRAME,
  type EngineCall,
  type ScriptedEngine,
  startScriptedEngine,
  tokenFrame,
  USAGE_FRAME,
} from '../scripted-engine.ts';
import { errorIn } from './exchange-world.ts';

let world: World;
const engines: ScriptedEngine[] = [];

async function engineThat(script?: (call: EngineCall) => void): Promise<ScriptedEngine> {
  const engine = await startScriptedEngine(script);
  engines.push(engine);
  return engine;
}

async function worldWith(options: WorldOptions, ...scripts: (((call: EngineCall) => void) | undefined)[]) {
  const started = await Promise.all(scripts.map((script) => engineThat(script)));
  world = await startWorld({ ...options, engines: started.map(({ url }) => url) });
  return started;
}

/** A world with an engine that writes as fast as it is let. */
async function flooded(options: WorldOptions) {
  const frame = tokenFrame('x'.repeat(64 * 1024));
  let frames = 0;
  const [engine] = await worldWith(options, ({ response }) => {
    beginStream(response);
    const write = (): void => {
      let more = true;
      while (more && !response.destroyed) {
        more = response.write(frame);
        frames += 1;
      }
      response.once('drain', () => setImmediate(write));
    };
    write();
  });
  return {
    get cancelled() {
      return engine?.calls[0]?.cancelled ?? false;
    },
    /** Nothing was written between two looks, although there is no end of what could be. */
    async waits() {
      let seen = 0;
      await eventually('the engine waits', () => {
        const waits = frames > 0 && frames === seen;
        seen = frames;
        return waits;
      });
    },
  };
}

/** The class and the engines are as if nothing had happened. */
async function nothingRuns(): Promise<void> {
  await eventually('no request in flight', () => world.gateway.requestsInFlight === 0);
  expect(world.gateway.engines.size.inFlight).toBe(0);
  expect(world.admission.running).toBe(0);
}

async function outcomes(): Promise<unknown[]> {
  await nothingRuns();
  return world.log.filter(({ message }) => message === 'request').map(({ fields }) => fields.outcome);
}

beforeEach(() => {
  engines.length = 0;
});

afterEach(async () => {
  await world.stop();
  for (const engine of engines) await engine.close();
});

describe('an answer in one piece', () => {
  test('comes as the engine gave it, with a request id', async () => {
    const [engine] = await worldWith({}, answerWell);
    const { status, headers, body } = await askJson(world, CHAT, { headers: { 'x-request-id': 'mine' } });
    expect([status, body]).toEqual([200, CHAT_ANSWER]);
    expect(headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
    expect(engine?.calls[0]?.headers['x-request-id']).toBe(headers['x-request-id']);
    expect(await outcomes()).toEqual(['completed']);
  });

  test('the log has student, class, key id and tokens, and neither prompt nor answer nor key', async () => {
    await worldWith({}, answerWell);
    await askJson(world, CHAT, { headers: { 'x-request-id': 'mine\u00ff"' } });
    await nothingRuns();
    const line = world.log.find(({ message }) => message === 'request');
    expect(line?.fields).toMatchObject({
      endpoint: '/v1/chat/completions',
      status: 200,
      student: 'alice',
      classroom: 'school/python-101',
      keyId: aSeat().keys[0]?.sha256.slice(0, 12),
      clientRequestId: 'mine',
      promptTokens: 3,
      completionTokens: 2,
    });
    expect(JSON.stringify(world.log)).not.toMatch(/gpc_|Say hello|Hello\./);
  });

  test("nothing of the client's headers goes upstream", async () => {
    const [engine] = await worldWith({}, answerWell);
    await askJson(world, CHAT, {
      headers: {
        'x-vllm-priority': '-5',
        'x-data-parallel-rank': '1',
        'x-request-id': 'victim',
        cookie: 'a=b',
        'x-forwarded-for': '1.2.3.4',
        'x-session-id': 's',
        te: 'trailers',
        connection: 'close, x-vllm-priority',
      },
    });
    const { host: _h, connection: _c, 'content-length': _l, ...headers } = engine?.calls[0]?.headers ?? {};
    expect(headers).toEqual({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      'x-request-id': expect.stringMatching(/^req_/),
    });
  });

  test("nothing of the engine's headers comes back but the type", async () => {
    await worldWith({}, ({ response }) => {
      response.setHeader('set-cookie', 'a=b');
      response.setHeader('server', 'uvicorn');
      response.setHeader('x-request-id', 'engine');
      answerJson(response, 200, CHAT_ANSWER);
    });
    const { headers } = await askJson(world, CHAT);
    const names = Object.keys(headers).filter((name) => !name.startsWith('x-ratelimit-'));
    expect(names.sort()).toEqual(['connection', 'content-length', 'content-type', 'date', 'x-request-id']);
  });

  test('the answer says which fields were dropped and that the cap was lowered', async () => {
    await worldWith({}, answerWell);
    const { headers } = await askJson(world, { ...CHAT, max_tokens: 9999, logit_bias: {}, min_tokens: 5 });
    expect(headers).toMatchObject({
      'x-gateway-max-output-tokens': '1024',
      'x-gateway-dropped-fields': 'logit_bias, min_tokens',
    });
  });

  test('an engine that dies before it answers is a 502, and the request is not run twice', async () => {
    const dies = ({ response }: EngineCall): void => void response.destroy();
    const both = await worldWith({}, dies, dies);
    const { status, body } = await askJson(world, CHAT);
    expect([status, body.error.code]).toEqual([502, 'engine_failed']);
    expect(both.flatMap(({ calls }) => calls)).toHaveLength(1);
    expect(await outcomes()).toEqual(['unanswered']);
  });

  test('an engine that dies in the middle of a long answer cuts the connection', async () => {
    await worldWith({}, ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"choices":[');
      response.write(Buffer.alloc(200_000, '1'), () => response.destroy());
    });
    const answer = await ask(world, CHAT);
    await answer.over;
    expect(answer.ended).toBe(false);
    expect(await outcomes()).toEqual(['interrupted']);
  });
});

describe('a stream', () => {
  test('every token arrives before the next one is made', async () => {
    const [engine] = await worldWith({}, ({ response }) => beginStream(response));
    const asked = ask(world, STREAM);
    const call = await eventually('the engine is asked', () => engine?.calls[0]);
    call.response.write(tokenFrame('a'));
    const answer = await asked;
    for (const text of ['b', 'c']) {
      call.response.write(tokenFrame(text));
      await eventually(`token ${text}`, () => answer.text.endsWith(tokenFrame(text)));
    }
    call.response.end(USAGE_FRAME + DONE_FRAME);
    await answer.over;
    expect(answer.text).toBe(tokenFrame('a') + tokenFrame('b') + tokenFrame('c') + DONE_FRAME);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    });
    expect(await outcomes()).toEqual(['completed']);
  });

  test('a client that leaves cancels the engine, and the slot is free again', async () => {
    const [engine] = await worldWith({}, ({ response }) => {
      beginStream(response);
      response.write(tokenFrame('a'));
    });
    const answer = await ask(world, STREAM);
    answer.leave();
    await eventually('the engine sees it', () => engine?.calls[0]?.cancelled);
    expect(await outcomes()).toEqual(['client-left']);
  });

  test('a client that leaves while its answer is computed cancels the engine', async () => {
    const [engine] = await worldWith({}, () => {});
    const controller = new AbortController();
    const asked = fetch(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      signal: controller.signal,
      headers: { authorization: `Bearer ${ALICE_KEY}` },
      body: JSON.stringify(CHAT),
    }).catch((error: Error) => error.name);
    await eventually('the engine is asked', () => engine?.calls.length === 1);
    controller.abort();
    expect(await asked).toBe('AbortError');
    await eventually('the engine sees it', () => engine?.calls[0]?.cancelled);
    expect(await outcomes()).toEqual(['client-left']);
  });

  test('an engine that dies mid-stream ends in an error event, never in silence', async () => {
    await worldWith({}, ({ response }) => {
      beginStream(response);
      response.write(`${tokenFrame('a')}data: {"half`, () => response.destroy());
    });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(answer.ended).toBe(true);
    expect(answer.text.startsWith(tokenFrame('a'))).toBe(true);
    expect(answer.text).not.toContain('half');
    expect(errorIn(answer)).toMatchObject({ code: 'engine_failed', type: 'server_error', param: null });
    expect(await outcomes()).toEqual(['interrupted']);
  });

  test('a stream that ends without its end mark is an error too', async () => {
    await worldWith({}, ({ response }) => {
      beginStream(response);
      response.end(tokenFrame('a'));
    });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code: 'engine_failed' });
  });

  test('an answer that the engine cuts short because it is stopped is an error too', async () => {
    const aborted = tokenFrame('b').replace('"delta"', '"finish_reason":"abort","delta"');
    await worldWith({}, ({ response }) => {
      beginStream(response);
      response.end(tokenFrame('a') + aborted + USAGE_FRAME + DONE_FRAME);
    });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code: 'engine_failed' });
    expect(answer.text).not.toContain('[DONE]');
    expect(await outcomes()).toEqual(['interrupted']);
  });

  test("an answer that repeats a student's metadata cannot look like the end of an engine", async () => {
    const metadata = { finish_reason: 'abort' };
    const [engine] = await worldWith({}, ({ response }) => {
      const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5 };
      answerJson(response, 200, { object: 'response', metadata, usage });
    });
    const asked = { model: 'qwen', input: 'hi', metadata };
    for (let time = 0; time < 4; time++) {
      expect((await askJson(world, asked, { path: '/v1/responses' })).status).toBe(200);
    }
    expect(engine?.calls).toHaveLength(4);
    expect(world.gateway.engines.size.ready).toBe(1);
  });

  test('an engine that dies before the first token is a plain 502', async () => {
    await worldWith({}, ({ response }) => {
      beginStream(response);
      response.destroy();
    });
    const { status, body } = await askJson(world, STREAM);
    expect([status, body.error.code]).toEqual([502, 'engine_failed']);
  });

  test('an error that the engine puts into the stream arrives in one shape, before the first token as a status', async () => {
    const busy = 'data: {"error": {"message": "busy", "type": "x", "param": null, "code": 503}}\n\n';
    await worldWith({}, ({ body, response }) => {
      beginStream(response);
      response.end((body.temperature === 1 ? tokenFrame('a') : '') + busy + DONE_FRAME);
    });
    const early = await askJson(world, STREAM);
    expect([early.status, early.body.error.code]).toEqual([503, 'engine_busy']);

    const late = await ask(world, { ...STREAM, temperature: 1 });
    await late.over;
    expect(errorIn(late)).toMatchObject({ code: 'engine_busy' });
    expect(late.text).not.toContain('[DONE]');
    expect(await outcomes()).toEqual(['unanswered', 'interrupted']);
  });

  test('a slow reader slows the engine down instead of filling memory', async () => {
    const engine = await flooded({});
    const answer = await ask(world, STREAM);
    answer.pause();
    await engine.waits();
    answer.resume();
    const before = answer.text.length;
    await eventually('it goes on', () => answer.text.length > before + 1_000_000);
    answer.leave();
    await eventually('the engine sees the client leave', () => engine.cancelled);
    expect(await outcomes()).toEqual(['client-left']);
  });
});

describe('engines', () => {
  test('none ready is a 503 that says when to come back', async () => {
    await worldWith({});
    const { status, headers, body } = await askJson(world, CHAT);
    expect([status, headers['retry-after'], body.error.code]).toEqual([503, '10', 'no_engine_ready']);
    expect(await outcomes()).toEqual(['unanswered']);
  });

  test('one that takes no connection is passed over, once', async () => {
    const [dead, alive] = await worldWith({}, answerWell, answerWell);
    await dead?.refuseConnections();
    const answers = [await askJson(world, CHAT), await askJson(world, CHAT), await askJson(world, CHAT)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(alive?.calls).toHaveLength(3);
  });

  test('all dead is a 502', async () => {
    const [dead, deadToo] = await worldWith({}, answerWell, answerWell);
    await dead?.refuseConnections();
    await deadToo?.refuseConnections();
    const { status, body } = await askJson(world, CHAT);
    expect([status, body.error.code]).toEqual([502, 'engine_unreachable']);
    expect(await outcomes()).toEqual(['unanswered']);
  });

  test('one that is removed ends what it was streaming, with an error event', async () => {
    const [engine] = await worldWith({}, ({ response }) => {
      beginStream(response);
      response.write(tokenFrame('a'));
    });
    const answer = await ask(world, STREAM);
    world.gateway.engines.remove(engine?.url ?? '');
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code: 'engine_failed' });
    await nothingRuns();
  });

  test('one that drains finishes what it was streaming', async () => {
    const [engine] = await worldWith({}, ({ response }) => {
      beginStream(response);
      response.write(tokenFrame('a'));
    });
    const answer = await ask(world, STREAM);
    world.gateway.engines.drain(engine?.url ?? '');
    expect((await askJson(world, CHAT)).status).toBe(503);
    engine?.calls[0]?.response.end(DONE_FRAME);
    await answer.over;
    expect(answer.text).toBe(tokenFrame('a') + DONE_FRAME);
  });

  test.each([
    [
      400,
      { error: { message: 'n must be 1', type: 'BadRequestError', param: null, code: 400 } },
      400,
      'refused_by_engine',
    ],
    [401, { error: 'Unauthorized' }, 502, 'engine_refused_gateway'],
    [404, { detail: 'Not Found' }, 404, 'endpoint_not_served'],
    [
      500,
      { error: { message: 'dead', type: 'InternalServerError', param: null, code: 500 } },
      502,
      'engine_failed',
    ],
  ])("the engine's %i %j", async (engineStatus, engineBody, wantStatus, wantCode) => {
    await worldWith({}, ({ response }) => answerJson(response, engineStatus, engineBody));
    for (const body of [CHAT, STREAM]) {
      const answer = await askJson(world, body);
      expect([answer.status, answer.body.error.code]).toEqual([wantStatus, wantCode]);
    }
    await nothingRuns();
  });
});

describe('patience', () => {
  const aLittleMs = 1000;

  test.each([
    ['an engine that never begins', PATIENCE.firstByteMs, [], 'engine_silent'],
    ['an engine that falls silent', PATIENCE.idleMs, [tokenFrame('a')], 'engine_silent'],
  ])('%s is given up', async (_, silenceMs, frames, wantCode) => {
    const clock = createFakeClock();
    const [engine] = await worldWith({ clock }, ({ response }) => {
      beginStream(response);
      for (const frame of frames) response.write(frame);
    });
    const asked = ask(world, STREAM);
    await eventually('the engine is asked', () => engine?.calls.length === 1);
    const streaming = frames.length > 0 ? await asked : undefined;
    await clock.advance(silenceMs - aLittleMs);
    expect(engine?.calls[0]?.cancelled).toBe(false);
    await clock.advance(2 * aLittleMs + PATIENCE.idleMs);
    const answer = streaming ?? (await asked);
    await answer.over;
    expect(errorIn(answer).code).toBe(wantCode);
    await eventually('the engine sees it', () => engine?.calls[0]?.cancelled);
    await nothingRuns();
  });

  test('an answer that goes on for ever is ended', async () => {
    const clock = createFakeClock();
    const [engine] = await worldWith({ clock }, ({ response }) => {
      beginStream(response);
      response.write(tokenFrame('a'));
    });
    const answer = await ask(world, STREAM);
    for (let ms = 0; ms < PATIENCE.totalMs && answer.ended === undefined; ms += PATIENCE.idleMs / 2) {
      const before = answer.text.length;
      engine?.calls[0]?.response.write(tokenFrame('b'));
      await eventually('the token', () => answer.text.length > before || answer.ended !== undefined);
      await clock.advance(PATIENCE.idleMs / 2);
    }
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code: 'answer_too_slow' });
    await nothingRuns();
  });

  test('a client that stops reading for good loses its place', async () => {
    const clock = createFakeClock();
    const engine = await flooded({ clock });
    const answer = await ask(world, STREAM);
    answer.pause();
    await engine.waits();
    await clock.advance(2 * PATIENCE.idleMs);
    await eventually('the engine is free', () => engine.cancelled);
    expect(await outcomes()).toEqual(['client-left']);
    answer.leave();
  });
});

describe('many at once', () => {
  test('100 requests, some of which are left or die, leave nothing behind', async () => {
    const classroom = aClassroomLimiting({ concurrentRequests: 200, requestsPerMinute: 1000 });
    let asked = 0;
    const [engine] = await worldWith({ classroom }, (call) => {
      const number = asked++;
      if (number % 10 === 3) call.response.destroy();
      else if (number % 10 === 6) answerJson(call.response, 400, { detail: 'no' });
      else answerWell(call);
    });
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const answer = await ask(world, i % 2 === 0 ? CHAT : STREAM);
        if (i % 10 === 9) answer.leave();
        await answer.over;
        return answer.status;
      }),
    );
    expect(answers).toHaveLength(100);
    // One that dies on a connection that was in use before may have closed it unread: that request is sent again, once.
    expect(engine?.calls.length).toBeGreaterThanOrEqual(100);
    expect(engine?.calls.length).toBeLessThanOrEqual(200);
    await nothingRuns();
    expect(await outcomes()).toHaveLength(100);
  });

  test('more than the student may have at a time are refused, and the rest is served', async () => {
    const held: EngineCall[] = [];
    await worldWith({}, (call) => held.push(call));
    const asked = Array.from({ length: 6 }, () => askJson(world, CHAT));
    await eventually('two at the engine', () => held.length === 2);
    await eventually(
      'four refused',
      () => world.log.filter(({ fields }) => fields.status === 429).length === 4,
    );
    for (const call of held) answerWell(call);
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429, 429, 429]);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers['retry-after']).toBe('2');
    expect(refused?.body.error.message).toContain('Ms Chen, room 214');
    await nothingRuns();
  });
});

describe('settlement', () => {
  function passedOn(inner: Admission): Admission {
    return {
      admit: (seat, cost) => inner.admit(seat, cost),
      settle: (lease, settlement) => inner.settle(lease, settlement),
      limitsOf: (seat) => inner.limitsOf(seat),
      get running() {
        return inner.running;
      },
    };
  }

  /** Writes down every settlement, and lets a test hold it. */
  function ledger() {
    const settled: [string, Settlement][] = [];
    const gate = { open: Promise.resolve() };
    const admissionOver = (inner: Admission): Admission => ({
      ...passedOn(inner),
      async settle(lease, outcome) {
        settled.push([lease.id, outcome]);
        await gate.open;
        await inner.settle(lease, outcome);
      },
    });
    return { settled, gate, admissionOver };
  }

  const USAGE = { promptTokens: 3, completionTokens: 2, cachedTokens: undefined };

  test.each([
    ['an answer in one piece', CHAT],
    ['a stream', STREAM],
  ])('%s ends only after it was settled', async (_, body) => {
    const { settled, gate, admissionOver } = ledger();
    const held = Promise.withResolvers<void>();
    gate.open = held.promise;
    await worldWith({ admissionOver }, answerWell);
    let answer: Answer | undefined;
    const asked = ask(world, body).then((begun) => {
      answer = begun;
      return begun.over;
    });
    await eventually('the settlement', () => settled.length === 1);
    expect(answer?.ended).toBeUndefined();
    expect(answer?.text ?? '').not.toContain('[DONE]');
    held.resolve();
    await asked;
    expect(answer?.ended).toBe(true);
    expect(settled.map(([, settlement]) => settlement)).toMatchObject([
      { outcome: 'completed', usage: USAGE },
    ]);
  });

  test('every admitted request is settled exactly once, however it ends', async () => {
    const { settled, admissionOver } = ledger();
    const classroom = aClassroomLimiting({ concurrentRequests: 200, requestsPerMinute: 1000 });
    const ends: ((call: EngineCall) => void)[] = [
      answerWell,
      ({ response }) => response.destroy(),
      ({ response }) => answerJson(response, 400, { detail: 'no' }),
      ({ response }) => {
        beginStream(response);
        response.write(tokenFrame('a'), () => response.destroy());
      },
      ({ response }) => {
        beginStream(response);
        response.write(tokenFrame('a'));
      },
    ];
    await worldWith({ classroom, admissionOver }, (call) => ends[Number(call.body.seed)]?.(call));
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const end = i % ends.length;
        const answer = await ask(world, { ...STREAM, seed: end });
        if (end === ends.length - 1) answer.leave();
        await answer.over;
      }),
    );
    await nothingRuns();
    expect(new Set(settled.map(([id]) => id)).size).toBe(50);
    const kinds = Map.groupBy(settled, ([, { outcome }]) => outcome);
    expect(Object.fromEntries([...kinds].map(([kind, all]) => [kind, all.length]))).toEqual({
      completed: 10,
      unanswered: 10,
      refused: 10,
      interrupted: 10,
      'client-left': 10,
    });
  });

  test('one that fails is logged, and the student still gets the answer', async () => {
    const admissionOver = (inner: Admission): Admission => ({
      ...passedOn(inner),
      async settle(lease, outcome) {
        await inner.settle(lease, outcome);
        throw new Error('the disk is full');
      },
    });
    await worldWith({ admissionOver }, answerWell);
    expect((await askJson(world, CHAT)).status).toBe(200);
    expect(world.log.find(({ level }) => level === 'error')?.message).toBe('A request could not be settled');
  });
});
