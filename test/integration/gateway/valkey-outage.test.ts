import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Seat } from '../../../src/gateway/identity/seat.ts';
import { eventually } from '../../support/eventually.ts';
import { startValkey, type ValkeyServer } from '../../support/valkey.ts';
import {
  aCost,
  admitted,
  aliceLimitedTo,
  aReplica,
  completed,
  GRACE_MS,
  holdServerTime,
  LEASE_MS,
  NOON_MS,
  outcomeOf,
  type Replica,
  remaining,
} from './valkey-replica.ts';

let valkey: ValkeyServer;

beforeAll(async () => {
  valkey = await startValkey();
});
afterAll(async () => {
  await valkey[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await valkey.command('FLUSHALL');
  await holdServerTime(valkey, NOON_MS);
});

const usedToday = async ({ usage }: Replica, studentId = 'alice') =>
  (
    await usage.usageOf(
      { classroomKey: 'school/python-101', studentId },
      { today: '2026-11-23', weekStart: '2026-11-23' },
    )
  ).today;

async function loseServer(...replicas: Replica[]): Promise<void> {
  await valkey.kill();
  for (const { admission } of replicas) {
    await eventually('the loss to be noticed', () => admission.state !== 'up');
  }
}

async function serverComesBack(...replicas: Replica[]): Promise<void> {
  await valkey.restart();
  for (const { admission } of replicas) {
    await eventually('the store to decide again', () => admission.state === 'up');
  }
}

async function admittedOf(
  count: number,
  { admission }: Replica,
  seat: Seat,
  cost = aCost(),
): Promise<number> {
  const asked = Array.from({ length: count }, () => outcomeOf(admission, seat, cost));
  return (await Promise.all(asked)).filter((outcome) => outcome === 'admitted').length;
}

describe('while the state store is away', () => {
  test('each of two replicas admits by half of the limits of a minute', async () => {
    await using a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    const seat = aliceLimitedTo({ requestsPerMinute: 20 });
    await loseServer(a, b);
    expect(await admittedOf(30, a, seat)).toBe(10);
    expect(await admittedOf(30, b, seat)).toBe(10);
    expect(a.admission.state).toBe('degraded');
    await serverComesBack(a, b);
  });

  test('a replica goes on from what it knew of a student', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ requestsPerMinute: 20, tokensPerMinute: 1_000 });
    await a.admission.settle(await admitted(a.admission, seat, aCost(100, 700)), completed(100, 700));
    await loseServer(a);
    // 200 of 1000 tokens are left, and half of them are this replica's.
    expect(await admittedOf(30, a, seat, aCost(10, 10))).toBe(5);
    await serverComesBack(a);
  });

  test('budgets end with what was last known of them, divided by the replicas', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ tokensPerDay: 1_000 });
    await a.admission.settle(await admitted(a.admission, seat), completed(100, 300));
    await loseServer(a);
    expect(await admittedOf(30, a, seat, aCost(10, 90))).toBe(3);
    expect(await remaining(a.admission, seat, 'tokensPerDay')).toBe(0);
    await serverComesBack(a);
  });

  test('a student with a budget of which nothing is known is refused, and told why', async () => {
    await using a = await aReplica(valkey);
    await loseServer(a);
    const seat = aliceLimitedTo({ tokensTotal: 1_000_000 });
    const answer = await a.admission.admit(seat, aCost());
    expect(answer).toMatchObject({
      ok: false,
      refusal: { code: 'state_store_unavailable', status: 503, headers: { 'retry-after': '10' } },
    });
    await serverComesBack(a);
  });

  test('nothing is admitted any more after the grace', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({});
    await loseServer(a);
    await a.clock.advance(GRACE_MS);
    expect(await outcomeOf(a.admission, seat)).toBe('admitted');
    await a.clock.advance(1);
    expect(a.admission.state).toBe('down');
    expect(await outcomeOf(a.admission, seat)).toBe('state_store_unavailable');
    await serverComesBack(a);
    expect(await outcomeOf(a.admission, seat)).toBe('admitted');
  });

  test('nothing is admitted that could not be booked for want of room', async () => {
    await using a = await aReplica(valkey, { maxUnbooked: 3 });
    const seat = aliceLimitedTo({});
    await loseServer(a);
    await a.admission.settle(await admitted(a.admission, seat), completed());
    await admitted(a.admission, seat);
    await admitted(a.admission, seat);
    expect(await outcomeOf(a.admission, seat)).toBe('state_store_unavailable');
    await serverComesBack(a);
    expect(await outcomeOf(a.admission, seat)).toBe('admitted');
  });
});

describe('when the state store is back', () => {
  test('all that ended meanwhile is booked, once, in the order in which it ended', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ tokensPerDay: 10_000 });
    const before = await admitted(a.admission, seat);
    const also = await admitted(a.admission, seat);
    await a.admission.settle(also, completed(5, 7));
    await loseServer(a);
    await a.admission.settle(before, completed(5, 7));
    const meanwhile = await admitted(a.admission, seat);
    await a.admission.settle(meanwhile, completed(5, 7));
    expect(a.admission.unbooked).toBe(2);
    await serverComesBack(a);
    expect(a.admission.unbooked).toBe(0);
    expect(await usedToday(a)).toMatchObject([{ requests: 3, completed: 3, completionTokens: 21 }]);
    expect(await remaining(a.admission, seat, 'tokensPerDay')).toBe(10_000 - 36);
  });

  test('a request that began meanwhile is booked, however long it takes', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({});
    await loseServer(a);
    const long = await admitted(a.admission, seat);
    await a.clock.advance(10 * LEASE_MS);
    await a.admission.settle(long, completed(5, 7));
    await serverComesBack(a);
    expect(await usedToday(a)).toMatchObject([{ requests: 1, completed: 1, completionTokens: 7 }]);
  });

  test('hundreds that ended meanwhile are booked, each once', async () => {
    await using a = await aReplica(valkey, { maxUnbooked: 1_000 });
    const seat = aliceLimitedTo({});
    await loseServer(a);
    for (let i = 0; i < 350; i++)
      await a.admission.settle(await admitted(a.admission, seat), completed(5, 7));
    await serverComesBack(a);
    expect(await usedToday(a)).toMatchObject([{ requests: 350, completed: 350, completionTokens: 2_450 }]);
  });

  test('what still runs counts there again, for all replicas', async () => {
    await using a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    const seat = aliceLimitedTo({ concurrentRequests: 2, tokensPerMinute: 10_000 });
    const before = await admitted(a.admission, seat);
    await loseServer(a, b);
    const meanwhile = await admitted(a.admission, seat, aCost(100, 900));
    await serverComesBack(a, b);
    expect(await outcomeOf(b.admission, seat)).toBe('concurrent_requests_exceeded');
    expect(await remaining(b.admission, seat, 'tokensPerMinute')).toBe(10_000 - 30 - 1_000);
    await a.admission.settle(before, completed());
    await a.admission.settle(meanwhile, completed());
    expect(await outcomeOf(b.admission, seat)).toBe('admitted');
    expect(await usedToday(b)).toMatchObject([{ requests: 2, completed: 2 }]);
  });

  test('leases that expired in a long outage are corrected by what their requests really used', async () => {
    await using a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    const seat = aliceLimitedTo({ tokensPerDay: 10_000 });
    const lease = await admitted(a.admission, seat, aCost(100, 900));
    await loseServer(a, b);
    await a.admission.settle(lease, completed(90, 600));
    await valkey.restart();
    await holdServerTime(valkey, NOON_MS + LEASE_MS);
    await eventually('the other replica to book the lease', async () => {
      const left = await remaining(b.admission, seat, 'tokensPerDay');
      return left === 9_950 || left === 9_310;
    });
    await eventually('the settlement to be booked', () => a.admission.unbooked === 0);
    await eventually('the store to decide again', () => a.admission.state === 'up');
    expect(await remaining(b.admission, seat, 'tokensPerDay')).toBe(9_310);
    expect(await usedToday(b)).toMatchObject([{ requests: 1, completed: 1, completionTokens: 600 }]);
  });

  test('a killed server has kept each lease that it confirmed, and no other one stays', async () => {
    await using a = await aReplica(valkey, { name: 'a', graceMs: -1 });
    await using b = await aReplica(valkey, { name: 'b', graceMs: -1 });
    const seat = aliceLimitedTo({ concurrentRequests: 10_000 });
    let count = 0;
    const student = async ({ admission }: Replica): Promise<void> => {
      while ((await outcomeOf(admission, seat)) === 'admitted') count += 1;
    };
    const students = Array.from({ length: 8 }, (_, i) => student(i % 2 ? a : b));
    await eventually('some to be admitted', () => count > 20);
    await loseServer(a, b);
    await Promise.all(students);
    await serverComesBack(a, b);
    expect(await remaining(a.admission, seat, 'concurrentRequests')).toBe(10_000 - count);
  });

  test('a request that was refused here, and whose lease the store may have given, is not charged', async () => {
    await using a = await aReplica(valkey, { graceMs: -1 });
    const seat = aliceLimitedTo({ concurrentRequests: 3 });
    // The server takes the commands, and dies before it answers.
    valkey.pause();
    const asked = Promise.all([outcomeOf(a.admission, seat), outcomeOf(a.admission, seat)]);
    await valkey.kill();
    expect(await asked).toEqual(['state_store_unavailable', 'state_store_unavailable']);
    await serverComesBack(a);
    expect(await remaining(a.admission, seat, 'concurrentRequests')).toBe(3);
    expect((await usedToday(a)).every(({ promptTokens }) => promptTokens === 0)).toBe(true);
  });
});
