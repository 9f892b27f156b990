import { describe, expect, test } from '@jest/globals';
import { scheduleSchema } from '../../../../src/api/schedule.ts';
import type { ClassroomRecord } from '../../../../src/gateway/identity/seat.ts';
import { CLASS_KEY } from '../builders.ts';
import { putEngine, queueWorld } from './queue-world.ts';

const BOUNDS = { engineWaitMs: 10_000, wakeWaitMs: 300_000, busyWaitMs: 30_000 };
const MINUTE = 60_000;

function coldWorld(classroomAt: (nowMs: number) => Partial<ClassroomRecord>) {
  return queueWorld({ engines: [], bounds: BOUNDS, classroomAt });
}

const SLEEPS: Partial<ClassroomRecord> = { engineStart: { loadSeconds: 95 } };

describe('a class that sleeps', () => {
  test('holds a request until its engine answers', async () => {
    const { ask, clock, engines } = coldWorld(() => SLEEPS);
    const held = ask('alice');
    await clock.advance(290_000);
    expect(held.refusal).toBeUndefined();
    putEngine(engines, 'one');
    expect(held.turn?.engine.id).toBe('one');
  });

  test('lets it wait for its place among others after that, as if it had come then', async () => {
    const { ask, clock, engines } = coldWorld(() => SLEEPS);
    const held = [ask('alice'), ask('bob')];
    await clock.advance(290_000);
    putEngine(engines, 'one');
    await clock.advance(29_999);
    expect(held.map(({ refusal }) => refusal)).toEqual([undefined, undefined]);
    held[0]?.done();
    expect(held[1]?.turn).toBeDefined();
  });

  test('tells who has waited too long how long the start took the last time', async () => {
    const { ask, clock } = coldWorld(() => SLEEPS);
    const held = ask('alice');
    await clock.advance(300_000);
    expect(held.refusal).toMatchObject({
      code: 'engine_starting',
      status: 503,
      headers: { 'retry-after': '30' },
      message: expect.stringContaining(
        'took 95 s the last time, and you have waited 300 s. Try again in 30 s.',
      ),
    });
  });

  test('whose start takes longer than anybody is held says how much of it is left', async () => {
    const { ask, clock } = coldWorld(() => ({ engineStart: { loadSeconds: 420 } }));
    const held = ask('alice');
    await clock.advance(300_000);
    expect(held.refusal?.headers).toEqual({ 'retry-after': '120' });
  });

  test('whose start was never measured says so', async () => {
    const { ask, clock } = coldWorld(() => ({ engineStart: { loadSeconds: undefined } }));
    const held = ask('alice');
    await clock.advance(300_000);
    expect(held.refusal?.message).toContain('was not measured yet');
  });

  test('holds no more than a queue does', () => {
    const bounds = { ...BOUNDS, requestsPerStudent: 2 };
    const { ask } = queueWorld({ engines: [], bounds, classroomAt: () => SLEEPS });
    const held = [ask('alice'), ask('alice'), ask('alice')];
    expect(held.map(({ refusal }) => refusal?.code)).toEqual([undefined, undefined, 'queue_full']);
  });

  test('gives the turns of its engine to its students one after another, however much one of them asked first', () => {
    const { ask, engines, turns, finishOldest } = coldWorld(() => SLEEPS);
    for (const student of ['alice', 'alice', 'alice', 'alice', 'bob', 'carol', 'bob']) ask(student);
    putEngine(engines, 'one');
    for (let ended = 1; ended < 7; ended++) finishOldest();
    expect(turns).toEqual(['alice', 'bob', 'carol', 'alice', 'bob', 'alice', 'alice']);
  });

  test('whose engine turns out to fail holds nobody any longer', async () => {
    let classroom = SLEEPS;
    const { ask, clock, queue } = coldWorld(() => classroom);
    const held = ask('alice');
    await clock.advance(20_000);
    expect(held.refusal).toBeUndefined();
    classroom = {};
    queue.classroomChanged(CLASS_KEY);
    expect(held.refusal?.code).toBe('no_engine_ready');
  });

  test('that is told of while requests wait holds them', async () => {
    let classroom: Partial<ClassroomRecord> = {};
    const { ask, clock, queue } = coldWorld(() => classroom);
    const held = ask('alice');
    await clock.advance(5_000);
    classroom = SLEEPS;
    queue.classroomChanged(CLASS_KEY);
    await clock.advance(60_000);
    expect(held.refusal).toBeUndefined();
  });
});

describe('the end of a session', () => {
  /** The clock of a test begins at 09:00 on a Tuesday. */
  const schedule = scheduleSchema.parse({ sessions: [{ days: ['Tue'], start: '08:00', end: '09:02' }] });

  test('ends the wait in a class that has no engine: nobody starts one any more', async () => {
    const { ask, clock } = coldWorld(() => ({ ...SLEEPS, schedule }));
    const held = ask('alice');
    await clock.advance(2 * MINUTE - 1);
    expect(held.refusal).toBeUndefined();
    await clock.advance(1);
    expect(held.refusal).toMatchObject({ code: 'outside_session', status: 403 });
  });

  test('does not end the wait for a place at an engine', async () => {
    const { ask, clock } = queueWorld({
      bounds: { ...BOUNDS, busyWaitMs: 5 * MINUTE },
      classroomAt: () => ({ schedule }),
    });
    const [running, waiting] = [ask('alice'), ask('bob')];
    await clock.advance(3 * MINUTE);
    expect(waiting.refusal).toBeUndefined();
    running.done();
    expect(waiting.turn).toBeDefined();
  });
});

describe('who has engines started', () => {
  function heardWorld(engines: string[] = []) {
    const heard: [number, number, boolean][] = [];
    const world = queueWorld({
      engines,
      bounds: BOUNDS,
      onAsked: ({ waiting, running, hasEngine }) => heard.push([waiting, running, hasEngine]),
    });
    return { ...world, heard };
  }

  test('hears of each request that comes, and of its end', () => {
    const { ask, heard } = heardWorld(['one']);
    const asked = ask('alice');
    asked.done();
    expect(heard).toEqual([
      [0, 1, true],
      [0, 0, true],
    ]);
  });

  test('hears of one that waits in vain, and of one that leaves', async () => {
    const { ask, clock, heard } = heardWorld();
    ask('alice');
    ask('bob').cancel();
    await clock.advance(BOUNDS.engineWaitMs);
    expect(heard).toEqual([
      [1, 0, false],
      [2, 0, false],
      [1, 0, false],
      [0, 0, false],
    ]);
  });

  test('hears that the last engine is gone while requests run, and that there is one again', () => {
    const { ask, engines, heard } = heardWorld(['one']);
    ask('alice');
    engines.drain('one');
    putEngine(engines, 'two');
    expect(heard).toEqual([
      [0, 1, true],
      [0, 1, false],
      [0, 1, true],
    ]);
  });
});
