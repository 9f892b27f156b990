import type { ClassroomStatus } from '../../api/classroom.ts';
import { findCondition } from '../../api/condition.ts';
import { EVENT_REASONS } from '../../api/event-reasons.ts';
import { CLASSROOM_CONDITIONS } from '../../api/reasons.ts';
import type { OperatorEvent } from '../../reconcile/controller.ts';

/** A class that opened or closed, and access that somebody changed. What is seen for the first time did not change. */
export function openingEvents(previous: ClassroomStatus | undefined, next: ClassroomStatus): OperatorEvent[] {
  return [...accessEvents(previous, next), ...openEvents(previous, next)];
}

function openEvents(previous: ClassroomStatus | undefined, next: ClassroomStatus): OperatorEvent[] {
  const before = findCondition(previous?.conditions, CLASSROOM_CONDITIONS.open);
  const now = findCondition(next.conditions, CLASSROOM_CONDITIONS.open);
  if (before === undefined || now === undefined) return [];
  if (before.status === now.status || now.status === 'Unknown' || before.status === 'Unknown') return [];
  const isOpen = now.status === 'True';
  const reason = isOpen ? EVENT_REASONS.classOpened : EVENT_REASONS.classClosed;
  const note = `The class is ${isOpen ? 'open' : 'closed'}: ${now.message}`;
  return [{ type: 'Normal', reason, action: isOpen ? 'Open' : 'Close', note }];
}

function accessEvents(previous: ClassroomStatus | undefined, next: ClassroomStatus): OperatorEvent[] {
  const [before, now] = [previous?.access, next.access];
  if (before === undefined || now === undefined || before.mode === now.mode) return [];
  const who = now.changedBy === undefined ? '' : ` by ${now.changedBy}`;
  const when = now.changedTime === undefined ? '' : ` at ${now.changedTime}`;
  const note = `\`access\` was changed from ${before.mode} to ${now.mode}${who}${when}.`;
  return [{ type: 'Normal', reason: EVENT_REASONS.accessChanged, action: 'Observe', note }];
}
