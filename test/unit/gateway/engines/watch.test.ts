import { afterEach, describe, expect, test } from '@jest/globals';
import { Pool } from 'undici';
import { createEngineRegistry, type EngineRegistry } from '../../../../src/gateway/engines/registry.ts';
import { watchEngines } from '../../../../src/gateway/engines/watch.ts';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { CLASS_KEY } from '../builders.ts';
import { type LogLine, recordingLogger } from '../recording-logger.ts';
import { type ScriptedEngine, startScriptedEngine } from '../scripted-engine.ts';

interface Watched {
  readonly engines: EngineRegistry;
  readonly clock: FakeClock;
  readonly engine: ScriptedEngine;
  readonly log: readonly LogLine[];
}

let watched: Watched;

async function watch(hasAdapters = false): Promise<Watched> {
  const engine = await startScriptedEngine();
  const clock = createFakeClock();
  const log: LogLine[] = [];
  const engines = createEngineRegistry({
    connect: (origin) => new Pool(origin),
    monotonic: clock.monotonic,
    random: () => 0,
  });
  watchEngines({
    engines,
    clock,
    log: recordingLogger(log),
    hasAdapters: () => hasAdapters,
    intervalMs: 1_000,
  });
  watched = { engines, clock, engine, log };
  return watched;
}

function put({ engines, engine }: Watched): void {
  engines.put({ id: 'one', classroomKey: CLASS_KEY, origin: engine.url });
}

/** Lets the question that is under way be answered, and the next one be due. */
async function nextLook({ clock, engine }: Watched): Promise<void> {
  const before = engine.asked.length;
  await eventually('the watch sleeps', () => clock.nextInMs === 1_000);
  await clock.advance(1_000);
  await eventually('it asks again', () => engine.asked.length > before);
}

const load = (running: number, waiting: number): string =>
  `vllm:num_requests_running{engine="0"} ${running}\nvllm:num_requests_waiting{engine="0"} ${waiting}\n`;

afterEach(async () => {
  await watched.engines.close();
  await watched.engine.close();
});

describe('an engine in use', () => {
  test('is asked for its metrics once a second, and given fewer requests when some wait in it', async () => {
    const all = await watch();
    all.engine.telling.metrics = load(16, 4);
    put(all);
    await nextLook(all);
    await nextLook(all);
    await eventually('the window closed', () => all.engines.capacityOf(CLASS_KEY) < 64);
    expect(new Set(all.engine.asked)).toEqual(new Set(['/metrics']));
  });

  test('that tells nothing of use is used as before', async () => {
    const all = await watch();
    all.engine.telling.metrics = '<html>';
    put(all);
    await nextLook(all);
    await all.engine.refuseConnections();
    await eventually('the watch sleeps', () => all.clock.nextInMs === 1_000);
    expect(all.engines.capacityOf(CLASS_KEY)).toBe(64);
  });

  test('of a class with adapters is asked which it has', async () => {
    const all = await watch(true);
    const SQL = { model: 'qwen:sql', folder: '/models/adapters/sql' };
    all.engine.telling.models = JSON.stringify({
      data: [
        { id: 'qwen', root: 'qwen', parent: null },
        { id: SQL.model, root: SQL.folder, parent: 'qwen' },
      ],
    });
    put(all);
    await nextLook(all);
    await nextLook(all);
    expect(new Set(all.engine.asked)).toEqual(new Set(['/v1/models', '/metrics']));
    expect(all.engines.mayServe(CLASS_KEY, SQL)).toBe(true);
    expect(all.engines.mayServe(CLASS_KEY, { ...SQL, folder: '/models/adapters/sql-2' })).toBe(false);
  });

  test('is not asked any more once it is gone', async () => {
    const all = await watch();
    put(all);
    await nextLook(all);
    all.engines.remove('one');
    await eventually('no timer is left', () => all.clock.pending === 0);
  });
});

describe('an engine that is out', () => {
  test('is asked for its health, and used again when it is well', async () => {
    const all = await watch();
    all.engine.telling.health = 503;
    put(all);
    await nextLook(all);
    all.engines.take(CLASS_KEY, { student: 'alice', kvTokens: 1, share: 1 })?.release('unreachable');
    await all.clock.advance(1_000);
    await eventually('it was probed', () => all.engine.asked.at(-1) === '/health');
    expect(all.engines.readyCount(CLASS_KEY)).toBe(0);

    all.engine.telling.health = 200;
    await eventually('it is back', async () => {
      await all.clock.advance(1_000);
      return all.engines.readyCount(CLASS_KEY) === 1;
    });
    const told = all.log
      .filter(({ level }) => level !== 'debug')
      .map(({ level, message }) => [level, message]);
    expect(told.slice(0, 2)).toEqual([
      ['warn', 'An engine that failed is out until it answers a probe'],
      ['info', 'An engine is still out'],
    ]);
    expect(told.at(-1)).toEqual(['info', 'An engine is used again']);
    expect(told.filter(([level]) => level === 'warn')).toHaveLength(1);
  });
});
