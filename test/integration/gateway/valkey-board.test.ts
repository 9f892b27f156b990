import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ValkeyConnection } from '../../../src/gateway/valkey/connection.ts';
import { createReplicaBoard, type ReplicaBoard } from '../../../src/gateway/valkey/replica-board.ts';
import { connectTo, HELD_TIME, startValkey, type ValkeyServer } from '../../support/valkey.ts';
import { holdServerTime, NOON_MS } from './valkey-replica.ts';

const BOARD = '{school/python-101}:peers';
const TTL_MS = 3_000;

let valkey: ValkeyServer;
let connection: ValkeyConnection;
let a: ReplicaBoard;
let b: ReplicaBoard;

beforeAll(async () => {
  valkey = await startValkey();
});
afterAll(async () => {
  await valkey[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await valkey.command('FLUSHALL');
  await holdServerTime(valkey, NOON_MS);
  connection = await connectTo(valkey, 'probe');
  const boardOf = (replicaId: string) =>
    createReplicaBoard({ connection, replicaId, ttlMs: TTL_MS, time: HELD_TIME });
  a = boardOf('a');
  b = boardOf('b');
});
afterEach(() => connection.close());

describe('a board on the server', () => {
  test('shows each replica what the others left last', async () => {
    expect(await a.exchange(BOARD, 'one')).toEqual(new Map());
    expect(await b.exchange(BOARD, '{"two":"lines\\n"}')).toEqual(new Map([['a', 'one']]));
    expect(await a.exchange(BOARD, 'another')).toEqual(new Map([['b', '{"two":"lines\\n"}']]));
    expect(await b.exchange('{another}:peers', 'x')).toEqual(new Map());
  });

  test('forgets a replica that says goodbye', async () => {
    await a.exchange(BOARD, 'one');
    await a.exchange(BOARD, '');
    expect(await b.exchange(BOARD, 'two')).toEqual(new Map());
  });

  test.each([
    ['was silent for too long', TTL_MS + 1],
    ['wrote when the clock was far ahead', -TTL_MS - 1],
  ])('forgets a replica that %s', async (_, passedMs) => {
    await a.exchange(BOARD, 'one');
    await holdServerTime(valkey, NOON_MS + passedMs);
    expect(await b.exchange(BOARD, 'two')).toEqual(new Map());
    expect(await valkey.command('HKEYS', BOARD)).toEqual(['b']);
  });

  test('is gone when nobody writes on it any more', async () => {
    await a.exchange(BOARD, 'one');
    expect(Number(await valkey.command('PTTL', BOARD))).toBeGreaterThan(0);
  });
});
