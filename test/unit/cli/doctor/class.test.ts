import { expect, test } from '@jest/globals';
import { checkClass } from '../../../../src/cli/doctor/class.ts';
import { classroom } from '../../../support/builders.ts';

const NOW_MS = Date.parse('2026-11-23T10:00:00Z');

test.each([
  ['False', 'Closed', 'Note'],
  ['True', 'Asleep', 'Good'],
  ['True', 'Serving', 'Good'],
  ['False', 'Loading', 'Bad'],
] as const)('a class whose Ready is %s, %s: %s', (status, reason, mark) => {
  const ready = { type: 'Ready', status, reason, message: 'It is so.', observedGeneration: 1 };
  const conditions = [{ ...ready, lastTransitionTime: '2026-11-23T09:00:00Z' }];
  const [first] = checkClass(classroom({ status: { conditions } }), [], NOW_MS);
  expect(first).toMatchObject({ area: 'Class', mark, what: 'python-101: It is so.' });
});
