import { describe, expect, test } from '@jest/globals';
import { studentQuotaNameSchema } from '../../../src/api/student-quota.ts';
import { seatName } from '../../../src/student/seat-name.ts';

describe('the name of a seat', () => {
  test.each([
    ['alice', 'python-101-alice'],
    ['2023-0815', 'python-101-2023-0815'],
    ['Alice', 'python-101-alice-3bc51062'],
    ['alice.b@school.example', 'python-101-alice-b-school-example-ef72cf41'],
    ['a_', 'python-101-a-'],
  ])('of %s begins with the class and says who it is', (id, name) => {
    expect(seatName('python-101', id)).toContain(name);
  });

  test.each(['alice', 'Alice', 'a_b', 'a.b', 'a-b', 'x'.repeat(63), `X${'-'.repeat(61)}x`])(
    'of %s can be the name of a StudentQuota, whatever the class',
    (id) => {
      for (const classroom of ['a', 'c'.repeat(40)]) {
        expect(studentQuotaNameSchema.safeParse(seatName(classroom, id)).success).toBe(true);
      }
    },
  );

  test('differs for ids that look alike', () => {
    const names = ['alice', 'Alice', 'ALICE', 'a_lice', 'a.lice', 'a@lice'].map((id) => seatName('c', id));
    expect(new Set(names).size).toBe(names.length);
  });
});
