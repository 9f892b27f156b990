import { afterEach, describe, expect, test } from '@jest/globals';
import { watchEngines } from '../../../../src/gateway/engines/watch.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { aClassroomLimiting, BOB_KEY, CLASS_KEY } from '../builders.ts';
import { ask, askJson, CHAT, STREAM, startWorld, type World } from '../gateway-world.ts';
import {
  answerJson,
  answerWell,
  type EngineCall,
  type ScriptedEngine,
  startScriptedEngine,
} from '../scripted-engine.ts';

let world: World;
let clock: FakeClock;
const started: ScriptedEngine[] = [];

type Script = (call: EngineCall) => void;

/** A world whose engines are looked after, with one engine for each script. */
async function watchedWorld(
  scripts: readonly Script[],
  engineWaitMs = 60_000,
): Promise<readonly ScriptedEngine[]> {
  clock = createFakeClock();
  const engines = await Promise.all(scripts.map((script) => startScriptedEngine(script)));
  started.push(...engines);
  const classroom = aClassroomLimiting({ concurrentRequests: 20 }, { engine: { maxNumSeqs: 2 } });
  world = await startWorld({ clock, classroom, queueBounds: { engineWaitMs } });
  watchEngines({
    engines: world.gateway.engines,
    clock,
    log: silentLogger,
    hasAdapters: () => false,
    intervalMs: 1_000,
  });
  for (const { url } of engines) {
    world.gateway.engines.put({ id: url, classroomKey: CLASS_KEY, origin: url });
  }
  return engines;
}

afterEach(async () => {
  await world.stop();
  for (const engine of started.splice(0)) await engine.close();
});

/** What vLLM answers while it shuts down; its `/health` is 200 then. */
const shutsDown: Script = ({ response }) =>
  answerJson(response, 500, {
    error: { message: 'cannot schedule new futures after shutdown', type: 'InternalServerError', code: 500 },
  });

describe('an engine that shuts down', () => {
  test('is out after the first request that it refuses, which another one answers', async () => {
    const [leaving, staying] = await watchedWorld([shutsDown, answerWell]);
    // Whoever's engine it is, all are answered.
    for (let round = 0; round < 6; round++) {
      for (const key of [undefined, BOB_KEY]) {
        expect((await askJson(world, CHAT, key === undefined ? {} : { key })).status).toBe(200);
      }
    }
    expect(leaving?.calls.length).toBeLessThanOrEqual(1);
    expect(staying?.calls.length).toBe(12);
  });
});

describe('a class whose only engine fails', () => {
  test('for one student again and again: the others are answered all the while', async () => {
    const poison = { ...CHAT, seed: 666 };
    await watchedWorld([
      (call) => (call.body.seed === 666 ? answerJson(call.response, 500, { error: 'no' }) : answerWell(call)),
    ]);
    for (let time = 0; time < 10; time++) {
      expect((await askJson(world, poison, { key: BOB_KEY })).status).toBe(502);
    }
    expect(world.gateway.engines.size.ready).toBe(1);
    expect((await askJson(world, CHAT)).status).toBe(200);
  });

  test('three times in a row: requests wait, and are answered when it is well again', async () => {
    let broken = true;
    const [engine] = await watchedWorld([
      (call) => (broken ? answerJson(call.response, 500, { error: 'no' }) : answerWell(call)),
    ]);
    if (engine !== undefined) engine.telling.health = 503;
    const bobs = { key: BOB_KEY };
    const failures = [
      await askJson(world, CHAT),
      await askJson(world, CHAT, bobs),
      await askJson(world, CHAT),
    ];
    expect(failures.map(({ status }) => status)).toEqual([502, 502, 502]);

    const waiting = askJson(world, CHAT);
    await eventually('it waits', () => world.gateway.engines.size.out === 1);
    for (let second = 0; second < 5; second++) await clock.advance(1_000);
    expect(engine?.calls).toHaveLength(3);

    broken = false;
    if (engine !== undefined) engine.telling.health = 200;
    await eventually('it is used again', async () => {
      await clock.advance(1_000);
      return world.gateway.engines.size.ready === 1;
    });
    expect((await waiting).status).toBe(200);
  });

  test('and stays away: 503 with Retry-After when the wait for an engine is over, and no request tries it', async () => {
    const [engine] = await watchedWorld([answerWell], 10_000);
    if (engine !== undefined) engine.telling.health = 503;
    world.gateway.engines
      .take(CLASS_KEY, { student: 'alice', kvTokens: 1, share: 1 })
      ?.release('unreachable');
    const refused = askJson(world, CHAT);
    await eventually('it was refused', async () => {
      await clock.advance(1_000);
      return world.log.some(({ fields }) => fields.status === 503);
    });
    const { status, headers, body } = await refused;
    expect([status, headers['retry-after'], body.error.code]).toEqual([503, '10', 'no_engine_ready']);
    expect(engine?.calls).toHaveLength(0);
  });
});

describe('the queue over sockets', () => {
  test('holds what the engine was not planned for, and gives it on when there is room', async () => {
    const held: EngineCall[] = [];
    const [engine] = await watchedWorld([(call) => held.push(call)]);
    const asked = Array.from({ length: 5 }, () => askJson(world, CHAT));
    await eventually('two run', () => held.length === 2);
    await eventually('three wait', async () =>
      (await world.gateway.metrics.text()).includes(
        `gpu_classroom_gateway_queue_waiting{classroom="${CLASS_KEY}"} 3`,
      ),
    );
    expect(engine?.calls).toHaveLength(2);
    for (let served = 0; served < 5; served++) {
      const call = await eventually('the next one', () => held[served]);
      answerWell(call);
    }
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });

  test('a client that leaves while it waits never reaches the engine', async () => {
    const held: EngineCall[] = [];
    await watchedWorld([(call) => held.push(call)]);
    const running = [askJson(world, CHAT), askJson(world, CHAT)];
    await eventually('two run', () => held.length === 2);
    const waiting = ask(world, STREAM).catch(() => undefined);
    await eventually('one waits', () => world.gateway.requestsInFlight === 3);
    // The stream's comments open the answer, so that it can be left.
    await eventually('it was told to wait', async () => {
      await clock.advance(1_000);
      return Promise.race([waiting, Promise.resolve(undefined)]);
    });
    (await waiting)?.leave();
    await eventually('it is gone', () => world.gateway.requestsInFlight === 2);
    for (const call of held) answerWell(call);
    await Promise.all(running);
    expect(held).toHaveLength(2);
  });
});
