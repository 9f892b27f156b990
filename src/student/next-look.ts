import type { KeyStatus } from '../api/student-quota.ts';
import { boostEndMs } from '../boost/condition.ts';
import { earliestAfter } from '../classroom/earliest.ts';
import type { Obstacle, ReportedSeat } from './status.ts';

/** How often to look whether a Secret that we cannot watch, being somebody else's, is gone. */
export const STRANGER_POLL_MS = 60_000;

/**
 * When a seat changes though nobody writes anything: an overlap ends, the seat ends, a boost of it or of its class ends, a
 * stranger's Secret may be gone.
 *
 * @returns ms from now; undefined: never
 */
export function nextLookMs(
  { quota: { spec }, classroom }: ReportedSeat,
  keys: readonly KeyStatus[],
  obstacle: Obstacle | undefined,
  nowMs: number,
): number | undefined {
  const instants = [spec.expiresAt, ...keys.map((key) => key.expiresTime)];
  const isPolled = obstacle?.kind === 'NameConflict' || obstacle?.kind === 'PredecessorSecret';
  const nextMs = earliestAfter(nowMs, [
    ...instants.map((instant) => (instant === undefined ? undefined : Date.parse(instant))),
    boostEndMs(spec.boost, nowMs),
    boostEndMs(classroom?.spec.boost, nowMs),
    isPolled ? nowMs + STRANGER_POLL_MS : undefined,
  ]);
  return nextMs === undefined ? undefined : nextMs - nowMs;
}
