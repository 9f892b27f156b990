import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../src/api/classroom.ts';
import type { QuotaWarning, StudentQuotaSpecInput } from '../../../src/api/student-quota.ts';
import { quotaEvents, quotaWarnings, seatBudgets } from '../../../src/student/budgets.ts';
import { classroom, inExam, MINUTE_MS, NOW, NOW_MS, quota } from './builders.ts';

interface Given {
  today?: number;
  total?: number;
  asOf?: string;
  /** Of the seat. */
  spec?: Partial<StudentQuotaSpecInput>;
  of?: Classroom;
  told?: QuotaWarning[];
  nowMs?: number;
}

const DAY = '2026-09-01';
const daily = (level: QuotaWarning['level'], limit = 1000, day = DAY): QuotaWarning => ({
  budget: 'Day',
  level,
  limit,
  day,
});

/** What is told of a seat with 1,000 tokens a day, and what is remembered of it. */
function told(given: Given) {
  const { today = 0, total = 0, asOf = NOW, told: before, nowMs = NOW_MS } = given;
  const spec = { limits: { tokensPerDay: 1000 }, ...given.spec };
  const usage = { asOf, requestsToday: 1, tokensToday: today, tokensTotal: total };
  const seat = {
    quota: quota({ spec, status: { usage } }),
    classroom: given.of ?? classroom(),
    issues: [],
    olderSeat: undefined,
  };
  const budgets = seatBudgets(seat, nowMs);
  if (budgets === undefined) return { events: [], remembered: undefined };
  const remembered = quotaWarnings(budgets.uses, before);
  const events = quotaEvents(budgets, before, remembered).map(({ reason, note }) => `${reason}: ${note}`);
  return { events, remembered };
}

const reasons = (given: Given) => told(given).events.map((event) => event.split(':')[0]);

function ofClass(spec: Partial<Classroom['spec']>): Classroom {
  return { ...classroom(), spec: { ...classroom().spec, ...spec } };
}

describe('of the tokens of a day', () => {
  test.each<{ name: string; given: Given; want: string[] }>([
    { name: 'nothing below 80 %', given: { today: 799 }, want: [] },
    { name: 'from 80 % on that they are nearly used', given: { today: 800 }, want: ['QuotaNearlyUsed'] },
    { name: 'that they are used up', given: { today: 1000 }, want: ['QuotaUsedUp'] },
    { name: 'nothing a second time', given: { today: 900, told: [daily('NearlyUsed')] }, want: [] },
    {
      name: 'the second mark after the first',
      given: { today: 1000, told: [daily('NearlyUsed')] },
      want: ['QuotaUsedUp'],
    },
    {
      name: 'nothing once they were used up, also with less',
      given: { today: 850, told: [daily('UsedUp')] },
      want: [],
    },
    {
      name: 'the same on another day',
      given: { today: 800, told: [daily('UsedUp', 1000, '2026-08-31')] },
      want: ['QuotaNearlyUsed'],
    },
    {
      name: 'the same of another limit',
      given: { today: 800, told: [daily('UsedUp', 500)] },
      want: ['QuotaNearlyUsed'],
    },
    {
      name: 'nothing by figures of yesterday',
      given: { today: 1000, asOf: '2026-08-31T23:59:59Z' },
      want: [],
    },
    {
      name: 'nothing of a part of what a boost raises',
      given: { today: 1000, spec: { boost: { factor: 2, until: '2026-09-01T10:00:00Z' } } },
      want: [],
    },
    {
      name: 'what is left of a boost that has ended',
      given: { today: 1000, spec: { boost: { factor: 2, until: NOW } } },
      want: ['QuotaUsedUp'],
    },
    {
      name: 'all that is used of a boost, whose marks hold for the usual limit as well',
      given: {
        today: 1700,
        told: [daily('NearlyUsed')],
        spec: { boost: { factor: 2, until: '2026-09-01T10:00:00Z' } },
      },
      want: [],
    },
    {
      name: 'of a boost in an exam, in which it does not count',
      given: { today: 1000, of: inExam(), spec: { boost: { factor: 2, until: '2026-09-01T10:00:00Z' } } },
      want: ['QuotaUsedUp'],
    },
  ])('is told $name', ({ given, want }) => {
    expect(reasons(given)).toEqual(want);
  });

  test('is told by the date of the class', () => {
    const schedule = {
      ...classroom().spec.schedule,
      timeZone: 'Asia/Shanghai',
      sessions: [],
      exceptions: [],
      warmUpMinutes: 0,
      outsideSessions: 'Open' as const,
    };
    // It is 17:00 there, and the date has begun 16:00 UTC of the day before.
    const given = { today: 800, asOf: '2026-08-31T16:00:00Z', of: ofClass({ schedule }) };
    expect(told(given)).toEqual({
      events: [
        'QuotaNearlyUsed: alice has used 80 % of the tokens of today: 800 of 1,000. All are there again Wed 2026-09-02 00:00 (Asia/Shanghai). For more today, raise `limits.tokensPerDay` of the seat or the class, or give a boost.',
      ],
      remembered: [daily('NearlyUsed')],
    });
    expect(reasons({ ...given, asOf: '2026-08-31T15:59:59Z' })).toEqual([]);
  });

  test('who has used them up is told to be refused, until when', () => {
    expect(told({ today: 1000 }).events).toEqual([
      'QuotaUsedUp: alice has used 100 % of the tokens of today: 1,000 of 1,000, and is refused until Wed 2026-09-02 00:00 (UTC). For more today, raise `limits.tokensPerDay` of the seat or the class, or give a boost.',
    ]);
  });

  test('a boost is not recommended in an exam', () => {
    expect(told({ today: 1000, of: inExam() }).events[0]).toMatch(/of the seat or the class\.$/);
  });

  test('the class has them where the seat says nothing else', () => {
    const { perStudent, classroom: together } = classroom().spec.limits;
    const limits = { perStudent: { ...perStudent, tokensPerDay: 100 }, classroom: together };
    const remembered = [daily('NearlyUsed', 100)];
    expect(told({ today: 80, spec: { limits: {} }, of: ofClass({ limits }) })).toMatchObject({ remembered });
  });
});

describe('of the tokens of the course', () => {
  const spec = { limits: { tokensTotal: 1_000_000 } };

  test('is told that they do not come back', () => {
    expect(told({ total: 912_345, spec }).events).toEqual([
      'QuotaNearlyUsed: alice has used 91 % of the tokens of the course: 912,345 of 1,000,000. They never come back by themselves: for more, raise `limits.tokensTotal` of the seat or the class.',
    ]);
    expect(told({ total: 1_000_000, spec }).events).toEqual([
      'QuotaUsedUp: alice has used 100 % of the tokens of the course: 1,000,000 of 1,000,000, and is refused until there are more. They never come back by themselves: for more, raise `limits.tokensTotal` of the seat or the class.',
    ]);
  });

  test('is told once, on whatever day', () => {
    const { remembered } = told({ total: 900_000, spec });
    expect(
      reasons({ total: 950_000, spec, told: remembered ?? [], nowMs: NOW_MS + 2880 * MINUTE_MS }),
    ).toEqual([]);
  });

  test('is told whatever boost there is', () => {
    const boost = { factor: 10, until: '2026-09-01T10:00:00Z' };
    expect(reasons({ total: 800_000, spec: { ...spec, boost } })).toEqual(['QuotaNearlyUsed']);
  });
});

test('of both budgets is told at once', () => {
  const spec = { limits: { tokensPerDay: 10, tokensTotal: 100 } };
  expect(reasons({ today: 9, total: 100, spec })).toEqual(['QuotaNearlyUsed', 'QuotaUsedUp']);
});

test('a seat without budgets has nothing to remember', () => {
  expect(told({ today: 1_000_000, total: 1_000_000, spec: { limits: {} }, told: [daily('UsedUp')] })).toEqual(
    {
      events: [],
      remembered: [],
    },
  );
});
