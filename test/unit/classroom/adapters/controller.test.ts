import { beforeEach, describe, expect, test } from '@jest/globals';
import type { AdapterStatus } from '../../../../src/api/adapter.ts';
import type { Classroom, ClassroomStatus } from '../../../../src/api/classroom.ts';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { type AdapterBoard, createAdapterBoard } from '../../../../src/classroom/adapters/board.ts';
import { createAdapterController } from '../../../../src/classroom/adapters/controller.ts';
import { adapterArgs } from '../../../../src/classroom/adapters/engine-options.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import type { OperatorController } from '../../../../src/reconcile/controller.ts';
import { podAddress } from '../../../../src/vllm/pod-address.ts';
import { classroom, merged } from '../../../support/builders.ts';
import { containerStatus, readyPod, settings } from '../../../support/classroom.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { quietInformers } from '../../../support/quiet-cache.ts';
import { CUT, callEngines, DEAD, failed, MISSING, PlayedEngine, RANK_64 } from './played-engines.ts';

const KEY = 'python-101/python-101';
const SQL = { name: 'sql', path: 'adapters/sql', rank: 16 };
const HAIKU = { name: 'haiku', path: 'adapters/haiku', rank: 16 };
const LOAD_SQL = 'load qwen:sql /models/adapters/sql';
const LOAD_HAIKU = 'load qwen:haiku /models/adapters/haiku';

type Adapter = typeof SQL;

function aClass(adapters: Adapter[], status?: ClassroomStatus): Classroom {
  return classroom({
    spec: { model: { servedName: 'qwen', storage: { claimName: 'models' } }, adapters },
    ...(status === undefined ? {} : { status }),
  });
}

const MODEL_ID = 'Qwen/Qwen2.5-7B-Instruct';
const WITH_ADAPTERS = adapterArgs({ adapters: [SQL] });

/** An engine pod that answers at `10.0.0.<number>`, started for adapters of rank 16. */
function engine(number: number, restarts = 0, lora = WITH_ADAPTERS, id = MODEL_ID, servedName = 'qwen'): Pod {
  const args = [id, '--served-model-name', servedName, ...lora];
  return merged(readyPod(`engine-${number}`), {
    metadata: { uid: `uid-${number}` },
    spec: { containers: [{ name: 'vllm', args, ports: [{ name: 'http', containerPort: 8000 }] }] },
    status: {
      podIP: `10.0.0.${number}`,
      containerStatuses: [containerStatus({ ready: true, restartCount: restarts })],
    },
  });
}

let clock: FakeClock;
let board: AdapterBoard;
let engines: Record<string, PlayedEngine>;
let classrooms: Classroom[];
let pods: Pod[];
let controller: OperatorController;

/** An operator that has just started. */
function start(): void {
  board = createAdapterBoard();
  controller = createAdapterController({
    informers: quietInformers<Classroom, StudentQuota, Pod>({ classrooms, pods }),
    callEngine: callEngines(engines),
    addressOf: podAddress,
    adapterBoard: board,
    clock,
    log: silentLogger,
    settings: settings(),
  });
}

beforeEach(() => {
  clock = createFakeClock();
  engines = { 'http://10.0.0.1:8000': new PlayedEngine(), 'http://10.0.0.2:8000': new PlayedEngine() };
  classrooms = [aClass([SQL])];
  pods = [engine(1), engine(2)];
  start();
});

const first = () => engines['http://10.0.0.1:8000'] ?? new PlayedEngine();
const second = () => engines['http://10.0.0.2:8000'] ?? new PlayedEngine();

/** One pass after the other until nothing is left to do at once; ms until the next one is due. */
async function settle(): Promise<number> {
  for (let passes = 0; passes < 50; passes++) {
    const { requeueAfterMs } = await controller.reconcile(KEY, new AbortController().signal);
    if (requeueAfterMs === undefined) return Number.POSITIVE_INFINITY;
    if (requeueAfterMs > 0) return requeueAfterMs;
  }
  throw new Error('it never settles');
}

/** Lets time pass, looking whenever it is due. */
async function pass(ms: number): Promise<void> {
  const endMs = clock.monotonic() + ms;
  for (let dueMs = await settle(); clock.monotonic() + dueMs <= endMs; dueMs = await settle()) {
    await clock.advance(dueMs);
  }
  await clock.advance(endMs - clock.monotonic());
  await settle();
}

const troubles = () =>
  board.of(KEY)?.engines.flatMap((one) => one.troubles.map(({ name, state, why }) => ({ name, state, why })));

describe('an adapter of the spec', () => {
  test('is loaded by every engine from its folder on the model volume, and then all is settled', async () => {
    expect(await settle()).toBe(60_000);
    expect([first().told, second().told]).toEqual([[LOAD_SQL], [LOAD_SQL]]);
    expect(board.of(KEY)?.engines.map(({ loaded }) => loaded)).toEqual([['sql'], ['sql']]);
    await pass(600_000);
    expect([first().told, second().told]).toEqual([[LOAD_SQL], [LOAD_SQL]]);
  });

  test('is loaded again after the container of an engine started anew', async () => {
    await settle();
    first().loaded.clear();
    pods[0] = engine(1, 1);
    await settle();
    expect(first().told).toEqual([LOAD_SQL, LOAD_SQL]);
    expect(second().told).toEqual([LOAD_SQL]);
  });

  test('is loaded again by an engine that lost it without a word', async () => {
    await settle();
    first().loaded.clear();
    await pass(60_000);
    expect(first().told).toEqual([LOAD_SQL, LOAD_SQL]);
  });

  test('that an engine has already is not loaded again by an operator that starts anew', async () => {
    await settle();
    start();
    await settle();
    expect(first().told).toEqual([LOAD_SQL]);
    expect(board.of(KEY)?.engines.map(({ loaded }) => loaded)).toEqual([['sql'], ['sql']]);
  });

  test('is unloaded when it leaves the spec', async () => {
    await settle();
    classrooms[0] = aClass([]);
    await settle();
    expect(first().told).toEqual([LOAD_SQL, 'unload qwen:sql']);
    expect(board.of(KEY)?.engines.map(({ loaded }) => loaded)).toEqual([[], []]);
  });

  test('in another folder is unloaded and loaded, not replaced under answers that are being written', async () => {
    await settle();
    classrooms[0] = aClass([{ ...SQL, path: 'adapters/sql-2' }]);
    await settle();
    expect(first().told).toEqual([LOAD_SQL, 'unload qwen:sql', 'load qwen:sql /models/adapters/sql-2']);
    expect(first().loaded).toEqual(new Map([['qwen:sql', '/models/adapters/sql-2']]));
  });

  test('is loaded by an engine that comes later', async () => {
    pods.splice(1);
    start();
    await settle();
    pods.push(engine(2));
    await settle();
    expect(second().told).toEqual([LOAD_SQL]);
  });
});

describe('an engine', () => {
  test('that was started without adapters is not asked, and must be started anew', async () => {
    pods[0] = engine(1, 0, []);
    first().silence = failed(500, 'must not be asked');
    await settle();
    expect(troubles()).toEqual([
      { name: 'sql', state: 'Waiting', why: expect.stringContaining('started without adapters') },
    ]);
    expect(second().told).toEqual([LOAD_SQL]);
  });

  test('that was started for a lower rank is not tried with a higher one', async () => {
    classrooms[0] = aClass([{ ...SQL, rank: 64 }]);
    await settle();
    expect(first().told).toEqual([]);
    expect(troubles()?.[0]).toMatchObject({ state: 'Waiting', why: expect.stringContaining('for rank 64') });
  });

  test.each([
    ['another model', 'meta-llama/Llama-3.1-8B-Instruct', 'qwen'],
    ['the model by its old name', MODEL_ID, 'old'],
  ])(
    'that still runs %s keeps what it has until it is started anew: adapters are for one model',
    async (_, id, servedName) => {
      pods[0] = engine(1, 0, WITH_ADAPTERS, id, servedName);
      first().loaded.set(`${servedName}:old-one`, '/models/adapters/old-one');
      await settle();
      expect(first().told).toEqual([]);
      expect(troubles()).toEqual([
        { name: 'sql', state: 'Waiting', why: expect.stringContaining('as `engine.rollout` says') },
      ]);
      expect(board.of(KEY)?.engines[0]?.loaded).toEqual(['old-one']);
      expect(second().told).toEqual([LOAD_SQL]);
    },
  );

  test('that runs the model by its old name gets adapters under that name, as long as the status says so', async () => {
    classrooms[0] = aClass([SQL], { servedName: 'old' });
    pods = [engine(1, 0, WITH_ADAPTERS, MODEL_ID, 'old')];
    start();
    await settle();
    expect(first().told).toEqual(['load old:sql /models/adapters/sql']);
  });

  test('that does not answer is asked more and more seldom, and does not hold up the others', async () => {
    first().silence = { kind: 'unanswered', cause: 'late', why: 'no answer within 5 s' };
    const waits: number[] = [];
    for (let look = 0; look < 7; look++) {
      const dueMs = await settle();
      waits.push(dueMs);
      await clock.advance(dueMs);
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(second().told).toEqual([LOAD_SQL]);
    first().silence = undefined;
    await pass(60_000);
    expect(first().told).toEqual([LOAD_SQL]);
  });

  test('that falls silent keeps what it said it has: a busy engine is slow, and nothing is lost', async () => {
    await settle();
    first().silence = { kind: 'unanswered', cause: 'late', why: 'no answer within 5 s' };
    await pass(600_000);
    expect(board.of(KEY)?.engines.map(({ loaded }) => loaded)).toEqual([['sql'], ['sql']]);
  });

  test('that says of an adapter it took that it has it from elsewhere is told again once a minute, not without end', async () => {
    first().rootOf = (folder) => `/resolved${folder}`;
    await pass(600_000);
    expect(first().told.length).toBeGreaterThan(2);
    expect(first().told.length).toBeLessThan(25);
    expect(second().told).toEqual([LOAD_SQL]);
  });

  test('that does not unload the version of before is what the new one waits for, and says why', async () => {
    await settle();
    first().unloading = failed(500, "Failed to remove lora adapter 'qwen:sql' from the engine.");
    classrooms[0] = aClass([{ ...SQL, path: 'adapters/sql-2' }]);
    await pass(3_600_000);
    expect(first().told).toEqual([LOAD_SQL, ...Array(3).fill('unload qwen:sql')]);
    expect(troubles()).toEqual([
      {
        name: 'sql',
        state: 'Failed',
        why: expect.stringMatching(/^the engine does not unload .*Failed to remove/),
      },
    ]);
  });

  test('that is not ready is left alone', async () => {
    pods[0] = merged(engine(1), { status: { conditions: [{ type: 'Ready', status: 'False' }] } });
    await settle();
    expect(first().told).toEqual([]);
  });

  test('of a class without adapters is never asked', async () => {
    classrooms[0] = aClass([]);
    pods = [engine(1, 0, [])];
    start();
    first().silence = failed(500, 'must not be asked');
    expect(await settle()).toBe(Number.POSITIVE_INFINITY);
    expect(board.of(KEY)).toBeUndefined();
  });
});

describe('an adapter that cannot be loaded', () => {
  test('does not keep the others from being loaded', async () => {
    classrooms[0] = aClass([SQL, HAIKU]);
    first().refusals.set('/models/adapters/sql', RANK_64);
    await settle();
    expect(first().told).toEqual([LOAD_SQL, LOAD_HAIKU]);
    expect(troubles()).toEqual([
      { name: 'sql', state: 'Failed', why: expect.stringContaining('`adapters[].rank`') },
    ]);
  });

  test('because of its files is tried once: the same files give the same answer', async () => {
    first().refusals.set('/models/adapters/sql', RANK_64);
    await pass(3_600_000);
    expect(first().told).toEqual([LOAD_SQL]);
  });

  test('is tried again in another folder', async () => {
    first().refusals.set('/models/adapters/sql', RANK_64);
    await settle();
    classrooms[0] = aClass([{ ...SQL, path: 'adapters/sql-2' }]);
    await settle();
    expect(first().told).toEqual([LOAD_SQL, 'load qwen:sql /models/adapters/sql-2']);
  });

  test('is tried again by an engine that started anew', async () => {
    first().refusals.set('/models/adapters/sql', RANK_64);
    await settle();
    pods[0] = engine(1, 1);
    await settle();
    expect(first().told).toEqual([LOAD_SQL, LOAD_SQL]);
  });

  test('because its files are not there yet is looked for again, and found', async () => {
    first().refusals.set('/models/adapters/sql', MISSING);
    await pass(3_600_000);
    const tries = first().told.length;
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(25);
    first().refusals.clear();
    await pass(300_000);
    expect(board.of(KEY)?.engines.map(({ loaded }) => loaded)).toEqual([['sql'], ['sql']]);
  });

  test('for a reason that nobody knows is tried three times', async () => {
    first().refusals.set('/models/adapters/sql', failed(500, 'Something new'));
    await pass(3_600_000);
    expect(first().told).toEqual([LOAD_SQL, LOAD_SQL, LOAD_SQL]);
  });
});

describe('an adapter of which an engine dies', () => {
  test('is heard of by no second engine, and by none after a restart', async () => {
    classrooms[0] = aClass([SQL, HAIKU]);
    first().warmUps.set('qwen:sql', DEAD);
    await settle();
    first().loaded.clear();
    pods[0] = engine(1, 1);
    await pass(3_600_000);
    expect(first().told).toEqual([LOAD_SQL, LOAD_HAIKU]);
    expect(second().told).toEqual([LOAD_HAIKU]);
    expect(board.of(KEY)?.quarantined).toEqual([
      { name: 'sql', path: 'adapters/sql', why: expect.stringContaining('an engine died') },
    ]);
  });

  test('stays away also after the operator started anew: the status says so', async () => {
    const why = 'an engine died when it was loaded';
    const quarantined: AdapterStatus = {
      name: 'sql',
      model: 'qwen:sql',
      path: 'adapters/sql',
      state: 'Quarantined',
      loadedEngines: 0,
      message: why,
    };
    classrooms[0] = aClass([SQL], { adapters: [quarantined] });
    await settle();
    expect([first().told, second().told]).toEqual([[], []]);
    expect(board.of(KEY)?.quarantined).toEqual([{ name: 'sql', path: 'adapters/sql', why }]);
  });

  test('stays where it is loaded and works', async () => {
    second().loaded.set('qwen:sql', '/models/adapters/sql');
    first().warmUps.set('qwen:sql', DEAD);
    await pass(600_000);
    expect(second().told).toEqual([]);
  });

  test('comes back in another folder', async () => {
    first().warmUps.set('qwen:sql', DEAD);
    await settle();
    first().warmUps.clear();
    first().loaded.clear();
    classrooms[0] = aClass([{ ...SQL, path: 'adapters/sql-2' }]);
    pods[0] = engine(1, 1);
    await settle();
    expect(second().told).toEqual(['load qwen:sql /models/adapters/sql-2']);
  });

  test('is suspected after one broken connection, and tried again two minutes later', async () => {
    first().refusals.set('/models/adapters/sql', CUT);
    await settle();
    expect(second().told).toEqual([]);
    first().refusals.clear();
    await pass(121_000);
    expect([first().told, second().told]).toEqual([[LOAD_SQL, LOAD_SQL], [LOAD_SQL]]);
  });

  test('is known after the second one', async () => {
    first().refusals.set('/models/adapters/sql', CUT);
    await pass(3_600_000);
    expect(first().told.length + second().told.length).toBe(2);
    expect(board.of(KEY)?.quarantined).toHaveLength(1);
  });

  test('is not blamed for the death of an engine that was dead before', async () => {
    first().health = 503;
    await settle();
    expect(first().told).toEqual([]);
    expect(board.of(KEY)?.quarantined).toEqual([]);
    first().health = 200;
    await pass(60_000);
    expect(first().told).toEqual([LOAD_SQL]);
  });
});

test('a pass that is ended early holds nothing against the adapter', async () => {
  const ended = AbortSignal.abort(new Error('the operator stops'));
  first().refusals.set('/models/adapters/sql', CUT);
  await expect(controller.reconcile(KEY, ended)).rejects.toThrow('the operator stops');
  first().refusals.clear();
  await settle();
  expect(first().loaded.size).toBe(1);
});

test('what only a person can change is what a pass is blocked by', async () => {
  first().refusals.set('/models/adapters/sql', RANK_64);
  await settle();
  const { blocked } = await controller.reconcile(KEY, new AbortController().signal);
  expect(blocked).toMatch(/^Adapter 'sql' is not loaded: its rank is higher/);
});

test('a class that is gone is forgotten', async () => {
  await settle();
  classrooms.splice(0);
  start();
  expect(await settle()).toBe(Number.POSITIVE_INFINITY);
  expect(board.of(KEY)).toBeUndefined();
});
