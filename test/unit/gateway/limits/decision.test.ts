import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RequestCost } from '../../../../src/gateway/limits/admission.ts';
import {
  type Counts,
  decide,
  type LimitsInForce,
  limitStates,
  type Moment,
  NOTHING_HELD,
  settle,
  untouched,
  withdraw,
} from '../../../../src/gateway/limits/decision.ts';
import { localDayOf } from '../../../../src/timetable/local-day.ts';

const CLASS = { classroomKey: 'school/python-101' };
const FRESH: Counts = {
  student: untouched({ ...CLASS, studentId: 'alice' }),
  classroom: untouched(CLASS),
  held: NOTHING_HELD,
};
const NOW = Date.parse('2026-11-23T10:00:00Z');

function at(nowMs: number): Moment {
  const day = localDayOf('UTC', nowMs);
  return { nowMs, day, dayEndsInMs: day.endsMs - nowMs };
}

function limits(
  student: Partial<LimitsInForce['student']> = {},
  classroom: LimitsInForce['classroom'] = {},
): LimitsInForce {
  return {
    student: { requestsPerMinute: 100, tokensPerMinute: 100_000, concurrentRequests: 10, ...student },
    classroom,
  };
}

const COST: RequestCost = {
  model: 'qwen',
  promptTokens: 100,
  expectedPromptTokens: 25,
  outputTokens: 400,
  answers: 1,
};

function admitted(inForce: LimitsInForce, counts: Counts, cost = COST, nowMs = NOW) {
  const decision = decide(inForce, counts, cost, at(nowMs));
  if (!decision.ok) throw new Error(`refused by ${decision.denial.name}`);
  return decision;
}

function deniedBy(inForce: LimitsInForce, counts: Counts, cost = COST, nowMs = NOW) {
  const decision = decide(inForce, counts, cost, at(nowMs));
  if (decision.ok) throw new Error('admitted');
  return decision.denial;
}

describe('the order of the limits', () => {
  const tightest = {
    concurrentRequests: 1,
    requestsPerMinute: 1,
    tokensPerMinute: 500,
    tokensPerDay: 500,
    tokensTotal: 500,
  };
  const shared = { requestsPerMinute: 1, tokensPerMinute: 500 };
  const order = [
    'concurrentRequests',
    'requestsPerMinute',
    'tokensPerMinute',
    'tokensPerDay',
    'tokensTotal',
    'classroom.requestsPerMinute',
    'classroom.tokensPerMinute',
  ] as const;

  test.each(order.map((name, position) => [name, position] as const))('%s', (name, position) => {
    const kept = new Set<string>(order.slice(position));
    const own = Object.fromEntries(Object.entries(tightest).filter(([limit]) => kept.has(limit)));
    const both = Object.fromEntries(
      Object.entries(shared).filter(([limit]) => kept.has(`classroom.${limit}`)),
    );
    const inForce = limits(own, both);
    expect(deniedBy(inForce, admitted(inForce, FRESH).counts).name).toBe(name);
  });
});

describe('a request that does not fit', () => {
  test('has changed nothing, whichever limit it was', () => {
    const strict = fc.record({
      student: fc.record({
        requestsPerMinute: fc.integer({ min: 1, max: 3 }),
        tokensPerMinute: fc.integer({ min: 1, max: 1_000 }),
        tokensPerDay: fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined }),
        concurrentRequests: fc.integer({ min: 1, max: 3 }),
      }),
      classroom: fc.record({
        requestsPerMinute: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      }),
    });
    fc.assert(
      fc.property(strict, (inForce) => {
        let counts = FRESH;
        for (let request = 0; request < 5; request++) {
          const before = structuredClone(counts);
          const decision = decide(inForce, counts, COST, at(NOW));
          if (decision.ok) counts = decision.counts;
          else expect(counts).toEqual(before);
        }
      }),
    );
  });
});

describe('a budget that is nearly used up', () => {
  test('lowers what the answer may have, and takes only that', () => {
    const { grant, counts } = admitted(limits({ tokensPerDay: 250 }), FRESH);
    expect(grant).toMatchObject({ outputTokens: 150, budgetReserved: 250, studentReserved: 250 });
    expect(deniedBy(limits({ tokensPerDay: 250 }), counts)).toMatchObject({
      name: 'tokensPerDay',
      used: 250,
      needed: 101,
      heldByRunning: true,
    });
  });

  test('of the course as of the day, whichever has less', () => {
    expect(admitted(limits({ tokensPerDay: 300, tokensTotal: 200 }), FRESH).grant.outputTokens).toBe(100);
    expect(admitted(limits({ tokensPerDay: 200, tokensTotal: 300 }), FRESH).grant.outputTokens).toBe(100);
  });

  test('is refused below the prompt and one token, with the end of the day', () => {
    const inForce = limits({ tokensPerDay: 600 });
    const first = admitted(inForce, FRESH);
    const used = settle(first.counts, first.grant, 500, at(NOW));
    expect(deniedBy(inForce, used)).toEqual({
      name: 'tokensPerDay',
      limit: 600,
      used: 500,
      needed: 101,
      retryMs: 14 * 3_600_000,
      heldByRunning: false,
    });
    const tomorrow = NOW + 14 * 3_600_000;
    expect(deniedBy(inForce, used, COST, tomorrow - 1).name).toBe('tokensPerDay');
    expect(admitted(inForce, used, COST, tomorrow).grant.outputTokens).toBe(400);
  });

  test('that the request alone exceeds will not be enough tomorrow either', () => {
    expect(deniedBy(limits({ tokensPerDay: 100 }), FRESH).retryMs).toBeUndefined();
  });
});

describe('a request over midnight', () => {
  const inForce = limits({ tokensPerDay: 1_000 });
  const evening = Date.parse('2026-11-23T23:59:00Z');
  const morning = Date.parse('2026-11-24T00:01:00Z');

  test('counts on the day on which it began', () => {
    const first = admitted(inForce, FRESH, COST, evening);
    const second = admitted(inForce, first.counts, COST, morning);
    const ended = settle(second.counts, first.grant, 500, at(morning));
    const day = limitStates(inForce, ended, at(morning)).find(({ name }) => name === 'tokensPerDay');
    expect(day?.remaining).toBe(500);
    expect(ended.student).toMatchObject({ day: '2026-11-24', dayTokens: 0, totalTokens: 500 });
  });
});

describe('a limit of the class', () => {
  test('takes from the class for every student, and refuses the next one with nothing taken of their own', () => {
    const inForce = limits({}, { requestsPerMinute: 1 });
    const { counts } = admitted(inForce, FRESH);
    const bob = { ...FRESH, student: untouched({ ...CLASS, studentId: 'bob' }), classroom: counts.classroom };
    expect(deniedBy(inForce, bob)).toMatchObject({ name: 'classroom.requestsPerMinute', retryMs: 60_000 });
  });

  test('that is set while a request runs begins full, and hears of what that request used', () => {
    const before = admitted(limits(), FRESH);
    const inForce = limits({}, { tokensPerMinute: 1_000 });
    const during = admitted(inForce, before.counts);
    const after = settle(during.counts, before.grant, 300, at(NOW));
    const shared = limitStates(inForce, after, at(NOW)).find(
      ({ name }) => name === 'classroom.tokensPerMinute',
    );
    expect(shared?.remaining).toBe(200);
  });
});

test('a request that is withdrawn has never come', () => {
  const inForce = limits({ tokensPerDay: 5_000 }, { requestsPerMinute: 10, tokensPerMinute: 3_000 });
  const standing = limitStates(inForce, FRESH, at(NOW));
  const { counts, grant } = admitted(inForce, FRESH);
  expect(limitStates(inForce, withdraw(inForce, counts, grant, at(NOW)), at(NOW))).toEqual(standing);
});
