import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ActivitySource, Peers } from '../../../../src/gateway/queue/peers.ts';
import { noPeers } from '../../../../src/gateway/queue/peers.ts';
import { aClassroom, alice, aSeat, CLASS_KEY, SQL } from '../builders.ts';
import { type Asked, putEngine, queueWorld } from './queue-world.ts';

describe('a request for an adapter', () => {
  const OLD_SQL = { ...SQL, folder: '/models/adapters/sql-1' };

  test('goes to an engine that has it, past one that has room and does not', () => {
    const { ask, engines } = queueWorld({ engines: ['one', 'two'] });
    engines.reportAdapters('one', []);
    engines.reportAdapters('two', [SQL]);
    expect(ask('alice', { adapter: SQL }).turn?.engine.id).toBe('two');
  });

  test('of which engines have only another version is refused at once, and keeps nobody waiting', () => {
    const { ask, engines, ends } = queueWorld();
    engines.reportAdapters('one', [OLD_SQL]);
    const first = ask('alice');
    const refused = ask('alice', { adapter: SQL });
    expect(refused.refusal).toMatchObject({
      code: 'adapter_not_loaded',
      status: 503,
      headers: { 'retry-after': '2' },
      message: expect.stringContaining('"qwen:sql"'),
    });
    const behind = ask('bob');
    first.done();
    expect(behind.turn?.engine.id).toBe('one');
    expect(ends).toEqual(['dispatched', 'refused', 'dispatched']);
  });

  test('waits where it is loaded and all its engines are busy', () => {
    const { ask, engines } = queueWorld();
    engines.reportAdapters('one', [SQL]);
    const first = ask('alice');
    const waiting = ask('bob', { adapter: SQL });
    expect([waiting.turn, waiting.refusal]).toEqual([undefined, undefined]);
    first.done();
    expect(waiting.turn?.engine.id).toBe('one');
  });

  test('waits for an engine where there is none at all', () => {
    const { ask, engines } = queueWorld({ engines: [], bounds: { engineWaitMs: 10_000 } });
    const waiting = ask('alice', { adapter: SQL });
    expect(waiting.refusal).toBeUndefined();
    putEngine(engines, 'one');
    expect(waiting.turn?.engine.id).toBe('one');
  });

  test('is refused when the last engine that had it has another version now', () => {
    const { ask, engines } = queueWorld();
    engines.reportAdapters('one', [SQL]);
    ask('alice');
    const waiting = ask('bob', { adapter: SQL });
    engines.reportAdapters('one', [OLD_SQL]);
    expect(waiting.refusal?.code).toBe('adapter_not_loaded');
  });
});

describe('the order', () => {
  test('an engine with room is given at once', () => {
    const { ask, queue, ends } = queueWorld();
    const asked = ask('alice');
    expect([asked.turn?.waitedMs, asked.turn?.engine.id, queue.waiting, ends]).toEqual([
      0,
      'one',
      0,
      ['dispatched'],
    ]);
  });

  test('of one student first come, first served; and it says how long one waited', async () => {
    const { ask, clock } = queueWorld();
    const [first, second, third] = [ask('alice'), ask('alice'), ask('alice')];
    await clock.advance(3_000);
    first.done();
    expect([second.turn?.waitedMs, third.turn]).toEqual([3_000, undefined]);
  });

  test('one who floods waits for each of the others once, and they never for the flood', () => {
    const { ask, turns, finishOldest } = queueWorld();
    for (let i = 0; i < 10; i++) ask('mallory');
    for (const student of ['alice', 'bob', 'carol']) ask(student);
    for (let served = 0; served < 4; served++) finishOldest({ completionTokens: 50 });
    expect(turns).toEqual(['mallory', 'alice', 'bob', 'carol', 'mallory']);
  });

  test('output counts while it streams', () => {
    const { ask, turns } = queueWorld({ maxNumSeqs: 2 });
    const long = ask('alice');
    const short = ask('bob');
    ask('alice');
    ask('bob');
    ask('bob');
    long.turn?.generated(500);
    short.done();
    expect(turns.slice(2)).toEqual(['bob']);
  });

  test('what was expected of the prompt is corrected to what the engine counted, also to nothing', () => {
    const { ask, turns } = queueWorld();
    const first = ask('alice', { promptTokens: 10_000 });
    ask('bob');
    ask('alice');
    first.turn?.generated(30);
    first.turn?.done(undefined);
    // Bob came when Alice's prompt had been charged: with that given back, she got less than he was lifted to.
    expect(turns).toEqual(['alice', 'alice']);
  });

  test('weights divide what one got', () => {
    const { ask, turns, finishOldest } = queueWorld({ weights: { alice: 3, bob: 1 } });
    for (let i = 0; i < 12; i++) for (const student of ['alice', 'bob']) ask(student);
    for (let served = 0; served < 11; served++) finishOldest({ completionTokens: 50 });
    expect(turns.filter((student) => student === 'alice')).toHaveLength(9);
  });

  test('a request that does not fit into the KV cache holds its turn: smaller ones do not pass it for ever', () => {
    const { ask, engines, turns } = queueWorld({ maxNumSeqs: 8 });
    engines.reportLoad('one', { running: 0, waiting: 0, kvUsage: 0, kvTokens: 1_000 });
    const first = ask('alice', { kvTokens: 600 });
    ask('bob', { kvTokens: 500 });
    ask('carol', { kvTokens: 100 });
    expect(turns).toEqual(['alice']);
    first.done();
    expect(turns).toEqual(['alice', 'bob', 'carol']);
  });
});

describe('a wait that ends early', () => {
  test('a client that leaves is passed over, and leaves nothing behind', () => {
    const { ask, queue, turns, clock, ends } = queueWorld();
    const first = ask('alice');
    const left = ask('bob');
    ask('carol');
    left.cancel();
    left.cancel();
    first.done();
    expect([turns, queue.waiting, clock.pending]).toEqual([['alice', 'carol'], 0, 0]);
    expect(ends).toEqual(['dispatched', 'left', 'dispatched']);
  });

  test('leaving after the turn does nothing', () => {
    const { ask, queue } = queueWorld();
    const first = ask('alice');
    first.cancel();
    expect(queue.figures().get(CLASS_KEY)?.running).toBe(1);
  });

  test('too long a wait for busy engines is a 429 that says how long, and when to come back', async () => {
    const { ask, clock, queue, ends } = queueWorld({ bounds: { busyWaitMs: 30_000 } });
    ask('alice');
    const waits = ask('bob');
    await clock.advance(29_999);
    expect(waits.refusal).toBeUndefined();
    await clock.advance(1);
    expect(waits.refusal).toMatchObject({ code: 'queue_timeout', status: 429 });
    expect(waits.refusal?.message).toContain('waited 30 s');
    expect(Number(waits.refusal?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect([queue.waiting, clock.pending, ends]).toEqual([0, 0, ['dispatched', 'refused']]);
  });

  test('without engines there is a wait of its own, then a 503; who came later waits longer', async () => {
    const { ask, clock } = queueWorld({ engines: [], bounds: { engineWaitMs: 10_000 } });
    const first = ask('alice');
    await clock.advance(4_000);
    const second = ask('bob');
    await clock.advance(6_000);
    expect([first.refusal?.code, second.refusal]).toEqual(['no_engine_ready', undefined]);
    await clock.advance(4_000);
    expect(second.refusal).toMatchObject({
      code: 'no_engine_ready',
      status: 503,
      headers: { 'retry-after': '10' },
    });
  });

  test('an engine that comes in time answers those who waited for it, and the busy wait begins then', async () => {
    const { ask, clock, engines } = queueWorld({
      engines: [],
      bounds: { engineWaitMs: 300_000, busyWaitMs: 30_000 },
    });
    const waits = [ask('alice'), ask('bob')];
    await clock.advance(200_000);
    putEngine(engines, 'one');
    expect(waits[0]?.turn?.waitedMs).toBe(200_000);
    await clock.advance(29_999);
    expect(waits[1]?.refusal).toBeUndefined();
    await clock.advance(1);
    expect(waits[1]?.refusal?.code).toBe('queue_timeout');
  });

  test('engines that come and go do not make a wait longer than both budgets together', async () => {
    const { ask, clock, engines } = queueWorld({ bounds: { engineWaitMs: 10_000, busyWaitMs: 30_000 } });
    ask('alice');
    const waits = ask('bob');
    for (let flaps = 0; flaps < 4; flaps++) {
      await clock.advance(5_000);
      engines.drain('one');
      await clock.advance(4_999);
      putEngine(engines, 'one');
    }
    expect(waits.refusal).toBeUndefined();
    await clock.advance(4);
    expect(waits.refusal?.code).toBe('queue_timeout');
  });

  test('the last engine that goes out after a failure leaves those who wait to the wait for engines', async () => {
    const { ask, clock, engines } = queueWorld({ bounds: { engineWaitMs: 5_000 } });
    const first = ask('alice');
    const waits = ask('bob');
    first.turn?.done(undefined, 'unreachable');
    expect(waits.turn).toBeUndefined();
    engines.reportProbe('one', true);
    expect(waits.turn?.engine.id).toBe('one');
    const late = ask('carol');
    waits.turn?.done(undefined, 'unreachable');
    await clock.advance(5_000);
    expect(late.refusal?.code).toBe('no_engine_ready');
  });
});

describe('bounds', () => {
  test('one student may have so many waiting, and the newest is refused', () => {
    const { ask } = queueWorld({ bounds: { requestsPerStudent: 2 } });
    const asked = ['alice', 'alice', 'alice', 'alice', 'bob'].map((student) => ask(student));
    expect(asked.map(({ refusal }) => refusal?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      'queue_full',
      undefined,
    ]);
    expect(asked[3]?.refusal?.message).toContain('2 requests, which is the most for one student');
    expect(asked[3]?.refusal?.headers['retry-after']).toBeDefined();
  });

  test('when the class is full, whoever has most waiting loses their newest, and not the one who comes', () => {
    const { ask } = queueWorld({ bounds: { requestsPerClass: 4 } });
    const flood = Array.from({ length: 5 }, () => ask('mallory'));
    const light = ask('alice');
    expect(light.refusal).toBeUndefined();
    expect(flood.map(({ refusal }) => refusal?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'queue_full',
    ]);
    expect(flood[4]?.refusal?.message).toContain('nobody has more in it than you');
    expect(ask('mallory').refusal?.code).toBe('queue_full');
  });

  test('among equals the one who comes is refused', () => {
    const { ask } = queueWorld({ bounds: { requestsPerClass: 2 } });
    ask('alice');
    const [first, second, third] = [ask('bob'), ask('carol'), ask('dora')];
    expect([first?.refusal, second?.refusal, third?.refusal?.code]).toEqual([
      undefined,
      undefined,
      'queue_full',
    ]);
  });

  test('bytes are bounded in the same way', () => {
    const { ask } = queueWorld({ bounds: { bytesPerStudent: 1_000, bytesPerClass: 1_500 } });
    ask('alice');
    const large = ask('mallory', { bodyBytes: 1_000 });
    expect(ask('mallory', { bodyBytes: 1 }).refusal?.message).toContain('1000 bytes');
    const [bob, carol] = [ask('bob', { bodyBytes: 500 }), ask('carol', { bodyBytes: 500 })];
    expect([large.refusal?.code, bob?.refusal, carol?.refusal]).toEqual(['queue_full', undefined, undefined]);
  });

  test('bytes of all classes together are bounded: the class that has most loses some of whoever has most there', () => {
    const { ask } = queueWorld({ engines: [], bounds: { bytesOfAll: 2_000, engineWaitMs: 60_000 } });
    const seatOf = (key: string) => alice(aClassroom({ key, name: key }), aSeat({ classroomKey: key }));
    const [small, large] = [
      ask('alice', { seat: seatOf('a/small'), bodyBytes: 500 }),
      [
        ask('alice', { bodyBytes: 400 }),
        ask('mallory', { bodyBytes: 400 }),
        ask('mallory', { bodyBytes: 600 }),
      ],
    ];
    const last = ask('alice', { seat: seatOf('a/other'), bodyBytes: 200 });
    expect([small, ...large, last].map(({ refusal }) => refusal?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      'queue_full',
      undefined,
    ]);
    expect(large[2]?.refusal?.message).toContain('2000 bytes');
  });

  test('one that is larger than all that may wait is refused itself, and nobody else', () => {
    const { ask } = queueWorld({ engines: [], bounds: { bytesOfAll: 2_000, engineWaitMs: 60_000 } });
    expect([ask('alice'), ask('bob', { bodyBytes: 2_001 })].map(({ refusal }) => refusal?.code)).toEqual([
      undefined,
      'queue_full',
    ]);
  });

  test('a request that gets an engine at once is never too much', () => {
    const { ask } = queueWorld({
      bounds: { requestsPerStudent: 1, requestsPerClass: 1, bytesPerStudent: 1 },
    });
    expect(ask('alice').turn).toBeDefined();
  });
});

describe('engines', () => {
  test('another one is given in the place of one that could not be reached, which is out then', () => {
    const { ask, engines } = queueWorld({ engines: ['one', 'two'] });
    const asked = ask('alice');
    const first = asked.turn?.engine.id;
    const other = asked.turn?.another('unreachable');
    expect([other?.id, asked.turn?.engine.id]).toEqual([other?.id, other?.id]);
    expect(other?.id).not.toBe(first);
    expect(engines.size).toMatchObject({ ready: 1, out: 1, inFlight: 1 });
    expect(asked.turn?.another('unreachable')).toBeUndefined();
    asked.done();
    expect(engines.size.inFlight).toBe(0);
  });

  test('when an engine comes, those who wait get it', () => {
    const { ask, engines } = queueWorld();
    ask('alice');
    const waits = ask('bob');
    putEngine(engines, 'two');
    expect(waits.turn?.engine.id).toBe('two');
  });

  test('a class whose last request ended after its last engine went is forgotten', () => {
    const { ask, engines, queue } = queueWorld();
    const asked = ask('alice');
    engines.remove('one');
    expect(queue.figures().get(CLASS_KEY)).toMatchObject({ running: 1, capacity: 0 });
    asked.done(undefined, 'failed');
    expect(queue.figures().size).toBe(0);
  });

  test('requests that wait in the engine make it get fewer', () => {
    const { ask, engines, queue } = queueWorld({ maxNumSeqs: 8 });
    const busy = { running: 4, waiting: 4, kvUsage: 0.5, kvTokens: undefined };
    engines.reportLoad('one', busy);
    expect(queue.figures().get(CLASS_KEY)).toBeUndefined();
    ask('alice');
    engines.reportLoad('one', busy);
    engines.reportLoad('one', busy);
    expect(queue.figures().get(CLASS_KEY)?.capacity).toBe(6);
  });
});

describe('other replicas', () => {
  /** Peers that a test plays. */
  function played(share: number) {
    const state = { share, remote: new Map<string, number>(), served: [] as [string, number][] };
    let source: ActivitySource | undefined;
    const peers: Peers = {
      ...noPeers,
      observe(local) {
        source = local;
      },
      served: (_, student, amount) => state.served.push([student, amount]),
      shareOf: () => state.share,
      drainRemoteService() {
        const { remote } = state;
        state.remote = new Map();
        return remote;
      },
    };
    return { peers, state, source: () => source };
  }

  test('only this replica’s share runs, and more when that grows', () => {
    const { peers, state, source } = played(2);
    const { ask, turns } = queueWorld({ maxNumSeqs: 8, peers });
    for (let i = 0; i < 4; i++) ask('alice');
    expect(turns).toHaveLength(2);
    state.share = 3;
    source()?.shareChanged(CLASS_KEY);
    expect(turns).toHaveLength(3);
  });

  test('what a student got elsewhere counts here', () => {
    const { peers, state } = played(1);
    const { ask, turns } = queueWorld({ peers });
    const first = ask('carol');
    ask('alice');
    ask('bob');
    state.remote.set('alice', 5_000);
    first.done();
    expect(turns).toEqual(['carol', 'bob']);
  });

  test('service is told with all corrections, and who is active with what weight', () => {
    const { peers, state, source } = played(1);
    const { ask } = queueWorld({ peers, weights: { alice: 2 } });
    const first = ask('alice');
    ask('bob');
    expect([...(source()?.activeClassrooms() ?? [])]).toEqual([CLASS_KEY]);
    expect(source()?.activityOf(CLASS_KEY)).toEqual({
      requests: 2,
      weights: new Map([
        ['alice', 2],
        ['bob', 1],
      ]),
    });
    first.turn?.generated(10);
    first.done({ promptTokens: 80, completionTokens: 12 });
    const alices = state.served.filter(([student]) => student === 'alice');
    expect(alices.reduce((total, [, amount]) => total + amount, 0)).toBe(80 + 2 * 12);
  });
});

describe('fairness, over a minute, of those who waited all the time', () => {
  async function fairnessOf(answers: (student: string) => number): Promise<number | undefined> {
    const { ask, clock, queue, turns, finishOldest } = queueWorld();
    for (let i = 0; i < 90; i++) for (const student of ['alice', 'bob']) ask(student);
    for (let second = 0; second <= 60; second++) {
      await clock.advance(1_000);
      finishOldest({ completionTokens: answers(turns.at(-1) ?? '') });
    }
    return queue.figures().get(CLASS_KEY)?.fairness;
  }

  test('is nearly 1, also with answers of unlike length', async () => {
    expect(await fairnessOf(() => 100)).toBeGreaterThan(0.999);
    expect(await fairnessOf((student) => (student === 'alice' ? 20 : 400))).toBeGreaterThan(0.99);
  });

  test('is 1 before there was a minute', () => {
    const { ask, queue } = queueWorld();
    ask('alice');
    expect(queue.figures().get(CLASS_KEY)?.fairness).toBe(1);
  });
});

test('property: nothing is lost, doubled or left behind, and no engine idles while somebody waits', () => {
  const action = fc.record({
    student: fc.constantFrom('alice', 'bob', 'carol'),
    what: fc.constantFrom('ask', 'ask', 'done', 'cancel'),
    pick: fc.nat({ max: 50 }),
  });
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 120 }),
      fc.integer({ min: 1, max: 4 }),
      (actions, maxNumSeqs) => {
        const { ask, queue, engines } = queueWorld({
          maxNumSeqs,
          bounds: { requestsPerStudent: 5, requestsPerClass: 9 },
        });
        const open = new Set<Asked>();
        for (const { student, what, pick } of actions) {
          if (what === 'ask') open.add(ask(student));
          const candidates = [...open].filter(({ turn }) => (turn === undefined) === (what === 'cancel'));
          const chosen = candidates[pick % Math.max(1, candidates.length)];
          if (chosen !== undefined && what === 'done') {
            open.delete(chosen);
            chosen.done({ completionTokens: pick });
          } else if (chosen !== undefined && what === 'cancel') {
            open.delete(chosen);
            chosen.cancel();
          }
          for (const each of [...open]) if (each.refusal !== undefined) open.delete(each);
          const running = [...open].filter(({ turn }) => turn !== undefined).length;
          expect(running).toBe(Math.min(maxNumSeqs, open.size));
          expect(queue.waiting).toBe(open.size - running);
          expect(engines.size.inFlight).toBe(running);
        }
        for (const each of open) each.cancel();
        for (const each of open) if (each.turn !== undefined) each.done();
        expect([queue.waiting, engines.size.inFlight]).toEqual([0, 0]);
      },
    ),
  );
});
