import { describe, expect, test } from '@jest/globals';
import type { ClassroomStatus } from '../../../../src/api/classroom.ts';
import type { ConditionDraft } from '../../../../src/api/condition.ts';
import { openingEvents } from '../../../../src/classroom/opening/events.ts';

function open(status: ConditionDraft['status'], message = 'Because.'): ClassroomStatus {
  const lastTransitionTime = '2026-11-23T08:00:00Z';
  return { conditions: [{ type: 'Open', status, reason: 'SessionRunning', message, lastTransitionTime }] };
}

const told = (previous: ClassroomStatus | undefined, next: ClassroomStatus) =>
  openingEvents(previous, next).map(({ type, reason, note }) => `${type} ${reason}: ${note}`);

describe('events tell', () => {
  test.each<[name: string, from: ClassroomStatus | undefined, to: ClassroomStatus, expected: string[]]>([
    ['that a class opened', open('False'), open('True'), ['Normal ClassOpened: The class is open: Because.']],
    ['that it closed', open('True'), open('False'), ['Normal ClassClosed: The class is closed: Because.']],
    ['nothing of one that stays open for another reason', open('True', 'Why.'), open('True'), []],
    ['nothing of one that is seen for the first time', undefined, open('True'), []],
    ['nothing when an older operator said nothing', {}, open('False'), []],
    ['nothing of a spec that cannot be read', open('True'), open('Unknown'), []],
    ['nothing of one that can be read again', open('Unknown'), open('False'), []],
  ])('%s', (_, from, to, expected) => {
    expect(told(from, to)).toEqual(expected);
  });

  test('who changed the access, and when', () => {
    const next: ClassroomStatus = {
      access: { mode: 'Exam', changedBy: 'ms-chen', changedTime: '2026-11-23T09:59:00Z' },
    };
    expect(told({ access: { mode: 'Open' } }, next)).toEqual([
      'Normal AccessChanged: `access` was changed from Open to Exam by ms-chen at 2026-11-23T09:59:00Z.',
    ]);
    expect(told(next, next)).toEqual([]);
    expect(told(undefined, next)).toEqual([]);
  });

  test('that the access changed also where nobody knows by whom', () => {
    expect(
      told({ access: { mode: 'Exam' } }, { access: { mode: 'Open', changedTime: '2026-11-23T09:59:00Z' } }),
    ).toEqual(['Normal AccessChanged: `access` was changed from Exam to Open at 2026-11-23T09:59:00Z.']);
  });
});
