import { afterEach, describe, expect, test } from '@jest/globals';
import { JournalUnavailableError } from '../../../../src/gateway/limits/journal.ts';
import { extractOf } from '../../../../src/report/extract.ts';
import { hashApiKey } from '../../../../src/student/api-key.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { ALICE_KEY, aClassroom, CLASS_KEY, keyNumber } from '../builders.ts';
import { askJson, CHAT, startWorld, type World } from '../gateway-world.ts';
import { anEntry } from '../ledger/builders.ts';

const REPORT_KEY = keyNumber(77);
const PATH = '/v1/classroom/report';

let world: World;
afterEach(() => world.stop());

/** It is Tuesday, 2026-09-01, half past two at night in Berlin. */
async function aWorld(failedAttemptsPerMinute?: number): Promise<World> {
  world = await startWorld({
    clock: createFakeClock(Date.parse('2026-09-01T00:30:00Z')),
    classroom: aClassroom({ timeZone: 'Europe/Berlin', reportKeySha256: hashApiKey(REPORT_KEY) }),
    ...(failedAttemptsPerMinute === undefined ? {} : { failedAttemptsPerMinute }),
  });
  return world;
}

async function get(query = '', key = REPORT_KEY): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${world.url}${PATH}${query}`, { headers: { authorization: `Bearer ${key}` } });
  return { status: answer.status, text: await answer.text() };
}

async function report(query = '') {
  const { status, text } = await get(query);
  expect(status).toBe(200);
  return extractOf(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

describe('GET /v1/classroom/report', () => {
  test('tells all that the account holds of the class of its key, and of no other', async () => {
    const { ledger } = await aWorld();
    await ledger.settled('1', [], anEntry({ day: '2026-08-31' }));
    await ledger.settled('2', [], anEntry({ studentId: 'bob', active: { fromMs: 0, toMs: 0 } }));
    await ledger.settled('3', [], anEntry({ classroomKey: 'school/other' }));
    const minutes = { running: { early: 3, late: 0 }, used: { early: 1, late: 0 } };
    await ledger.engineHours([{ classroomKey: CLASS_KEY, engine: 'engine-1', hour: 5, gpus: 1, ...minutes }]);
    expect(await report()).toMatchObject({
      namespace: 'school',
      classroom: 'python-101',
      timeZone: 'Europe/Berlin',
      from: null,
      to: '2026-09-01',
      asOf: '2026-09-01T00:30:00Z',
      students: [
        { student: 'alice', usage: [{ day: '2026-08-31', promptTokens: 100 }], active: [] },
        { student: 'bob', usage: [{ day: '2026-09-01' }], active: [{ hour: 0, early: 1 }] },
      ],
      engines: [{ engine: 'engine-1', hour: 5, ...minutes }],
    });
  });

  test('leaves out what is not of the days that were asked for', async () => {
    const { ledger } = await aWorld();
    await ledger.settled('1', [], anEntry({ day: '2026-08-30' }));
    await ledger.settled('2', [], anEntry({ day: '2026-08-31', studentId: 'bob' }));
    const hour = Date.parse('2026-08-30T22:00:00Z') / 3_600_000;
    const one = { classroomKey: CLASS_KEY, engine: 'e', gpus: 1, used: { early: 0, late: 0 } };
    const running = { early: 1, late: 0 };
    await ledger.engineHours([-1, 0, 23, 24].map((more) => ({ ...one, hour: hour + more, running })));
    const found = await report('?from=2026-08-31&to=2026-08-31');
    expect(found.students.map(({ student }) => student)).toEqual(['bob']);
    expect(found.engines.map((row) => row.hour - hour)).toEqual([0, 23]);
  });

  test('looks for nothing in a time that is still to come, however far it was asked for', async () => {
    const { ledger } = await aWorld();
    await ledger.settled('1', [], anEntry());
    const asked: unknown[] = [];
    const { studentRows, firstEngineHour } = ledger;
    ledger.studentRows = (classroomKey, student, days) => {
      asked.push(days.to);
      return studentRows(classroomKey, student, days);
    };
    ledger.firstEngineHour = (classroomKey, to) => {
      asked.push(new Date(to * 3_600_000).toISOString());
      return firstEngineHour(classroomKey, to);
    };
    expect(await report('?from=2026-09-01&to=9999-12-31')).toMatchObject({
      to: '9999-12-31',
      students: [{ student: 'alice' }],
    });
    expect(asked).toEqual(['2026-09-02', '2026-09-02T21:00:00.000Z']);
  });

  test('tells engines a week at a time, so that whoever asks for a year keeps nobody waiting', async () => {
    const { ledger } = await aWorld();
    const lastHour = Date.parse('2026-08-31T12:00:00Z') / 3_600_000;
    const hours = Array.from({ length: 500 }, (_, index) => lastHour - index);
    const about = { classroomKey: CLASS_KEY, engine: 'engine-1', gpus: 1 };
    const minutes = { running: { early: 3, late: 0 }, used: { early: 1, late: 0 } };
    await ledger.engineHours(hours.map((hour) => ({ ...about, ...minutes, hour })));
    const asked: number[] = [];
    const { engineRows } = ledger;
    ledger.engineRows = (classroomKey, span) => {
      asked.push(span.to - span.from + 1);
      return engineRows(classroomKey, span);
    };
    for (const query of ['', '?from=0001-01-01']) {
      const found = await report(query);
      expect(found.engines.map(({ hour }) => hour)).toEqual(hours.toReversed());
    }
    expect(Math.max(...asked)).toBe(7 * 24);
    expect(asked.length).toBeLessThan(10);
  });

  test('is kept by no cache: it is about people', async () => {
    await aWorld();
    const answer = await fetch(world.url + PATH, { headers: { 'x-api-key': REPORT_KEY } });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    await answer.text();
  });

  test.each([
    ['?from=yesterday', 'from'],
    ['?to=2026-02-30', 'to'],
    ['?from=2026-09-02', 'from'],
    ['?student=alice', 'query'],
  ])('%s is refused with what is wrong', async (query, param) => {
    await aWorld();
    const { status, text } = await get(query);
    expect([status, JSON.parse(text).error]).toMatchObject([400, { code: 'invalid_report_days', param }]);
  });

  test('the key of a student does not open it', async () => {
    await aWorld();
    const { status, text } = await get('', ALICE_KEY);
    expect([status, JSON.parse(text).error.code]).toEqual([403, 'report_key_needed']);
  });

  test('its key opens nothing else', async () => {
    await aWorld();
    for (const [path, method] of [
      ['/v1/models', 'GET'],
      ['/v1/usage', 'GET'],
      ['/v1/chat/completions', 'POST'],
    ] as const) {
      const answer = await askJson(world, method === 'POST' ? CHAT : '', { path, method, key: REPORT_KEY });
      expect([path, answer.status, answer.body.error.code]).toEqual([path, 403, 'report_key_only']);
    }
  });

  test('a key that nobody has is a guess like any other, and one that was replaced is none any more', async () => {
    await aWorld(1);
    const again = keyNumber(78);
    world.gateway.directory.putClassroom(aClassroom({ reportKeySha256: hashApiKey(again) }));
    expect(JSON.parse((await get()).text).error.code).toBe('invalid_api_key');
    expect(JSON.parse((await get()).text).error.code).toBe('too_many_failed_attempts');
    expect((await get('', again)).status).toBe(200);
  });

  test('nothing is answered in part when the account cannot be read', async () => {
    const { ledger } = await aWorld();
    ledger.studentsOf = () => Promise.reject(new JournalUnavailableError('the file is damaged'));
    const { status, text } = await get();
    expect([status, JSON.parse(text).error.code]).toEqual([503, 'report_unreadable']);
  });

  test('breaks off, so that nobody takes a part for the whole, when the account fails in the middle', async () => {
    const { ledger } = await aWorld();
    await ledger.settled('1', [], anEntry());
    ledger.firstEngineHour = () => Promise.reject(new JournalUnavailableError('the file is damaged'));
    await expect(get()).rejects.toThrow();
  });
});
