import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ActiveReplica, divideCapacity } from '../../../../src/gateway/valkey/capacity-shares.ts';

/** A replica with so many requests of these students, each of weight 1 unless stated. */
function replica(id: string, requests: number, students: Record<string, number> | string[]): ActiveReplica {
  const weights = Array.isArray(students)
    ? students.map((student): [string, number] => [student, 1])
    : Object.entries(students);
  return { id, activity: { requests, weights: new Map(weights) } };
}

const divided = (capacity: number, ...replicas: ActiveReplica[]): Record<string, number> =>
  Object.fromEntries(divideCapacity(capacity, replicas));

describe('the capacity of a class', () => {
  test('belongs to the only replica that has requests', () => {
    expect(divided(16, replica('a', 1, ['ann']))).toEqual({ a: 16 });
  });

  test('is divided by how many students wait where, not by how many requests they have', () => {
    const flooded = replica('a', 500, ['flo']);
    const light = replica('b', 60, ['ann', 'bo', 'cy']);
    expect(divided(16, flooded, light)).toEqual({ a: 4, b: 12 });
  });

  test('is divided by the weights of the students', () => {
    expect(divided(16, replica('a', 100, { ann: 3 }), replica('b', 100, { bo: 1 }))).toEqual({ a: 12, b: 4 });
  });

  test('counts a student who is at two replicas once', () => {
    const a = replica('a', 100, ['flo', 'ann']);
    const b = replica('b', 100, ['flo']);
    expect(divided(16, a, b)).toEqual({ a: 12, b: 4 });
  });

  test('goes where there are requests for it', () => {
    const few = replica('a', 2, ['ann', 'bo', 'cy']);
    const many = replica('b', 100, ['flo']);
    // What is left for a beyond its two requests is b's.
    expect(divided(16, few, many)).toEqual({ a: 2, b: 14 });
  });

  test('leaves room for requests to come where there is more than all need', () => {
    expect(divided(16, replica('a', 3, ['ann']), replica('b', 1, ['bo']))).toEqual({ a: 9, b: 7 });
  });

  test('is at least one for each, even where there is less', () => {
    expect(divided(1, replica('a', 9, ['ann']), replica('b', 9, ['bo']))).toEqual({ a: 1, b: 1 });
    expect(divided(0, replica('a', 9, ['ann']), replica('b', 9, ['bo']))).toEqual({ a: 0, b: 0 });
  });

  const replicas = fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1 }),
      requests: fc.integer({ min: 1, max: 50 }),
      students: fc.dictionary(
        fc.constantFrom('ann', 'bo', 'cy', 'di', 'flo'),
        fc.integer({ min: 1, max: 9 }),
        {
          minKeys: 1,
          noNullPrototype: true,
        },
      ),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 6 },
  );

  test('is never given twice, never left over, and the same in whatever order the replicas are known', () => {
    fc.assert(
      fc.property(fc.integer({ min: 6, max: 200 }), replicas, (capacity, given) => {
        const known = given.map(({ id, requests, students }) => replica(id, requests, students));
        const shares = divideCapacity(capacity, known);
        const sum = [...shares.values()].reduce((total, share) => total + share, 0);
        expect(sum).toBeGreaterThanOrEqual(capacity);
        // Only the ones that are there so that nobody starves can exceed it.
        expect(sum).toBeLessThan(capacity + known.length);
        expect(divideCapacity(capacity, known.toReversed())).toEqual(shares);
      }),
    );
  });
});
