import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Seat } from '../../../src/gateway/identity/seat.ts';
import type { StudentRows } from '../../../src/gateway/ledger/report-reader.ts';
import type { ValkeyConnection } from '../../../src/gateway/valkey/connection.ts';
import { keyspaceOf } from '../../../src/gateway/valkey/keys.ts';
import { createValkeyReports } from '../../../src/gateway/valkey/report-reader.ts';
import { admissionScripts } from '../../../src/gateway/valkey/scripts/admission.ts';
import type { EngineHour } from '../../../src/report/engine-hour.ts';
import { HELD_TIME, startValkey, type ValkeyServer } from '../../support/valkey.ts';
import {
  admitted,
  aliceLimitedTo,
  aReplica,
  completed,
  holdServerTime,
  LEASE_MS,
  NOON_MS,
  outcomeOf,
  type Replica,
} from './valkey-replica.ts';

const CLASS_KEY = 'school/python-101';
const TODAY = '2026-11-23';
const NOON = NOON_MS / 3_600_000;
const MINUTE_MS = 60_000;
const LESSON = { startMs: NOON_MS - 30 * MINUTE_MS, endMs: NOON_MS + 60 * MINUTE_MS };
const LESSON_START = '2026-11-23T03:30:00Z';

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

function inLesson(seat: Seat): Seat {
  return { ...seat, opening: { ...seat.opening, session: LESSON } };
}

/** Moves the server's time and the replica's. */
async function advance(replica: Replica, ms: number): Promise<void> {
  await replica.clock.advance(ms);
  await holdServerTime(valkey, replica.clock.now());
}

async function rowsOfAlice(replica: Replica, from?: string): Promise<StudentRows> {
  const [alice] = await replica.reports.studentsOf(CLASS_KEY);
  expect(alice).toMatchObject({ id: 'alice' });
  return replica.reports.studentRows(CLASS_KEY, alice ?? { id: '' }, { from, to: TODAY });
}

describe('what several gateways tell for a report', () => {
  test('the session in which a request was let in, and the minutes from then to its end', async () => {
    await using a = await aReplica(valkey);
    const seat = inLesson(aliceLimitedTo({ concurrentRequests: 1 }));
    const lease = await admitted(a.admission, seat);
    expect(await outcomeOf(a.admission, seat)).not.toBe('admitted');
    await advance(a, 2 * MINUTE_MS);
    await a.admission.settle(lease, completed());
    const after = await admitted(a.admission, aliceLimitedTo({}));
    await a.admission.settle(after, completed(100, 1));
    const { usage, active } = await rowsOfAlice(a);
    expect(usage).toMatchObject([
      { day: TODAY, session: null, outcome: 'completed', requests: 1, promptTokens: 100 },
      { day: TODAY, session: LESSON_START, outcome: 'completed', requests: 1, promptTokens: 5 },
      { day: TODAY, session: LESSON_START, outcome: 'throttled', requests: 1, promptTokens: 0 },
    ]);
    expect(active).toEqual([
      { day: TODAY, session: null, hour: NOON, early: 0b100, late: 0 },
      { day: TODAY, session: LESSON_START, hour: NOON, early: 0b111, late: 0 },
    ]);
  });

  test('a request of a gateway that died counts in its session, with the minute of its admission', async () => {
    const a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    await admitted(a.admission, inLesson(aliceLimitedTo({})));
    await a[Symbol.asyncDispose]();
    await advance(b, LEASE_MS + MINUTE_MS);
    await b.admission.limitsOf(aliceLimitedTo({}));
    expect(await rowsOfAlice(b)).toMatchObject({
      usage: [{ session: LESSON_START, outcome: 'interrupted', requests: 1, promptTokens: 5 }],
      active: [{ session: LESSON_START, hour: NOON, early: 0b1, late: 0 }],
    });
  });

  test('a lost request whose end is told late leaves its session no row of nothing', async () => {
    await using a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    const lease = await admitted(a.admission, inLesson(aliceLimitedTo({})));
    await holdServerTime(valkey, NOON_MS + LEASE_MS + MINUTE_MS);
    await b.admission.limitsOf(aliceLimitedTo({}));
    await a.admission.settle(lease, completed(5, 7));
    expect((await rowsOfAlice(b)).usage).toMatchObject([
      { session: LESSON_START, outcome: 'completed', requests: 1, promptTokens: 5, completionTokens: 7 },
    ]);
  });

  test('rows that were written before there were sessions count outside of all', async () => {
    await using a = await aReplica(valkey);
    const lease = await admitted(a.admission, inLesson(aliceLimitedTo({})));
    await a.admission.settle(lease, completed());
    const key = `test:{${CLASS_KEY}}:used:${TODAY}:alice`;
    await valkey.command('HSET', key, `${NOON}|completed|qwen`, '2 10 1 20 6 4 2 50 30');
    await valkey.command('DEL', `test:{${CLASS_KEY}}:days`);
    expect((await rowsOfAlice(a)).usage).toMatchObject([
      { session: null, requests: 2, promptTokens: 10, queueWaitMsMax: 4, firstTokenMsMax: 30 },
      { session: LESSON_START, requests: 1 },
    ]);
    expect((await rowsOfAlice(a, '2026-11-24')).usage).toEqual([]);
  });

  test('rows of a student who asks again after first days began to be remembered are all told', async () => {
    await using a = await aReplica(valkey);
    const prefix = `test:{${CLASS_KEY}}`;
    await valkey.command('HSET', `${prefix}:total:alice`, 'completed|qwen', '2 10 1 20 6 4 2 50 30');
    await valkey.command(
      'HSET',
      `${prefix}:used:2026-10-05:alice`,
      '1|completed|qwen',
      '2 10 1 20 6 4 2 50 30',
    );
    const lease = await admitted(a.admission, aliceLimitedTo({}));
    await a.admission.settle(lease, completed());
    expect((await rowsOfAlice(a)).usage).toMatchObject([
      { day: '2026-10-05', requests: 2 },
      { day: TODAY, requests: 1 },
    ]);
  });

  test('days of which nothing can be kept are not looked for', async () => {
    await using a = await aReplica(valkey);
    const lease = await admitted(a.admission, aliceLimitedTo({}));
    await a.admission.settle(lease, completed());
    let calls = 0;
    const connection: Pick<ValkeyConnection, 'run'> = {
      run(...call) {
        calls += 1;
        return a.connection.run(...call);
      },
    };
    const reports = createValkeyReports({
      connection,
      keys: keyspaceOf('test:'),
      scripts: admissionScripts(HELD_TIME),
    });
    await reports.studentRows(CLASS_KEY, { id: 'alice' }, { from: '0001-01-01', to: TODAY });
    expect(calls).toBeLessThan(100);
  });

  test('what engines did, joined whoever says it and however often', async () => {
    await using a = await aReplica(valkey, { name: 'a' });
    await using b = await aReplica(valkey, { name: 'b' });
    const nothing = { early: 0, late: 0 };
    const said: EngineHour = {
      classroomKey: CLASS_KEY,
      engine: 'python-101-engine-1',
      hour: NOON,
      gpus: 0.25,
      running: { early: 0b11, late: 1 << 29 },
      used: nothing,
    };
    await a.reports.engineHours([said, { ...said, classroomKey: 'school/other' }]);
    await b.reports.engineHours([
      { ...said, running: { early: 0b110, late: 0 }, used: { early: 1, late: 0 } },
    ]);
    await b.reports.engineHours([said]);
    const { classroomKey: _, ...row } = said;
    expect(await a.reports.engineRows(CLASS_KEY, { from: NOON - 200, to: NOON })).toEqual([
      { ...row, running: { early: 0b111, late: 1 << 29 }, used: { early: 1, late: 0 } },
    ]);
    expect(await a.reports.engineRows(CLASS_KEY, { from: NOON + 1, to: NOON + 2 })).toEqual([]);
  });
});
