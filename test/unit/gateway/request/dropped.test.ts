import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { droppedFields, droppedHeader } from '../../../../src/gateway/request/dropped.ts';

describe('the fields that were dropped', () => {
  test.each<[string, unknown, unknown, string[]]>([
    ['none', { a: 1 }, { a: 1 }, []],
    ['at the top', { a: 1, b: 2 }, { a: 1 }, ['b']],
    ['inside', { a: { b: 1, c: 2 } }, { a: { c: 2 } }, ['a.b']],
    ['in a list, named once', { a: [{ b: 1 }, { b: 1, c: 1 }] }, { a: [{}, {}] }, ['a[].b', 'a[].c']],
    ['not what was added or changed', { a: 1 }, { a: 2, z: 1 }, []],
    ['null is not absent', { a: null }, { a: null }, []],
  ])('%s', (_, before, after, want) => {
    expect(droppedFields(before, after)).toEqual(want);
  });
});

test('of very many, only the first are named', () => {
  const before = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`f${index}`, 1]));
  const names = droppedFields(before, {});
  expect([names.length, names[0], names[19], names[20]]).toEqual([21, 'f0', 'f19', '…']);
});

describe('the header that names them', () => {
  test('is harmless, whatever the names are', () => {
    const key = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(fc.dictionary(key, fc.constant(1), { maxKeys: 100 }), (body) => {
        const header = droppedHeader(droppedFields(body, {}));
        expect(header).toMatch(/^[\w.[\]\-?, ]*$/);
        expect(header.length).toBeLessThan(1500);
      }),
    );
  });

  test('has no room for a second header', () => {
    expect(droppedHeader(['a\r\nset-cookie: b', '…'])).toBe('a??set-cookie??b, ...');
  });
});
