import { describe, expect, test } from '@jest/globals';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { rosterDifference } from '../../../../src/student/roster/difference.ts';
import { readRoster } from '../../../../src/student/roster/read.ts';
import { type StudentQuotaDifference, studentQuota } from '../../../support/builders.ts';

const CLASS = { name: 'python-101', namespace: 'school' };

function compare(roster: string, ...seats: StudentQuota[]) {
  const parsed = readRoster(new TextEncoder().encode(roster), { timeZone: 'UTC' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return rosterDifference(parsed.rows, CLASS, seats);
}

const seatOf = (id: string, spec: StudentQuotaDifference['spec'] = {}): StudentQuota =>
  studentQuota({ spec: { student: { id, ...spec.student }, ...spec } });

const ids = (seats: readonly StudentQuota[]): string[] => seats.map(({ spec }) => spec.student.id);

describe('a student without a seat', () => {
  test('gets one with what the roster says, and the rest as the class has it', () => {
    const { added } = compare('id,name,group,tokensPerDay,maxOutputTokens\nalice,Alice Zhang,blue,500000,\n');
    expect(added).toMatchObject([
      {
        kind: 'StudentQuota',
        metadata: { name: 'python-101-alice', namespace: 'school' },
        spec: {
          classroomRef: { name: 'python-101' },
          student: { id: 'alice', displayName: 'Alice Zhang', group: 'blue' },
          limits: { tokensPerDay: 500_000 },
        },
      },
    ]);
    expect(added[0]?.spec.limits).not.toHaveProperty('maxOutputTokens');
  });

  test('is found by the id, whatever the seat is called', () => {
    const seat = studentQuota({ metadata: { name: 'by-hand' } });
    expect(compare('id\nalice\n', seat)).toMatchObject({ added: [], unchanged: [seat] });
  });

  test('whose seat would have the name of a seat of another class is a fault of that line', () => {
    const other = studentQuota({
      metadata: { name: 'python-101-alice' },
      spec: { classroomRef: { name: 'biology' } },
    });
    const { added, faults, unlisted } = compare('id\nbob\nalice\n', other);
    expect(ids(added)).toEqual(['bob']);
    expect(faults).toEqual([{ line: 3, message: expect.stringContaining('in the class biology') }]);
    expect(unlisted).toEqual([]);
  });
});

test('two students of a roster whose seats would have one name: the second is a fault', () => {
  const [shouting] = compare('id\nAlice\n').added;
  const namesake = shouting?.metadata.name.replace('python-101-', '');
  const { added, faults } = compare(`id\nAlice\n${namesake}\n`);
  expect(ids(added)).toEqual(['Alice']);
  expect(faults).toEqual([{ line: 3, message: expect.stringContaining("as that of 'Alice'") }]);
});

describe('a student with a seat', () => {
  test('is changed where the roster says otherwise, and nowhere else', () => {
    const seat = seatOf('alice', { limits: { tokensPerDay: 100, maxOutputTokens: 64 }, weight: 3 });
    const { changed } = compare('id,name,tokensPerDay\nalice,Alice,200\n', seat);
    expect(changed).toEqual([
      {
        seat,
        changes: [
          { field: 'name', from: undefined, to: 'Alice' },
          { field: 'tokensPerDay', from: 100, to: 200 },
        ],
        patch: { spec: { student: { displayName: 'Alice' }, limits: { tokensPerDay: 200 } } },
      },
    ]);
  });

  test('an empty cell takes away what was there', () => {
    const seat = seatOf('alice', { limits: { tokensPerDay: 100 } });
    expect(compare('id,tokensPerDay\nalice,\n', seat).changed).toMatchObject([
      { patch: { spec: { limits: { tokensPerDay: null } } } },
    ]);
  });

  test.each([
    ['a column that the roster lacks stays', 'id\nalice\n', { limits: { tokensPerDay: 100 }, weight: 3 }],
    ['what is so already stays', 'id,tokensPerDay\nalice,100\n', { limits: { tokensPerDay: 100 } }],
    ['an empty cell where nothing was', 'id,group,tokensPerDay\nalice,,\n', {}],
    ['an empty cell where the default was', 'id,weight,access\nalice,,\n', {}],
    [
      'the same instant in other words',
      'id,expiresAt\nalice,2027-01-31\n',
      { expiresAt: '2027-02-01T01:00:00+01:00' },
    ],
  ])('is left alone: %s', (_, roster, spec) => {
    const seat = seatOf('alice', spec);
    expect(compare(roster, seat)).toMatchObject({ added: [], changed: [], unchanged: [seat] });
  });
});

test('seats that the roster does not list are told apart, those of other classes are nobody’s business', () => {
  const others = studentQuota({ spec: { classroomRef: { name: 'biology' }, student: { id: 'dora' } } });
  const { unchanged, unlisted } = compare('id\nalice\n', seatOf('alice'), seatOf('bob'), others);
  expect({ unchanged: ids(unchanged), unlisted: ids(unlisted) }).toEqual({
    unchanged: ['alice'],
    unlisted: ['bob'],
  });
});
