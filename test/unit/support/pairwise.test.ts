import { describe, expect, test } from '@jest/globals';
import { pairwise } from '../../support/pairwise.ts';

const FACTORS = {
  a: ['1', '2', '3', '4'],
  b: ['1', '2', '3'],
  c: ['1', '2', '3'],
  d: ['1', '2'],
  e: ['1', '2'],
};

describe('pairwise combinations', () => {
  const combinations = pairwise(FACTORS);

  test('let any two values meet', () => {
    const names = Object.keys(FACTORS) as (keyof typeof FACTORS)[];
    for (const [index, first] of names.entries()) {
      for (const second of names.slice(index + 1)) {
        const met = new Set(combinations.map((one) => `${one[first]} ${one[second]}`));
        expect([first, second, met.size]).toEqual([
          first,
          second,
          FACTORS[first].length * FACTORS[second].length,
        ]);
      }
    }
  });

  test('are far fewer than all', () => {
    const all = Object.values(FACTORS).reduce((product, { length }) => product * length, 1);
    expect(combinations.length).toBeLessThan(all / 6);
  });

  test('are always the same', () => {
    expect(pairwise(FACTORS)).toEqual(combinations);
  });
});
