import { describe, expect, test } from '@jest/globals';
import {
  type ActiveBoost,
  activeBoost,
  boostedClassroomLimits,
  boostedStudentLimits,
  boostOf,
} from '../../../src/api/boost.ts';
import { studentLimitsSchema } from '../../../src/api/limits.ts';

const NOON = Date.parse('2026-12-01T12:00:00Z');

function boost(factor: number, minutes: number): ActiveBoost {
  return { factor, untilMs: NOON + minutes * 60_000 };
}

describe('the boost that holds', () => {
  test.each<[string, (ActiveBoost | undefined)[], number | undefined]>([
    ['none', [undefined, undefined], undefined],
    ["the class's", [boost(2, 10), undefined], 2],
    ["the student's", [undefined, boost(3, 10)], 3],
    ['the larger of both, not their product', [boost(2, 10), boost(3, 10)], 3],
    ['the smaller once the larger has ended', [boost(2, 10), boost(3, -1)], 2],
    ['none at the moment at which it ends', [boost(2, 0), undefined], undefined],
  ])('is %s', (_, boosts, factor) => {
    expect(activeBoost(boosts, NOON)?.factor).toBe(factor);
  });

  test('of two as large is the one that lasts longer', () => {
    expect(activeBoost([boost(2, 10), boost(2, 20)], NOON)).toEqual(boost(2, 20));
    expect(activeBoost([boost(2, 20), boost(2, 10)], NOON)).toEqual(boost(2, 20));
  });

  test('ends at the instant of the field, in whatever zone that is written', () => {
    expect(boostOf({ factor: 2, until: '2026-12-01T20:00:00+08:00' })).toEqual({ factor: 2, untilMs: NOON });
    expect(boostOf(undefined)).toBeUndefined();
  });
});

describe('boosted limits', () => {
  test('of a student: rates, the day and requests at a time; neither the answer nor the course', () => {
    const limits = studentLimitsSchema.parse({
      requestsPerMinute: 30,
      tokensPerMinute: 1_000,
      tokensPerDay: 50_000,
      tokensTotal: 900_000,
      concurrentRequests: 2,
      maxOutputTokens: 512,
    });
    expect(boostedStudentLimits(limits, boost(3, 1))).toEqual({
      requestsPerMinute: 90,
      tokensPerMinute: 3_000,
      tokensPerDay: 150_000,
      tokensTotal: 900_000,
      concurrentRequests: 6,
      maxOutputTokens: 512,
    });
  });

  test('of a class', () => {
    expect(boostedClassroomLimits({ requestsPerMinute: 600, tokensPerMinute: 400_000 }, boost(2, 1))).toEqual(
      { requestsPerMinute: 1_200, tokensPerMinute: 800_000 },
    );
  });

  test('that are absent limit nothing, boosted or not', () => {
    expect(boostedClassroomLimits({}, boost(2, 1))).toEqual({});
    expect(boostedStudentLimits(studentLimitsSchema.parse({}), boost(2, 1)).tokensPerDay).toBeUndefined();
  });

  test('are the same limits without a boost', () => {
    const limits = studentLimitsSchema.parse({});
    expect(boostedStudentLimits(limits, undefined)).toBe(limits);
  });

  test('stay exact however large they are', () => {
    const limits = studentLimitsSchema.parse({ tokensPerDay: Number.MAX_SAFE_INTEGER });
    expect(boostedStudentLimits(limits, boost(100, 1)).tokensPerDay).toBe(Number.MAX_SAFE_INTEGER);
  });
});
