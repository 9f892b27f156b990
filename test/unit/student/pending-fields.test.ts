import { expect, test } from '@jest/globals';
import { pendingFields } from '../../../src/student/pending-fields.ts';
import { studentQuota } from '../../support/builders.ts';

test('fields that nothing acts on yet are named where they are set', () => {
  const { spec } = studentQuota({ spec: { student: { id: 'alice', group: 'A' } } });
  const pending = pendingFields(spec, [
    ['student.group', ({ student }) => student.group !== undefined],
    ['expiresAt', ({ expiresAt }) => expiresAt !== undefined],
  ]);
  expect(pending).toEqual(['student.group']);
});

test('this version acts on every field', () => {
  const until = '2026-12-01T10:30:00Z';
  const { spec } = studentQuota({ spec: { boost: { factor: 2, until }, expiresAt: until } });
  expect(pendingFields(spec)).toEqual([]);
});
