import { describe, expect, test } from '@jest/globals';
import type { Condition } from '../../../../src/api/condition.ts';
import { checkClass } from '../../../../src/cli/doctor/class.ts';
import { type ClassroomDifference, classroom, studentQuota } from '../../../support/builders.ts';

const NOW_MS = Date.parse('2026-11-23T10:00:00Z');

const condition = (type: string, status: Condition['status'], reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-11-23T09:00:00Z',
  observedGeneration: 1,
});

const serving = condition('Ready', 'True', 'Serving', '1 of 1 engine answers.');
const classWith = (conditions: Condition[], status: ClassroomDifference['status'] = {}) =>
  classroom({
    metadata: { namespace: 'school' },
    status: { conditions, replicas: 1, readyReplicas: 1, ...status },
  });
const alice = (status: Condition['status'], message: string) =>
  studentQuota({
    spec: { student: { id: 'alice' } },
    status: { conditions: [condition('Ready', status, 'Active', message)] },
  });

describe('of a class doctor says', () => {
  test('that it serves, and how many students can work', () => {
    expect(checkClass(classWith([serving]), [alice('True', 'The key works.')], NOW_MS)).toEqual([
      { area: 'Class', mark: 'Good', what: 'python-101: 1 of 1 engine answers.' },
      { area: 'Class', mark: 'Good', what: '1 of 1 student can work.' },
    ]);
  });

  test('how to enrol, where nobody is', () => {
    expect(checkClass(classWith([serving]), [], NOW_MS)).toContainEqual({
      area: 'Class',
      mark: 'Note',
      what: 'Nobody is enrolled.',
      next: 'Enrol students: kubectl classroom enroll python-101 -n school -f roster.csv',
    });
  });

  test('who cannot work, and why', () => {
    const waiting = alice('False', 'The Secret belongs to somebody else.');
    expect(checkClass(classWith([serving]), [waiting], NOW_MS)).toContainEqual({
      area: 'Class',
      mark: 'Bad',
      what: 'The student alice cannot work.',
      why: 'The Secret belongs to somebody else.',
    });
  });

  test('nothing of seats that one may not see', () => {
    expect(checkClass(classWith([serving]), undefined, NOW_MS)).toContainEqual({
      area: 'Class',
      mark: 'Unknown',
      what: 'You may not see the seats.',
    });
  });

  test('what keeps it from serving once, with the next step, and which engine fails', () => {
    const message = 'The engine ran out of memory.';
    const failing = [
      condition('Ready', 'False', 'OutOfGPUMemory', message),
      condition('EnginesReady', 'False', 'OutOfGPUMemory', message),
    ];
    const engines = [{ name: 'engine-1', state: 'Failing' as const, message }];
    expect(checkClass(classWith(failing, { readyReplicas: 0, engines }), [], NOW_MS).slice(0, 2)).toEqual([
      {
        area: 'Class',
        mark: 'Bad',
        what: `python-101: ${message}`,
        next: expect.stringContaining('kubectl classroom'),
      },
      { area: 'Class', mark: 'Bad', what: `Engine engine-1, Failing: ${message}` },
    ]);
  });
});

test.each([
  ['False', 'Closed', 'Note'],
  ['True', 'Asleep', 'Good'],
  ['True', 'Serving', 'Good'],
  ['False', 'Loading', 'Bad'],
] as const)('a class whose Ready is %s, %s: %s', (status, reason, mark) => {
  const [first] = checkClass(classWith([condition('Ready', status, reason, 'It is so.')]), [], NOW_MS);
  expect(first).toMatchObject({ area: 'Class', mark, what: 'python-101: It is so.' });
});
