import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalQuantity, sameQuantity } from '../../../src/kube/quantity.ts';

describe('the one spelling of an amount', () => {
  test.each([
    ['1000m', '1'],
    ['1', '1'],
    ['0.5', '500m'],
    ['500m', '500m'],
    ['1.1', '1100m'],
    ['2k', '2000'],
    ['0', '0'],
    ['0m', '0'],
    ['0.0001', '1m'],
  ])('of cores: %s is %s', (value, want) => {
    expect(canonicalQuantity(value, 'Cores')).toBe(want);
  });

  test.each([
    ['1024Mi', '1Gi'],
    ['1Gi', '1Gi'],
    ['1073741824', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['500M', '500000000'],
    ['1000', '1000'],
    ['0', '0'],
    ['0.1', '1'],
    ['2048Pi', '2048Pi'],
  ])('of bytes: %s is %s', (value, want) => {
    expect(canonicalQuantity(value, 'Bytes')).toBe(want);
  });

  test('is the same amount, and the spelling of itself', () => {
    const amounts = fc.tuple(fc.nat(1_000_000), fc.constantFrom('', 'Ki', 'Mi', 'Gi', 'k', 'M', 'G'));
    fc.assert(
      fc.property(amounts, fc.constantFrom('Cores' as const, 'Bytes' as const), ([number, suffix], unit) => {
        const spelled = canonicalQuantity(`${number}${suffix}`, unit);
        expect(sameQuantity(spelled, `${number}${suffix}`)).toBe(true);
        expect(canonicalQuantity(spelled, unit)).toBe(spelled);
      }),
    );
  });

  test('has no exponent, however large it is', () => {
    const huge = '99999999999999999999999999999999';
    const spelled = canonicalQuantity(huge, 'Cores');
    expect(spelled).toMatch(/^[0-9]+m?$/);
    expect(sameQuantity(spelled, huge)).toBe(true);
  });

  test('is refused to what is no amount', () => {
    expect(() => canonicalQuantity('much', 'Bytes')).toThrow("'much' is no quantity");
  });
});
