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

describe('the header that names them', () => {
  test('is harmless, whatever the names are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 100 }), (names) => {
        const header = droppedHeader(names);
        expect(header).toMatch(/^[\w.[\]\-?, ]*$/);
        expect(header.length).toBeLessThan(1500);
      }),
    );
  });

  test('says how many more there are', () => {
    const names = Array.from({ length: 25 }, (_, index) => `f${index}`);
    expect(droppedHeader(names)).toMatch(/^f0, f1, .*, f19, and 5 more$/);
    expect(droppedHeader(['a\r\nset-cookie: b'])).toBe('a??set-cookie??b');
  });
});
