import { type Condition, findCondition } from '../api/condition.ts';
import { EVENT_REASONS as EVENTS } from '../api/event-reasons.ts';
import { STUDENT_QUOTA_CONDITIONS as CONDITIONS, STUDENT_QUOTA_REASONS as REASONS } from '../api/reasons.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import { boostEvents } from '../boost/events.ts';
import type { OperatorEvent } from '../reconcile/controller.ts';
import type { AppliedSeat } from './apply.ts';
import type { IssueCause } from './key-record.ts';
import { secretNameOf } from './secret.ts';

/** What a pass did to the Secret; undefined: nothing. */
export function secretEvent(
  quota: StudentQuota,
  { issued, restored }: Pick<AppliedSeat, 'issued' | 'restored'>,
  conditions: readonly Condition[],
): OperatorEvent | undefined {
  const secret = secretNameOf(quota.metadata.name);
  if (restored) {
    const note = `Secret ${secret} was brought back to what it should hold. The key is the same.`;
    return { type: 'Normal', reason: EVENTS.secretHealed, action: 'Apply', note };
  }
  if (issued === undefined) return undefined;
  const condition = findCondition(conditions, CONDITIONS.keyIssued);
  const note = condition?.message ?? `Secret ${secret} holds a new key.`;
  return { ...ISSUES[kindOfIssue(issued)], action: 'IssueKey', note };
}

/** What the conditions say now and did not say before; a pass that changed none of them has no events. */
export function transitionEvents(quota: StudentQuota, conditions: readonly Condition[]): OperatorEvent[] {
  const before = quota.status?.conditions;
  return [
    ...transition(before, conditions, CONDITIONS.keyIssued, KEY_TRANSITIONS),
    ...transition(before, conditions, CONDITIONS.ready, SEAT_TRANSITIONS),
    ...boostEvents(before, conditions),
  ];
}

/** Whether a key is the student's first, was asked for, or stands in for a lost one. */
export function kindOfIssue(cause: IssueCause): 'first' | 'rotation' | 'healed' {
  switch (cause) {
    case 'First':
      return 'first';
    case 'Rotated':
      return 'rotation';
    case 'SecretDeleted':
    case 'KeyRemoved':
    case 'KeyDamaged':
    case 'KeyUnknown':
      return 'healed';
  }
}

const ISSUES = {
  first: { type: 'Normal', reason: EVENTS.keyIssued },
  rotation: { type: 'Normal', reason: EVENTS.keyRotated },
  healed: { type: 'Warning', reason: EVENTS.keyReplaced },
} as const;

type Transitions = Readonly<Record<string, Pick<OperatorEvent, 'type' | 'reason'>>>;

/** By the reason that a condition has now and had not before. */
const KEY_TRANSITIONS: Transitions = {
  [REASONS.nameConflict]: { type: 'Warning', reason: EVENTS.nameConflict },
  [REASONS.applyRefused]: { type: 'Warning', reason: EVENTS.applyRefused },
  [REASONS.rotationDeferred]: { type: 'Normal', reason: EVENTS.keyRotationDeferred },
  [REASONS.duplicateStudent]: { type: 'Warning', reason: EVENTS.duplicateStudent },
};

const SEAT_TRANSITIONS: Transitions = {
  [REASONS.suspended]: { type: 'Normal', reason: EVENTS.seatSuspended },
  [REASONS.expired]: { type: 'Normal', reason: EVENTS.seatExpired },
};

function transition(
  before: readonly Condition[] | undefined,
  now: readonly Condition[],
  type: string,
  transitions: Transitions,
): OperatorEvent[] {
  const was = findCondition(before, type)?.reason;
  const is = findCondition(now, type);
  if (is === undefined || is.reason === was) return [];
  const resumed =
    type === CONDITIONS.ready && is.reason === REASONS.active && was !== undefined && was in SEAT_TRANSITIONS
      ? { type: 'Normal' as const, reason: EVENTS.seatResumed }
      : undefined;
  const event = transitions[is.reason] ?? resumed;
  return event === undefined ? [] : [{ ...event, action: 'Reconcile', note: is.message }];
}
