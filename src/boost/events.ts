import { type Condition, findCondition } from '../api/condition.ts';
import { EVENT_REASONS } from '../api/event-reasons.ts';
import { BOOSTED } from '../api/reasons.ts';
import type { OperatorEvent } from '../reconcile/controller.ts';

/**
 * A boost that began or ended to count, whatever the reason: time, an exam, or a person. What ended while no operator ran
 * is told when one runs again.
 */
export function boostEvents(
  previous: readonly Condition[] | undefined,
  next: readonly Condition[] | undefined,
): OperatorEvent[] {
  const [before, now] = [findCondition(previous, BOOSTED), findCondition(next, BOOSTED)];
  const [was, is] = [before?.status === 'True', now?.status === 'True'];
  if (was === is) return [];
  if (is) {
    const note = now?.message ?? '';
    return [{ type: 'Normal', reason: EVENT_REASONS.boostStarted, action: 'Observe', note }];
  }
  const note = now?.message ?? 'The boost was taken away: the usual limits hold.';
  return [{ type: 'Normal', reason: EVENT_REASONS.boostEnded, action: 'Observe', note }];
}
