import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ClassActivity } from '../../../../src/gateway/queue/peers.ts';
import { keyspaceOf } from '../../../../src/gateway/valkey/keys.ts';
import {
  createServiceExchange,
  type ServiceExchange,
} from '../../../../src/gateway/valkey/service-exchange.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { Boards } from './boards.ts';

const CLASS = 'school/python-101';
const INTERVAL_MS = 250;

interface Replica extends ServiceExchange {
  /** What waits and runs there. */
  activity: ClassActivity | undefined;
  changes: number;
}

let boards: Boards;
let clock: FakeClock;

beforeEach(() => {
  boards = new Boards();
  clock = createFakeClock();
});

function replica(replicaId: string): Replica {
  const exchange = createServiceExchange({
    board: boards.of(replicaId),
    keys: keyspaceOf(''),
    replicaId,
    intervalMs: INTERVAL_MS,
    clock,
    log: silentLogger,
  });
  const { peers } = exchange;
  const own: Replica = {
    peers,
    get replicas() {
      return exchange.replicas;
    },
    start: () => exchange.start(),
    stop: () => exchange.stop(),
    activity: undefined,
    changes: 0,
  };
  peers.observe({
    activeClassrooms: () => (own.activity === undefined ? [] : [CLASS]),
    activityOf: () => own.activity,
    shareChanged: () => {
      own.changes += 1;
    },
  });
  exchange.start();
  return own;
}

const requestsOf = (requests: number, ...students: string[]): ClassActivity => ({
  requests,
  weights: new Map(students.map((student) => [student, 1])),
});

describe('replicas that exchange what they serve', () => {
  test('hear within two exchanges what students got elsewhere', async () => {
    const a = replica('a');
    const b = replica('b');
    a.activity = requestsOf(5, 'ann');
    b.activity = requestsOf(5, 'bo');
    await clock.advance(2 * INTERVAL_MS);
    a.peers.served(CLASS, 'ann', 100);
    a.peers.served(CLASS, 'ann', 20);
    await clock.advance(2 * INTERVAL_MS);
    expect([...b.peers.drainRemoteService(CLASS)]).toEqual([['ann', 120]]);
    expect([...a.peers.drainRemoteService(CLASS)]).toEqual([]);
  });

  test('divide the capacity of a class, and give all of it to the last one with requests', async () => {
    const a = replica('a');
    const b = replica('b');
    a.activity = requestsOf(90, 'flo');
    b.activity = requestsOf(60, 'ann', 'bo', 'cy');
    await clock.advance(2 * INTERVAL_MS);
    expect([a, b].map(({ peers }) => peers.shareOf(CLASS, 16))).toEqual([4, 12]);
    const { changes } = a;
    b.activity = undefined;
    await clock.advance(2 * INTERVAL_MS);
    expect(a.peers.shareOf(CLASS, 16)).toBe(16);
    expect(a.changes).toBeGreaterThan(changes);
  });

  test('give the first request of a replica a place before anybody has heard of it', async () => {
    const a = replica('a');
    const b = replica('b');
    a.activity = requestsOf(90, 'flo');
    b.activity = requestsOf(1, 'ann');
    await clock.advance(2 * INTERVAL_MS);
    b.activity = undefined;
    await clock.advance(2 * INTERVAL_MS);
    expect(b.peers.shareOf(CLASS, 16)).toBeGreaterThanOrEqual(1);
  });

  test('know how many they are, and are told when one leaves', async () => {
    const a = replica('a');
    const b = replica('b');
    b.activity = requestsOf(1, 'ann');
    a.activity = requestsOf(1, 'bo');
    await clock.advance(2 * INTERVAL_MS);
    expect(a.replicas).toBe(2);
    const stopped = b.stop();
    await clock.advance(2 * INTERVAL_MS);
    await stopped;
    expect(a.replicas).toBe(1);
    expect(a.peers.shareOf(CLASS, 16)).toBe(16);
  });

  test('keep to what they heard last while the store is away', async () => {
    const a = replica('a');
    const b = replica('b');
    a.activity = requestsOf(90, 'flo');
    b.activity = requestsOf(90, 'ann');
    await clock.advance(2 * INTERVAL_MS);
    boards.isAway = true;
    await clock.advance(100 * INTERVAL_MS);
    expect(a.peers.shareOf(CLASS, 16)).toBe(8);
    expect(a.replicas).toBe(2);
    boards.isAway = false;
    b.activity = undefined;
    await clock.advance(2 * INTERVAL_MS);
    expect(a.peers.shareOf(CLASS, 16)).toBe(16);
  });

  test('leave a class that nobody asks for any more', async () => {
    const a = replica('a');
    a.activity = requestsOf(1, 'ann');
    a.peers.served(CLASS, 'ann', 10);
    await clock.advance(2 * INTERVAL_MS);
    a.activity = undefined;
    await clock.advance(100 * INTERVAL_MS);
    expect([...(boards.texts.get(`{${CLASS}}:peers`) ?? [])]).toEqual([]);
  });
});
