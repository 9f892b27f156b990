import type { Clock } from '../kube/clock.ts';
import type { HealthCheck, HealthServerOptions } from '../observability/health.ts';

export type LeaderState = 'not needed' | 'standing by' | 'leading' | 'lost';

/** Three bookmarks, which come each minute, were missed. */
const STALE_AFTER_MS = 180_000;
/** A watch that hears nothing for this long will not by itself. */
const STUCK_AFTER_MS = 30 * 60_000;

export interface CheckedOperator {
  clock: Clock;
  /** Infinity before the first lists. */
  oldestSyncAgeMs(): number;
  leader: { readonly state: LeaderState };
}

/**
 * When the operator is ready, and when it has to be restarted. A standby with fresh caches is ready: it takes over at
 * once. An API server that does not answer makes the operator unready; restarting it would not help, so only half an
 * hour of silence does that.
 */
export function operatorChecks(operator: CheckedOperator): Pick<HealthServerOptions, 'live' | 'ready'> {
  const { clock, oldestSyncAgeMs, leader } = operator;
  const startedMs = clock.monotonic();
  const leadership: HealthCheck = {
    name: 'leadership',
    check: () => ({ ok: leader.state !== 'lost', detail: leader.state }),
  };
  const heard: HealthCheck = {
    name: 'watches',
    check() {
      const ageMs = Math.min(oldestSyncAgeMs(), clock.monotonic() - startedMs);
      return { ok: ageMs <= STUCK_AFTER_MS, detail: `silent for ${seconds(ageMs)}` };
    },
  };
  const fresh: HealthCheck = {
    name: 'watches',
    check() {
      const ageMs = oldestSyncAgeMs();
      const detail = Number.isFinite(ageMs) ? `heard of ${seconds(ageMs)} ago` : 'not complete yet';
      return { ok: ageMs <= STALE_AFTER_MS, detail };
    },
  };
  return { live: [heard, leadership], ready: [fresh, leadership] };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
