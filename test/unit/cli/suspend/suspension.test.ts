import { expect, test } from '@jest/globals';
import { suspensionPatch, suspensionWords } from '../../../../src/cli/suspend/suspension.ts';
import { studentQuota } from '../../../support/builders.ts';

const NOW_MS = Date.parse('2026-11-23T10:00:00Z');
const alice = studentQuota();
const bob = studentQuota({ spec: { student: { id: 'bob' }, access: 'Suspended' } });
const ended = studentQuota({ spec: { student: { id: 'zoe' }, expiresAt: '2026-11-01T00:00:00Z' } });

test('only what differs is written', () => {
  expect(suspensionPatch(alice, 'Suspended')).toEqual({ spec: { access: 'Suspended' } });
  expect(suspensionPatch(bob, 'Suspended')).toBeUndefined();
  expect(suspensionPatch(bob, 'Active')).toEqual({ spec: { access: 'Active' } });
});

test('who is refused now, and who is not', () => {
  expect(suspensionWords([bob], NOW_MS)).toEqual([
    'Refused until resumed: bob. Seats, keys and what was used stay.',
  ]);
  expect(suspensionWords([alice], NOW_MS)).toEqual(['Not suspended: alice.']);
});

test('a seat that has ended is refused all the same', () => {
  expect(suspensionWords([alice, ended], NOW_MS)).toEqual([
    'Not suspended: alice, zoe.',
    'Refused all the same, because the seat has ended (`expiresAt`): zoe.',
  ]);
});
