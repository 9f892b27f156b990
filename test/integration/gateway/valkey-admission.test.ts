import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Seat } from '../../../src/gateway/identity/seat.ts';
import { SERVER_TIME } from '../../../src/gateway/valkey/scripts/time.ts';
import { eventually } from '../../support/eventually.ts';
import { startValkey, type ValkeyServer } from '../../support/valkey.ts';
import {
  aCost,
  admitted,
  aliceLimitedTo,
  aReplica,
  completed,
  holdServerTime,
  LEASE_MS,
  NOON_MS,
  outcomeOf,
  type Replica,
  remaining,
} from './valkey-replica.ts';

const HOUR_MS = 3_600_000;
const DAY = { today: '2026-11-23', weekStart: '2026-11-23' };

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

async function usedToday(replica: Replica) {
  const student = { classroomKey: 'school/python-101', studentId: 'alice' };
  const { today } = await replica.usage.usageOf(student, DAY);
  return today;
}

describe('two replicas that are asked 200 times at once', () => {
  const cases: [string, Seat, number][] = [
    ['requests a minute', aliceLimitedTo({ requestsPerMinute: 30 }), 30],
    ['tokens a minute', aliceLimitedTo({ tokensPerMinute: 1_000 }), 33],
    ['tokens a day', aliceLimitedTo({ tokensPerDay: 300 }), 10],
    ['running requests', aliceLimitedTo({ concurrentRequests: 7 }), 7],
    ["the class's requests a minute", aliceLimitedTo({}, { requestsPerMinute: 12 }), 12],
    ["the class's tokens a minute", aliceLimitedTo({}, { tokensPerMinute: 600 }), 20],
  ];
  test.each(cases)('admit together exactly what the limit of %s allows', async (_, seat, limit) => {
    await using a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    const asked = Array.from({ length: 200 }, (_, i) => outcomeOf((i % 2 ? a : b).admission, seat));
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(limit);
    expect(await usedToday(a)).toMatchObject([{ requests: 0, throttled: 200 - limit }]);
  });

  test("keep to the limit on the server's own clock", async () => {
    await using a = await aReplica(valkey, { name: 'a', time: SERVER_TIME });
    await using b = await aReplica(valkey, { name: 'b', time: SERVER_TIME });
    const seat = aliceLimitedTo({ concurrentRequests: 9 });
    const asked = Array.from({ length: 200 }, (_, i) => outcomeOf((i % 2 ? a : b).admission, seat));
    expect((await Promise.all(asked)).filter((outcome) => outcome === 'admitted')).toHaveLength(9);
  });

  test('keep to the limit when the server forgets its scripts in between', async () => {
    await using a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    const seat = aliceLimitedTo({ requestsPerMinute: 30 });
    const asked = Array.from({ length: 200 }, async (_, i) => {
      if (i % 20 === 0) await valkey.command('SCRIPT', 'FLUSH');
      return outcomeOf((i % 2 ? a : b).admission, seat);
    });
    expect((await Promise.all(asked)).filter((outcome) => outcome === 'admitted')).toHaveLength(30);
  });
});

/** Of the end of a request that was let in at no time that is known. */
const OUTSIDE_SESSIONS = { sessionStartMs: undefined, active: undefined };

describe('a lease', () => {
  test('is the same when it is asked for again, because the reply was lost', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ requestsPerMinute: 10 });
    const { classroom, studentId } = seat;
    const limits = { student: seat.limits, classroom: {} };
    const cost = aCost();
    const asked = { id: 'one', classroom, studentId, limits, cost, leaseMs: LEASE_MS };
    const request = { ...asked, adopt: false, sessionStartMs: undefined };
    const first = await a.store.admit(request);
    expect(await a.store.admit(request)).toEqual(first);
    expect(await remaining(a.admission, seat, 'requestsPerMinute')).toBe(9);
  });

  test('is not given any more when it was ended before: a call that arrives late must not hold a place', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ concurrentRequests: 1 });
    const { classroom, studentId } = seat;
    const end = { id: 'late', classroom, studentId, settlement: completed(), maybeForgotten: true };
    await a.store.settle({ ...end, ...OUTSIDE_SESSIONS });
    const limits = { student: seat.limits, classroom: {} };
    const asked = { classroom, studentId, limits, cost: aCost(), leaseMs: LEASE_MS, adopt: false };
    const request = { ...asked, sessionStartMs: undefined };
    expect(await a.store.admit({ ...request, id: 'late' })).toMatchObject({ admitted: false });
    expect(await a.store.admit({ ...request, id: 'another' })).toMatchObject({ admitted: true });
    expect(await usedToday(a)).toEqual([]);
  });

  test('is booked once when its settlement is sent again', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ tokensPerDay: 1_000 });
    const { id } = await admitted(a.admission, seat);
    const { classroom, studentId } = seat;
    const end = { id, classroom, studentId, settlement: completed(5, 7), maybeForgotten: false };
    for (let attempt = 0; attempt < 3; attempt++) await a.store.settle({ ...end, ...OUTSIDE_SESSIONS });
    expect(await remaining(a.admission, seat, 'tokensPerDay')).toBe(988);
    expect(await usedToday(a)).toEqual([
      {
        model: 'qwen',
        requests: 1,
        completed: 1,
        throttled: 0,
        queueWaitMs: 3,
        promptTokens: 5,
        cachedTokens: 2,
        completionTokens: 7,
      },
    ]);
  });

  test('of a replica that died is booked by the next call of another one, with the expected prompt', async () => {
    await using b = await aReplica(valkey, { name: 'b' });
    const seat = aliceLimitedTo({ concurrentRequests: 1, tokensPerDay: 1_000 });
    const a = await aReplica(valkey, { name: 'a' });
    await admitted(a.admission, seat, aCost(100, 200));
    a.connection.close();
    expect(await outcomeOf(b.admission, seat)).toBe('concurrent_requests_exceeded');
    await holdServerTime(valkey, NOON_MS + LEASE_MS);
    expect(await remaining(b.admission, seat, 'tokensPerDay')).toBe(950);
    expect(await outcomeOf(b.admission, seat)).toBe('admitted');
    expect(await usedToday(b)).toMatchObject([{ requests: 1, completed: 0, promptTokens: 50 }]);
  });

  test('that a server threw away, against its instructions, does not hold up its class', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({});
    await admitted(a.admission, seat);
    await valkey.command('DEL', 'test:{school/python-101}:leases');
    await holdServerTime(valkey, NOON_MS + LEASE_MS);
    expect(await outcomeOf(a.admission, seat)).toBe('admitted');
    expect(await valkey.command('ZCARD', 'test:{school/python-101}:deadlines')).toBe(1);
  });

  test('lives as long as its replica renews it', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ concurrentRequests: 1 });
    a.admission.start();
    await admitted(a.admission, seat);
    for (let elapsedMs = 0; elapsedMs < 3 * LEASE_MS; elapsedMs += LEASE_MS / 3) {
      await holdServerTime(valkey, NOON_MS + elapsedMs);
      await a.clock.advance(LEASE_MS / 3);
      const deadlineMs = NOON_MS + elapsedMs + LEASE_MS;
      await eventually('the lease to be renewed', async () => {
        const score = await valkey.command('ZSCORE', 'test:{school/python-101}:deadlines', 'a-0');
        return Number(score) === deadlineMs;
      });
    }
    expect(await outcomeOf(a.admission, seat)).toBe('concurrent_requests_exceeded');
  });

  test('that expired although its request runs is corrected when that ends', async () => {
    await using a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    const seat = aliceLimitedTo({ tokensPerDay: 1_000, tokensPerMinute: 100_000 });
    const lease = await admitted(a.admission, seat, aCost(100, 200));
    await holdServerTime(valkey, NOON_MS + LEASE_MS);
    expect(await remaining(b.admission, seat, 'tokensPerDay')).toBe(950);
    await a.admission.settle(lease, completed(80, 120));
    expect(await remaining(b.admission, seat, 'tokensPerDay')).toBe(800);
    expect(await usedToday(b)).toMatchObject([
      { requests: 1, completed: 1, promptTokens: 80, completionTokens: 120 },
    ]);
  });
});

describe("the server's time", () => {
  test('decides which day it is, not that of a replica', async () => {
    await using wrong = await aReplica(valkey);
    wrong.clock.jump(-30 * 24 * HOUR_MS);
    const seat = aliceLimitedTo({ tokensPerDay: 1_000 });
    await wrong.admission.settle(await admitted(wrong.admission, seat), completed(5, 7));
    expect(await usedToday(wrong)).toMatchObject([{ promptTokens: 5 }]);
  });

  test('may be set back by a failover: nobody has a day twice, or waits longer than a minute', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ tokensPerDay: 100, requestsPerMinute: 1 });
    const justAfterMidnightMs = NOON_MS + 12 * HOUR_MS + 1_000;
    await holdServerTime(valkey, justAfterMidnightMs);
    await a.admission.settle(await admitted(a.admission, seat), completed(50, 20));
    await holdServerTime(valkey, justAfterMidnightMs - 2_000);
    expect(await outcomeOf(a.admission, seat)).toBe('requests_per_minute_exceeded');
    expect(await remaining(a.admission, seat, 'tokensPerDay')).toBe(30);
    await holdServerTime(valkey, justAfterMidnightMs + 60_000);
    expect(await outcomeOf(a.admission, seat)).toBe('admitted');
  });

  test('may be set back by hours: what refills by the minute does so', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({ requestsPerMinute: 1, tokensPerMinute: 600 });
    await a.admission.settle(await admitted(a.admission, seat), completed(300, 300));
    await holdServerTime(valkey, NOON_MS - 5 * HOUR_MS);
    expect(await outcomeOf(a.admission, seat)).toBe('requests_per_minute_exceeded');
    expect(await remaining(a.admission, seat, 'tokensPerMinute')).toBe(0);
    await holdServerTime(valkey, NOON_MS - 5 * HOUR_MS + 60_000);
    expect(await remaining(a.admission, seat, 'tokensPerMinute')).toBe(600);
    expect(await outcomeOf(a.admission, seat)).toBe('admitted');
  });
});

describe('the account', () => {
  test('has a day for each local date, a week, and everything', async () => {
    await using a = await aReplica(valkey);
    const seat = aliceLimitedTo({});
    const student = { classroomKey: seat.classroom.key, studentId: 'alice' };
    for (const days of [-7, -1, 0]) {
      await holdServerTime(valkey, NOON_MS + days * 24 * HOUR_MS);
      await a.admission.settle(await admitted(a.admission, seat), completed(1, 10));
    }
    const usage = await a.usage.usageOf(student, { today: '2026-11-23', weekStart: '2026-11-22' });
    expect(usage.today).toMatchObject([{ requests: 1, completionTokens: 10 }]);
    expect(usage.week).toMatchObject([{ requests: 2, completionTokens: 20 }]);
    expect(usage.total).toMatchObject([{ requests: 3, completionTokens: 30 }]);
  });

  test('of a student without requests is empty', async () => {
    await using a = await aReplica(valkey);
    const nobody = { classroomKey: 'school/python-101', studentId: 'zoe' };
    expect(await a.usage.usageOf(nobody, DAY)).toEqual({ today: [], week: [], total: [] });
  });

  test('keeps the days for 400 days, and the totals for ever', async () => {
    await using a = await aReplica(valkey);
    await a.admission.settle(await admitted(a.admission, aliceLimitedTo({})), completed());
    const tag = 'test:{school/python-101}';
    const days = Number(await valkey.command('TTL', `${tag}:used:2026-11-23:alice`)) / (24 * 3600);
    expect(Math.ceil(days)).toBe(400);
    expect(await valkey.command('TTL', `${tag}:total:alice`)).toBe(-1);
  });
});

test('the rights that the documentation asks for are enough, and reach no other keys', async () => {
  const { host } = new URL(valkey.url);
  const documented = '+@connection +@scripting +@read +@write +time'.split(' ');
  await valkey.command('ACL', 'SETUSER', 'gateway', 'on', '>geheim', '~test:*', ...documented);
  const url = `redis://gateway:geheim@${host}`;
  await using replica = await aReplica({ ...valkey, url }, { time: SERVER_TIME });
  const seat = aliceLimitedTo({});
  await replica.admission.settle(await admitted(replica.admission, seat), completed());
  expect(
    (await replica.usage.usageOf({ classroomKey: seat.classroom.key, studentId: 'alice' }, DAY)).total,
  ).toHaveLength(1);
  await expect(replica.connection.command('GET', 'other')).rejects.toThrow(/NOPERM/);
});

test('a replica that is replaced by another loses nothing', async () => {
  const seat = aliceLimitedTo({ tokensPerDay: 1_000, concurrentRequests: 2 });
  const old = await aReplica(valkey, { name: 'old' });
  const running = await admitted(old.admission, seat);
  await using young = await aReplica(valkey, { name: 'young' });
  await admitted(young.admission, seat);
  expect(await outcomeOf(young.admission, seat)).toBe('concurrent_requests_exceeded');
  // What runs at the old one ends while it drains.
  await old.admission.settle(running, completed(5, 7));
  await old[Symbol.asyncDispose]();
  expect(await outcomeOf(young.admission, seat)).toBe('admitted');
  expect(await usedToday(young)).toMatchObject([{ requests: 1, promptTokens: 5, completionTokens: 7 }]);
});
