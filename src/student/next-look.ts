import type { KeyStatus, StudentQuotaSpec } from '../api/student-quota.ts';
import type { Obstacle } from './status.ts';

/** How often to look whether a Secret that we cannot watch, being somebody else's, is gone. */
export const STRANGER_POLL_MS = 60_000;

/**
 * When a seat changes though nobody writes anything: an overlap ends, the seat ends, a stranger's Secret may be gone.
 *
 * @returns ms from now; undefined: never
 */
export function nextLookMs(
  spec: Pick<StudentQuotaSpec, 'expiresAt'>,
  keys: readonly KeyStatus[],
  obstacle: Obstacle | undefined,
  nowMs: number,
): number | undefined {
  const instants = [spec.expiresAt, ...keys.map((key) => key.expiresTime)]
    .flatMap((instant) => (instant === undefined ? [] : [Date.parse(instant)]))
    .filter((atMs) => atMs > nowMs);
  if (obstacle?.kind === 'NameConflict' || obstacle?.kind === 'PredecessorSecret') {
    instants.push(nowMs + STRANGER_POLL_MS);
  }
  return instants.length === 0 ? undefined : Math.min(...instants) - nowMs;
}
