import { describe, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import { createEngineRegistry } from '../../../../src/gateway/engines/registry.ts';
import type { Turn } from '../../../../src/gateway/queue/dispatch-queue.ts';
import { createFairQueue, type FairQueue } from '../../../../src/gateway/queue/fair-queue.ts';
import { jainIndex } from '../../../../src/gateway/queue/fairness-index.ts';
import { noPeers, type Peers } from '../../../../src/gateway/queue/peers.ts';
import { keyspaceOf } from '../../../../src/gateway/valkey/keys.ts';
import { createServiceExchange } from '../../../../src/gateway/valkey/service-exchange.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { aClassroom, alice, aSeat } from '../builders.ts';
import { QUEUE_BOUNDS } from '../gateway-world.ts';
import { putEngine } from '../queue/queue-world.ts';
import { Boards } from './boards.ts';

/** Requests that the engine computes together; it lets others wait, first come first served. */
const BATCH = 8;
const ANSWER = { promptTokens: 100, completionTokens: 40, cachedTokens: undefined };
const ANSWER_MS = 800;
const PLAYED_MS = 60_000;
const LIGHT = ['ann', 'bo', 'cy', 'di', 'ed', 'fay', 'gus', 'hal', 'ida'];

/** One engine that all replicas use. */
class Engine {
  readonly #clock: FakeClock;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  answers = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  run(turn: Turn, onDone: () => void): void {
    this.#waiting.push(() => {
      this.#clock.setTimeout(() => {
        this.#running -= 1;
        this.answers += 1;
        turn.done(ANSWER);
        onDone();
        this.#next();
      }, ANSWER_MS);
    });
    this.#next();
  }

  #next(): void {
    while (this.#running < BATCH) {
      const begin = this.#waiting.shift();
      if (begin === undefined) return;
      this.#running += 1;
      begin();
    }
  }
}

interface Played {
  /** Answers by student. */
  readonly answers: Readonly<Record<string, number>>;
  readonly total: number;
  /** From asking to the turn, ms. */
  readonly lightWaitsMs: readonly number[];
}

/**
 * Plays a minute in which one student keeps 40 requests open at each replica, and nine keep two open at one replica
 * each: three at the first one, six at the last.
 */
async function play(
  replicas: number,
  peersOf: (clock: FakeClock, replica: number) => Peers,
): Promise<Played> {
  const clock = createFakeClock();
  const engine = new Engine(clock);
  const queues = Array.from({ length: replicas }, (_, replica) => aQueue(clock, peersOf(clock, replica)));
  const answers: Record<string, number> = {};
  const lightWaitsMs: number[] = [];
  const seats = new Map(
    [...LIGHT, 'flo'].map((id) => [
      id,
      alice(aClassroom({ engine: { maxNumSeqs: BATCH } }), aSeat({ studentId: id })),
    ]),
  );
  const ask = (student: string, queue: FairQueue): void => {
    const seat = seats.get(student);
    if (seat === undefined) throw new Error(`${student} has no seat`);
    queue.enter(
      { seat, promptTokens: 100, kvTokens: 200, bodyBytes: 400 },
      {
        onTurn(turn) {
          if (student !== 'flo') lightWaitsMs.push(turn.waitedMs);
          engine.run(turn, () => {
            answers[student] = (answers[student] ?? 0) + 1;
            ask(student, queue);
          });
        },
        onRefused(refusal) {
          throw new Error(refusal.message);
        },
      },
    );
  };
  const last = replicas - 1;
  for (const queue of queues) for (let i = 0; i < 40; i++) ask('flo', queue);
  LIGHT.forEach((student, index) => {
    const queue = queues[index < 3 ? 0 : last];
    if (queue !== undefined) for (let i = 0; i < 2; i++) ask(student, queue);
  });
  await clock.advance(PLAYED_MS);
  return { answers, total: engine.answers, lightWaitsMs };
}

function aQueue(clock: FakeClock, peers: Peers): FairQueue {
  const engines = createEngineRegistry({
    connect: () => new Agent(),
    monotonic: clock.monotonic,
    random: () => 0,
  });
  const bounds = { ...QUEUE_BOUNDS, busyWaitMs: 2 * PLAYED_MS };
  const queue = createFairQueue({ engines, peers, clock, bounds, onWaited() {} });
  putEngine(engines, 'one');
  return queue;
}

function exchanging(): (clock: FakeClock, replica: number) => Peers {
  const boards = new Boards();
  return (clock, replica) => {
    const replicaId = `replica-${replica}`;
    const exchange = createServiceExchange({
      board: boards.of(replicaId),
      keys: keyspaceOf(''),
      replicaId,
      intervalMs: 250,
      clock,
      log: silentLogger,
    });
    exchange.start();
    return exchange.peers;
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('one student who floods two replicas, and nine who do not', () => {
  test('get the same, answers and waits as with one replica', async () => {
    const one = await play(1, () => noPeers);
    const two = await play(2, exchanging());
    expect(jainIndex(Object.values(two.answers))).toBeGreaterThanOrEqual(0.95);
    expect(two.total).toBeGreaterThanOrEqual(0.99 * one.total);
    expect(mean(two.lightWaitsMs)).toBeLessThanOrEqual(1.1 * mean(one.lightWaitsMs));
  });

  test('would not get the same if the replicas did not tell each other', async () => {
    const { answers } = await play(2, () => noPeers);
    expect(jainIndex(Object.values(answers))).toBeLessThan(0.95);
  });

  test('get the same from three replicas', async () => {
    const { answers } = await play(3, exchanging());
    expect(jainIndex(Object.values(answers))).toBeGreaterThanOrEqual(0.95);
  });
});
