import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OUTCOME_KINDS } from '../../../src/gateway/limits/settlement.ts';
import type { LedgerExtract, UsageRow } from '../../../src/report/extract.ts';
import { seatsWithoutRequest } from '../../../src/report/not-asked.ts';
import { pseudonymsOf, withoutAdapterNames } from '../../../src/report/pseudonyms.ts';
import { GROUPINGS, type Grouping, reportOf } from '../../../src/report/report.ts';
import type { Session } from '../../../src/timetable/session.ts';
import { activeRows, anExtract, aUsageRow, engineRows, options } from './builders.ts';

const count = fc.nat(1_000_000);
const usageRows: fc.Arbitrary<UsageRow> = fc.record({
  day: fc.constantFrom('2026-09-01', '2026-09-02', '2026-09-03'),
  session: fc.constantFrom(null, '2026-09-01T07:00:00Z', '2026-09-01T21:30:00Z', '2026-09-02T07:00:00Z'),
  model: fc.constantFrom('qwen', 'qwen:sql'),
  outcome: fc.constantFrom(...OUTCOME_KINDS),
  requests: count,
  promptTokens: count,
  cachedTokens: count,
  completionTokens: count,
  queueWaitMsSum: count,
  queueWaitMsMax: count,
  firstTokenCount: count,
  firstTokenMsSum: count,
  firstTokenMsMax: count,
});
const extracts: fc.Arbitrary<LedgerExtract> = fc
  .uniqueArray(fc.record({ student: fc.string({ minLength: 1 }), usage: fc.array(usageRows) }), {
    selector: ({ student }) => student,
    maxLength: 5,
  })
  .map((students) => anExtract({ students: students.map((rows) => ({ ...rows, active: [] })) }));

/** What must be the same however it is summed up. */
const ADDITIVE = [
  'requests',
  'completed',
  'refused',
  'unanswered',
  'interrupted',
  'clientLeft',
  'throttled',
  'promptTokens',
  'cachedTokens',
  'completionTokens',
  'totalTokens',
] as const;

type Additive = Readonly<Record<(typeof ADDITIVE)[number], number>>;

function sums(parts: readonly Additive[]): number[] {
  return ADDITIVE.map((name) => parts.reduce((sum, part) => sum + part[name], 0));
}

describe('the sums of a report', () => {
  test.each([...GROUPINGS])('by %s are those of the account, to the token', (by: Grouping) => {
    fc.assert(
      fc.property(extracts, (extract) => {
        const report = reportOf(extract, options({ by }));
        const rows = extract.students.flatMap(({ usage }) => usage);
        const prompt = rows.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
        const completion = rows.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
        expect([report.total.promptTokens, report.total.completionTokens]).toEqual([prompt, completion]);
        const all = rows.reduce((sum, { requests }) => sum + requests, 0);
        expect(report.total.requests + report.total.throttled).toBe(all);
        const total = sums([report.total]);
        expect(sums(report.students)).toEqual(total);
        expect(sums(report.models)).toEqual(total);
        expect(sums(report.periods)).toEqual(total);
        for (const period of report.periods) expect(sums(period.students)).toEqual(sums([period]));
      }),
    );
  });

  test('by pseudonym are the same, and name nobody', () => {
    fc.assert(
      fc.property(extracts, fc.infiniteStream(fc.nat()), (extract, numbers) => {
        const ids = extract.students.map(({ student }) => student);
        const randomInt = (limit: number) => Number(numbers.next().value) % limit;
        const pseudonyms = pseudonymsOf(ids, randomInt);
        expect(new Set(pseudonyms.values()).size).toBe(ids.length);
        const named = (id: string) => ({ student: pseudonyms.get(id) ?? '' });
        const hidden = reportOf(extract, options({ named, pseudonymous: true }));
        expect(sums(hidden.students)).toEqual(sums(reportOf(extract, options()).students));
        for (const { student } of hidden.students) expect(student).toMatch(/^Student \d{2}$/);
      }),
    );
  });
});

describe('waits', () => {
  test('are those of complete answers: of who gave up in the queue there is none, which is no short one', () => {
    const usage = [
      aUsageRow({ requests: 2, queueWaitMsSum: 3_000, queueWaitMsMax: 2_000.0625 }),
      aUsageRow({ outcome: 'client-left', requests: 8, queueWaitMsSum: 0, queueWaitMsMax: 0 }),
    ];
    const { total } = reportOf(anExtract({ students: [{ student: 'alice', usage, active: [] }] }), options());
    expect(total).toMatchObject({ requests: 10, queueWaitMsMean: 1_500, queueWaitMsMax: 2_000.1 });
  });

  test('have no mean where nothing was answered', () => {
    const usage = [aUsageRow({ outcome: 'client-left', firstTokenCount: 0 })];
    const { total } = reportOf(anExtract({ students: [{ student: 'alice', usage, active: [] }] }), options());
    expect(total).toMatchObject({ queueWaitMsMean: null, firstTokenMsMean: null });
  });
});

test('pseudonyms are drawn: whatever order ids have, each can be any, and each is one', () => {
  const ids = ['alice', 'bob', 'carol'];
  const numbers = fc.sample(fc.tuple(fc.nat(), fc.nat()), { numRuns: 200, seed: 1 });
  const drawn = numbers.map((pair) => {
    const left = [...pair];
    return pseudonymsOf(ids, (limit) => (left.pop() ?? 0) % limit);
  });
  for (const id of ids) {
    expect(new Set(drawn.map((pseudonyms) => pseudonyms.get(id)))).toEqual(
      new Set(['Student 01', 'Student 02', 'Student 03']),
    );
  }
});

describe('a report that names nobody', () => {
  const modelsOf = (extract: LedgerExtract, served: readonly string[]): string[] => {
    const hidden = withoutAdapterNames(extract, served, () => 0);
    return hidden.students.flatMap(({ usage }) => usage.map(({ model }) => model));
  };
  const asked = (...models: string[]) =>
    anExtract({
      students: models.map((model, index) => ({
        student: `s${index}`,
        usage: [aUsageRow({ model })],
        active: [],
      })),
    });

  test.each<[string, string[], string[], string[]]>([
    ['the model of the class keeps its name', ['qwen'], ['qwen'], ['qwen']],
    ['also where that has a colon', ['qwen2.5:7b'], ['qwen2.5:7b'], ['qwen2.5:7b']],
    ['an adapter has a number', ['qwen', 'qwen:alice-zhang'], ['qwen'], ['qwen', 'qwen:adapter-01']],
    [
      'the same one throughout, whatever the model below it was called',
      ['qwen:alice', 'qwen2.5:7b:alice', 'qwen:alice'],
      ['qwen2.5:7b'],
      ['qwen:adapter-01', 'qwen2.5:7b:adapter-01', 'qwen:adapter-01'],
    ],
    [
      'another one another number, in an order that is drawn',
      ['qwen:alice', 'qwen:bob'],
      ['qwen'],
      ['qwen:adapter-02', 'qwen:adapter-01'],
    ],
  ])('%s', (_, models, served, expected) => {
    expect(modelsOf(asked(...models), served)).toEqual(expected);
  });
});

describe('who has not asked', () => {
  const DAY_MS = 24 * 3_600_000;
  /** 2026-09-01 and 2026-09-30 of the class begin and end at these moments. */
  const BEGINS_MS = Date.parse('2026-08-31T22:00:00Z');
  const ENDS_MS = Date.parse('2026-09-30T22:00:00Z');
  const alice = { student: 'alice', usage: [aUsageRow({ outcome: 'throttled' })], active: [] };
  const seatOf = (student: string, beganMs = BEGINS_MS - DAY_MS, endsMs?: number) => ({
    student,
    beganMs,
    endsMs,
  });

  test('are the seats of which the account has nothing in these days; who was only refused by a limit asked', () => {
    const seats = [seatOf('carol'), seatOf('alice'), seatOf('bob')];
    expect(seatsWithoutRequest(seats, anExtract({ students: [alice] }))).toEqual(['carol', 'bob']);
  });

  test.each<[string, ReturnType<typeof seatOf>, boolean]>([
    ['ended when the first day began: no', seatOf('bob', 0, BEGINS_MS), false],
    ['ended a moment later: yes', seatOf('bob', 0, BEGINS_MS + 1), true],
    ['began in the last moment of the last day: yes', seatOf('bob', ENDS_MS - 1), true],
    ['began after it: no', seatOf('bob', ENDS_MS), false],
  ])('of seats lists one that %s', (_, seat, isListed) => {
    expect(seatsWithoutRequest([seat], anExtract())).toEqual(isListed ? ['bob'] : []);
  });

  test('goes back as far as the report: of seats that ended before nothing is told', () => {
    const seats = [seatOf('bob', 0, BEGINS_MS), seatOf('carol', 0, BEGINS_MS + 1)];
    expect(seatsWithoutRequest(seats, anExtract({ from: null }))).toEqual(['bob', 'carol']);
    const engines = engineRows('2026-08-31T22:00:00Z', '2026-08-31T22:10:00Z');
    expect(seatsWithoutRequest(seats, anExtract({ from: null, engines }))).toEqual(['carol']);
    const students = [alice];
    expect(seatsWithoutRequest(seats, anExtract({ from: null, students }))).toEqual(['carol']);
    expect(seatsWithoutRequest(seats, anExtract({ from: null, keptFrom: '2026-09-01' }))).toEqual(['carol']);
    expect(seatsWithoutRequest(seats, anExtract({ from: '2025-01-01', keptFrom: '2026-09-01' }))).toEqual([
      'carol',
    ]);
  });

  test('is in the report with zeros, by name, and is in no sum', () => {
    const extract = anExtract({ students: [alice] });
    const named = (student: string) => ({ student, group: 'Tuesday' });
    const report = reportOf(extract, options({ named, notAsked: ['carol', 'bob'] }));
    expect(report.notAsked).toMatchObject([
      { student: 'bob', group: 'Tuesday', requests: 0, throttled: 0, activeMinutes: 0, models: [] },
      { student: 'carol', totalTokens: 0, queueWaitMsMean: null },
    ]);
    expect({ ...report, notAsked: null }).toEqual(reportOf(extract, options({ named, notAsked: undefined })));
  });
});

const SESSION = '2026-09-01T07:00:00Z';
const NIGHT = '2026-09-01T21:30:00Z';

describe('the periods of a report', () => {
  const usage = [
    aUsageRow({ session: SESSION }),
    aUsageRow({ session: NIGHT }),
    aUsageRow({ session: NIGHT, day: '2026-09-02' }),
    aUsageRow({ day: '2026-09-02' }),
  ];
  const extract = anExtract({ students: [{ student: 'alice', usage, active: [] }] });

  test.each<[Grouping, unknown]>([
    ['course', [[null, null, 4]]],
    [
      'day',
      [
        ['2026-09-01', null, 2],
        ['2026-09-02', null, 2],
      ],
    ],
    [
      'session',
      [
        ['2026-09-01', SESSION, 1],
        ['2026-09-01', NIGHT, 2],
        ['2026-09-02', null, 1],
      ],
    ],
  ])('by %s', (by, expected) => {
    const { periods } = reportOf(extract, options({ by }));
    expect(periods.map(({ day, session, requests }) => [day, session, requests])).toEqual(expected);
  });

  test.each<[string, Partial<LedgerExtract>, string | null]>([
    ['that was asked for', { from: '2026-08-01' }, '2026-08-01'],
    ['with a request', { from: null }, '2026-09-01'],
    [
      'with an engine, though nobody asked',
      { from: null, engines: engineRows('2026-08-30T22:30:00Z', '2026-08-30T23:10:00Z') },
      '2026-08-31',
    ],
    ['of none, where there was nothing', { from: null, students: [] }, null],
  ])('begin with the day %s', (_, differs, expected) => {
    expect(reportOf({ ...extract, ...differs }, options()).from).toBe(expected);
  });

  test('a day on which engines ran for nobody is one of them', () => {
    const engines = engineRows('2026-09-05T08:00:00Z', '2026-09-05T08:59:00Z');
    const { periods } = reportOf(anExtract({ engines }), options());
    expect(periods).toMatchObject([
      { day: '2026-09-05', requests: 0, gpu: { gpuHours: 1, gpuHoursInUse: 0 } },
    ]);
  });
});

describe('the minutes of students', () => {
  test('count each once, whatever sessions they touch, and each student for themselves', () => {
    const alice = {
      student: 'alice',
      usage: [],
      active: [
        ...activeRows('2026-09-01T07:00:00Z', '2026-09-01T07:09:00Z', { session: SESSION }),
        ...activeRows('2026-09-01T07:05:00Z', '2026-09-01T07:14:00Z'),
      ],
    };
    const report = reportOf(anExtract({ students: [alice, { ...alice, student: 'bob' }] }), options());
    expect(report.students.map(({ activeMinutes }) => activeMinutes)).toEqual([15, 15]);
    expect(report.total.activeMinutes).toBe(30);
  });
});

/** A timetable with one session a week, of an hour and a half. */
function everyTuesday(ms: number): Session[] {
  const lessonMs = 90 * 60_000;
  const weekMs = 7 * 24 * 3_600_000;
  const firstMs = Date.parse(SESSION);
  const weeks = Math.max(0, Math.floor((ms - firstMs - lessonMs) / weekMs) + 1);
  const startMs = firstMs + weeks * weekMs;
  return [{ startMs, endMs: startMs + lessonMs }];
}

describe('the GPU side', () => {
  const alice = {
    student: 'alice',
    usage: [aUsageRow()],
    active: activeRows('2026-09-01T08:00:00Z', '2026-09-01T08:29:00Z'),
  };
  const bob = { ...alice, student: 'bob' };

  test('tells hours that ran, hours in use, tokens for a GPU hour, and what one GPU each would have been', () => {
    const ran = engineRows('2026-09-01T08:00:00Z', '2026-09-01T09:59:00Z');
    const used = ran.map((row, index) => (index === 0 ? { ...row, used: row.running } : row));
    const { gpu } = reportOf(anExtract({ students: [alice, bob], engines: used }), options());
    expect(gpu).toEqual({
      engines: 1,
      hoursWithEngines: 2,
      engineHours: 2,
      gpuHours: 2,
      gpuHoursInUse: 1,
      tokensPerGpuHour: 150,
      gpuHoursOnePerStudent: 4,
      gpuHoursOnlyWhileActive: 1,
      timesWhatRan: 2,
    });
  });

  test('counts slices as their share of a GPU, and engines beside each other as so many', () => {
    const time = ['2026-09-01T08:00:00Z', '2026-09-01T08:59:00Z'] as const;
    const engines = [
      ...engineRows(...time, { gpus: 0.25 }),
      ...engineRows(...time, { gpus: 0.25, engine: 'engine-2' }),
    ];
    const { gpu } = reportOf(anExtract({ students: [alice], engines }), options());
    expect(gpu).toMatchObject({
      engines: 2,
      hoursWithEngines: 1,
      engineHours: 2,
      gpuHours: 0.5,
      timesWhatRan: 2,
    });
  });

  test('of a day begins and ends with the local day, also where that is not a full hour of UTC', () => {
    const engines = engineRows('2026-09-01T18:00:00Z', '2026-09-01T18:59:00Z');
    const kolkata = anExtract({ timeZone: 'Asia/Kolkata', engines });
    expect(reportOf(kolkata, options()).periods).toMatchObject([
      { day: '2026-09-01', gpu: { gpuHours: 0.5 } },
      { day: '2026-09-02', gpu: { gpuHours: 0.5 } },
    ]);
    expect(reportOf({ ...kolkata, from: '2026-09-02' }, options()).gpu).toMatchObject({ gpuHours: 0.5 });
  });

  test('of a session is what ran from its beginning to its end; warming up is outside of it', () => {
    const engines = engineRows('2026-09-01T06:45:00Z', '2026-09-01T08:29:00Z');
    const usage = [
      aUsageRow({ session: SESSION }),
      aUsageRow({ session: '2026-09-02T07:00:00Z', day: '2026-09-02' }),
    ];
    const extract = anExtract({ students: [{ student: 'alice', usage, active: [] }], engines });
    const { periods } = reportOf(extract, options({ by: 'session', sessionsFrom: everyTuesday }));
    expect(periods.map(({ day, session, gpu }) => [day, session, gpu?.gpuHours])).toEqual([
      ['2026-09-01', SESSION, 1.5],
      ['2026-09-01', null, 0.25],
      ['2026-09-02', '2026-09-02T07:00:00Z', undefined],
    ]);
  });

  test('of a session in which nobody asked is of that session, and not outside of all', () => {
    const engines = engineRows('2026-09-01T06:45:00Z', '2026-09-01T08:29:00Z');
    const { periods } = reportOf(
      anExtract({ engines }),
      options({ by: 'session', sessionsFrom: everyTuesday }),
    );
    expect(periods).toMatchObject([
      { session: SESSION, requests: 0, gpu: { gpuHours: 1.5, tokensPerGpuHour: 0 } },
      { session: null, gpu: { gpuHours: 0.25 } },
    ]);
  });

  test.each<[string, string | null]>([
    ['outside of all', null],
    ['in another session', '2026-09-01T06:30:00Z'],
  ])('is of no session that the timetable did not have: somebody worked %s then', (_, session) => {
    const engines = engineRows('2026-09-01T07:00:00Z', '2026-09-01T08:29:00Z');
    const usage = [aUsageRow({ session })];
    const active = activeRows('2026-09-01T07:50:00Z', '2026-09-01T07:55:00Z', { session });
    const extract = anExtract({ students: [{ student: 'alice', usage, active }], engines });
    const { periods } = reportOf(extract, options({ by: 'session', sessionsFrom: everyTuesday }));
    expect(periods.map((period) => period.session)).not.toContain(SESSION);
  });

  test('is not told where nothing is known of engines', () => {
    const report = reportOf(anExtract({ students: [alice] }), options());
    expect([report.gpu, report.periods[0]?.gpu]).toEqual([null, null]);
  });
});
