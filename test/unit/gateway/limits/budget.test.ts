import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fewestTokens, mostTokens, outputWithin, restOf } from '../../../../src/gateway/limits/budget.ts';

const tokens = fc.integer({ min: 0, max: 5_000 });
const budgets = fc.record({ limit: fc.integer({ min: 1, max: 10_000 }), used: tokens, reserved: tokens });
const wishes = fc.record({
  promptTokens: tokens,
  outputTokens: tokens,
  answers: fc.integer({ min: 1, max: 4 }),
});

describe('a budget', () => {
  test('is never overdrawn, and refuses only what cannot fit', () => {
    fc.assert(
      fc.property(budgets, wishes, (budget, wish) => {
        const outputTokens = outputWithin(budget, wish);
        if (outputTokens === undefined) {
          expect(fewestTokens(wish)).toBeGreaterThan(restOf(budget));
          return;
        }
        expect(mostTokens({ ...wish, outputTokens })).toBeLessThanOrEqual(restOf(budget));
        expect(outputTokens).toBeLessThanOrEqual(wish.outputTokens);
        expect(outputTokens).toBeGreaterThanOrEqual(Math.min(1, wish.outputTokens));
      }),
    );
  });

  test('lowers no more than it must', () => {
    fc.assert(
      fc.property(budgets, wishes, (budget, wish) => {
        const outputTokens = outputWithin(budget, wish);
        if (outputTokens === undefined || outputTokens === wish.outputTokens) return;
        const more = mostTokens({ ...wish, outputTokens: outputTokens + 1 });
        expect(more).toBeGreaterThan(restOf(budget));
      }),
    );
  });

  test.each([
    ['room for all of it', 1000, 500],
    ['room for a part of each of two answers', 301, 100],
    ['room for the prompt and one token each', 102, 1],
    ['one token short of that', 101, undefined],
  ])('%s', (_, limit, expected) => {
    const wish = { promptTokens: 100, outputTokens: expected === 500 ? 500 : 400, answers: 2 };
    const roomy = { ...wish, answers: expected === 500 ? 1 : 2 };
    expect(outputWithin({ limit, used: 0, reserved: 0 }, roomy)).toBe(expected);
  });

  test('embeddings have no output to lower', () => {
    const wish = { promptTokens: 100, outputTokens: 0, answers: 1 };
    expect(outputWithin({ limit: 100, used: 0, reserved: 0 }, wish)).toBe(0);
    expect(outputWithin({ limit: 100, used: 0, reserved: 1 }, wish)).toBeUndefined();
  });
});
