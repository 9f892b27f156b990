import type { Classroom } from '../../api/classroom.ts';
import { EVENT_REASONS } from '../../api/event-reasons.ts';
import { keyOf } from '../../kube/object.ts';
import type { Lease } from '../../kube/resources.ts';
import type { ClassroomDependencies } from '../dependencies.ts';
import { clockAheadMs } from './demand.ts';

/** Tells of gateways whose demand is not believed because of their clocks. */
export interface ClockWarnings {
  /** Once for each Lease, for as long as it is there. @param key of the class */
  tell(key: string, classroom: Classroom, leases: readonly Lease[], nowMs: number): void;
  /** Of a class that is gone. */
  forget(key: string): void;
}

/**
 * In the log, for whoever runs the cluster, and as an event of the class, for whoever wonders why it does not wake. In
 * memory only: an operator that begins anew says it once more.
 */
export function createClockWarnings({
  events,
  log,
}: Pick<ClassroomDependencies, 'events' | 'log'>): ClockWarnings {
  /** Of each class the Leases of which was told. */
  const told = new Map<string, ReadonlySet<string>>();

  return {
    tell(key, classroom, leases, nowMs) {
      const before = told.get(key);
      const now = new Set<string>();
      for (const lease of leases) {
        const id = lease.metadata.uid ?? lease.metadata.name;
        const aheadMs = clockAheadMs(lease, nowMs);
        // Time alone makes an old Lease credible: the next one that this gateway writes is as wrong as that was.
        const wasTold = before?.has(id) === true;
        if (wasTold || aheadMs !== undefined) now.add(id);
        if (wasTold || aheadMs === undefined) continue;
        const gateway = lease.spec?.holderIdentity ?? lease.metadata.name;
        const aheadSeconds = Math.round(aheadMs / 1000);
        log.warn(
          { classroom: key, lease: keyOf(lease.metadata), gateway, aheadSeconds },
          'The clock of a gateway is ahead: what it says of requests is not believed',
        );
        const note = `The clock of gateway ${gateway} is ${aheadSeconds} s ahead of the operator's. What it says of requests is not believed, so it cannot wake this class, and its requests keep no engine. Set the clocks of both nodes right, by NTP.`;
        events.record(classroom, {
          type: 'Warning',
          reason: EVENT_REASONS.gatewayClockAhead,
          action: 'Observe',
          note,
        });
      }
      if (now.size === 0) told.delete(key);
      else told.set(key, now);
    },
    forget(key) {
      told.delete(key);
    },
  };
}
