import { afterEach, describe, expect, test } from '@jest/globals';
import { scheduleSchema } from '../../../src/api/schedule.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { aClassroom, aClassroomLimiting, BOB_KEY, CLASS_KEY, SQL } from './builders.ts';
import { ask, askJson, CHAT, STREAM, startWorld, type World, type WorldOptions } from './gateway-world.ts';
import {
  answerJson,
  answerWell,
  CHAT_ANSWER,
  DONE_FRAME,
  type EngineCall,
  type ScriptedEngine,
  startScriptedEngine,
} from './scripted-engine.ts';

/** A Tuesday, 16:58 in Shanghai: two minutes before the end of the session. */
const BEFORE_THE_END = Date.parse('2026-11-24T08:58:00Z');
const MINUTE = 60_000;
const SHORT = { model: 'qwen', prompt: 'a' };
const TIMETABLE = scheduleSchema.parse({
  timeZone: 'Asia/Shanghai',
  sessions: [{ days: ['Mon', 'Tue'], start: '09:00', end: '17:00' }],
});

/** The life of a class as its students meet it: over a real socket, with a clock that a test moves. */
let world: World;
let engine: ScriptedEngine;
let clock: FakeClock;
let script: (call: EngineCall) => void;

async function start(options: WorldOptions & { nowMs?: number; isCold?: boolean } = {}): Promise<void> {
  clock = createFakeClock(options.nowMs ?? BEFORE_THE_END);
  script = answerWell;
  engine = await startScriptedEngine((call) => script(call));
  world = await startWorld({ clock, engines: options.isCold ? [] : [engine.url], ...options });
}

afterEach(async () => {
  await world.stop();
  await engine.close();
});

const codeOf = async (body: object = CHAT, key?: string): Promise<string> => {
  const answer = await askJson(world, body, key === undefined ? {} : { key });
  return answer.body.error?.code ?? 'served';
};

describe('a class with a timetable', () => {
  test('serves until the session ends, and then says when the next one is', async () => {
    await start({ classroom: aClassroom({ schedule: TIMETABLE }) });
    expect(await codeOf()).toBe('served');
    clock.jump(2 * MINUTE);
    const { status, body } = await askJson(world, CHAT);
    expect([status, body.error]).toEqual([
      403,
      {
        code: 'outside_session',
        type: 'permission_error',
        param: null,
        message:
          'Class python-101 is closed between its sessions. The next one is Mon 2026-11-30 09:00 to 17:00 (Asia/Shanghai): try again then. Ask Ms Chen, room 214 if you need it sooner.',
      },
    ]);
  });

  test('tells of its models and of what was used only while it is open', async () => {
    await start({ classroom: aClassroom({ schedule: TIMETABLE }), nowMs: BEFORE_THE_END + 2 * MINUTE });
    for (const path of ['/v1/models', '/v1/usage']) {
      const { body } = await askJson(world, '', { path, method: 'GET' });
      expect(body.error.code).toBe('outside_session');
    }
  });

  test('tells students how long it is open', async () => {
    await start({ classroom: aClassroom({ schedule: TIMETABLE }) });
    const { body } = await askJson(world, '', { path: '/v1/usage', method: 'GET' });
    expect(body).toMatchObject({ open_until: BEFORE_THE_END / 1000 + 120, boost: null });
  });

  test('that is extended serves until then, and needs nobody to end it', async () => {
    const openUntilMs = BEFORE_THE_END + 32 * MINUTE;
    await start({ classroom: aClassroom({ schedule: TIMETABLE, openUntilMs }) });
    clock.jump(31 * MINUTE);
    expect(await codeOf()).toBe('served');
    clock.jump(1 * MINUTE);
    expect(await codeOf()).toBe('outside_session');
  });
});

describe('an exam', () => {
  const exam = { students: ['alice'], maxOutputTokens: 100, allowAdapters: false, allowTools: false };
  const tools = [{ type: 'function', function: { name: 'search' } }];

  test('is for those on its list, without tools, and with answers of one length', async () => {
    await start({ classroom: aClassroom({ access: 'Exam', exam }) });
    expect(await codeOf(CHAT, BOB_KEY)).toBe('not_in_exam');
    expect(await codeOf({ ...CHAT, tools })).toBe('tools_not_allowed');
    const { headers } = await askJson(world, { ...CHAT, max_tokens: 5_000 });
    expect(headers['x-gateway-max-output-tokens']).toBe('100');
    expect(engine.calls.map(({ body }) => body.max_completion_tokens)).toEqual([100]);
  });

  test('leaves all as it was', async () => {
    await start({ classroom: aClassroom({ access: 'Exam', exam }) });
    world.gateway.directory.putClassroom(aClassroom({ exam }));
    expect(await codeOf(CHAT, BOB_KEY)).toBe('served');
    expect(await codeOf({ ...CHAT, tools })).toBe('served');
    await askJson(world, { ...CHAT, max_tokens: 900 });
    expect(engine.calls.at(-1)?.body.max_completion_tokens).toBe(900);
  });
});

describe('a boost', () => {
  test('lets more requests through, and ends by itself', async () => {
    const boost = { factor: 3, untilMs: BEFORE_THE_END + MINUTE };
    await start({ classroom: aClassroomLimiting({ requestsPerMinute: 1 }, { boost }) });
    const codes = [await codeOf(), await codeOf(), await codeOf(), await codeOf()];
    expect(codes).toEqual(['served', 'served', 'served', 'requests_per_minute_exceeded']);
    expect((await askJson(world, '', { path: '/v1/usage', method: 'GET' })).body).toMatchObject({
      boost: { factor: 3, until: boost.untilMs / 1000 },
      limits: [{ name: 'concurrentRequests', limit: 6 }, { name: 'requestsPerMinute', limit: 3 }, {}],
    });
    await clock.advance(MINUTE);
    expect([await codeOf(), await codeOf()]).toEqual(['served', 'requests_per_minute_exceeded']);
  });
});

describe('a budget that is nearly used up', () => {
  test('is told of in a header of each answer, once 80 % were used', async () => {
    // An answer costs 5 tokens, and 9 at most while it runs.
    await start({ classroom: aClassroomLimiting({ tokensPerDay: 1_000, tokensTotal: 12 }) });
    const warnings: unknown[] = [];
    for (let request = 0; request < 3; request++) {
      const { headers } = await askJson(world, { ...SHORT, max_tokens: 1 }, { path: '/v1/completions' });
      warnings.push(headers['x-gateway-quota-warning']);
    }
    expect(warnings).toEqual([undefined, undefined, 'tokens-total;used=83;limit=12']);
  });
});

describe('a class that sleeps', () => {
  const classroom = aClassroom({ engineStart: { loadSeconds: 95 } });
  const queueBounds = { wakeWaitMs: 300_000 };

  test('holds the first request and answers it as soon as there is an engine', async () => {
    await start({ classroom, queueBounds, isCold: true });
    const answer = askJson(world, CHAT);
    await eventually('it waits', () => world.gateway.requestsInFlight === 1);
    await clock.advance(95_000);
    world.gateway.engines.put({ id: 'one', classroomKey: CLASS_KEY, origin: engine.url });
    expect(await answer).toMatchObject({ status: 200, body: CHAT_ANSWER });
  });

  test('keeps a stream alive until then', async () => {
    await start({ classroom, queueBounds, isCold: true });
    const asked = ask(world, STREAM);
    await eventually('it waits', () => world.gateway.requestsInFlight === 1);
    await clock.advance(30_000);
    const answer = await asked;
    await eventually('comments', () => answer.text === ': waiting\n\n'.repeat(3));
    world.gateway.engines.put({ id: 'one', classroomKey: CLASS_KEY, origin: engine.url });
    await answer.over;
    expect(answer.text.endsWith(DONE_FRAME)).toBe(true);
  });

  test('tells a stream that waits too long by an event, and charges nothing', async () => {
    await start({ classroom, queueBounds, isCold: true });
    const asked = ask(world, STREAM);
    await eventually('it waits', () => world.gateway.requestsInFlight === 1);
    await clock.advance(300_000);
    const answer = await asked;
    await answer.over;
    const event = JSON.parse(answer.text.trim().split('\n\n').at(-1)?.replace('data: ', '') ?? '');
    expect(event.error).toMatchObject({ code: 'engine_starting', message: expect.stringContaining('95 s') });
    const { body } = await askJson(world, '', { path: '/v1/usage', method: 'GET' });
    expect(body.total.total_tokens).toBe(0);
  });

  test('tells others by a status that says when to come back', async () => {
    await start({ classroom, queueBounds, isCold: true });
    const asked = askJson(world, CHAT);
    await eventually('it waits', () => world.gateway.requestsInFlight === 1);
    await clock.advance(300_000);
    const { status, headers } = await asked;
    expect([status, headers['retry-after']]).toEqual([503, '30']);
  });

  describe('whose engine loads its adapters after its start', () => {
    const ADAPTER = { ...CHAT, model: SQL.model };
    let hasAdapter: boolean;

    /** A request for the adapter that waited for the engine, which has been asked for it in vain. */
    async function askedTooEarly() {
      await start({ classroom: { ...classroom, adapters: [SQL] }, queueBounds, isCold: true });
      hasAdapter = false;
      script = (call) =>
        hasAdapter
          ? answerWell(call)
          : answerJson(call.response, 404, { error: { message: 'The model `qwen:sql` does not exist.' } });
      const asked = askJson(world, ADAPTER);
      await eventually('it waits', () => world.gateway.requestsInFlight === 1);
      await clock.advance(95_000);
      world.gateway.engines.put({ id: 'one', classroomKey: CLASS_KEY, origin: engine.url });
      await eventually('the engine is asked', () => engine.calls.length === 1);
      await eventually('it is waited for', () => world.gateway.engines.size.inFlight === 0);
      return { asked };
    }

    test('is asked again until it has the one that is asked for', async () => {
      const { asked } = await askedTooEarly();
      hasAdapter = true;
      world.gateway.engines.reportAdapters('one', [SQL]);
      await eventually('it is asked again', async () => {
        await clock.advance(1_000);
        return engine.calls.length > 1;
      });
      expect(await asked).toMatchObject({ status: 200, body: CHAT_ANSWER });
    });

    test('is not asked for ever', async () => {
      const { asked } = await askedTooEarly();
      await clock.advance(15_000);
      const { status, headers, body } = await asked;
      expect([status, headers['retry-after'], body.error.code]).toEqual([503, '2', 'adapter_not_loaded']);
      expect(world.admission.running).toBe(0);
    });

    test('holds nobody who is gone meanwhile', async () => {
      const { asked } = await askedTooEarly();
      world.gateway.directory.putClassroom(aClassroom({ access: 'Closed' }));
      expect((await asked).body.error.code).toBe('class_closed');
      expect(world.gateway.requestsInFlight).toBe(0);
    });
  });

  test('lets the student leave', async () => {
    await start({ classroom, queueBounds, isCold: true });
    const asked = ask(world, STREAM);
    await eventually('it waits', () => world.gateway.requestsInFlight === 1);
    await clock.advance(5_000);
    (await asked).leave();
    await eventually('nothing waits', () => world.gateway.requestsInFlight === 0);
    expect(world.admission.running).toBe(0);
  });
});
