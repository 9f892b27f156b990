import { describe, expect, test } from '@jest/globals';
import { demandLease } from '../../../../src/api/demand.ts';
import { createClockWarnings } from '../../../../src/classroom/scaling/clock-warnings.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import type { Lease } from '../../../../src/kube/resources.ts';
import { classroom } from '../../../support/builders.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');
const KEY = 'python-101/python-101';
const CLASSROOM = { namespace: 'python-101', name: 'python-101', uid: 'uid-1' };

/** What gateway `gateway-0` said at a moment of its clock. */
function saidAt(lastAskedMs: number, replica = '0a1b2c3d'): Lease {
  const demand = { lastAskedMs, inFlight: 0, queued: 1, trustedSeconds: 60 };
  return demandLease(CLASSROOM, replica, 'gateway-0', demand);
}

function watched() {
  const logged: object[] = [];
  const events: string[] = [];
  const warnings = createClockWarnings({
    log: { ...silentLogger, warn: (fields) => logged.push(fields) },
    events: { record: (_, { type, reason, note }) => events.push(`${type} ${reason}: ${note}`) },
  });
  const look = (leases: readonly Lease[], nowMs = NOW_MS) => warnings.tell(KEY, classroom(), leases, nowMs);
  return { logged, events, look, warnings };
}

describe('a gateway whose clock is ahead by more than a minute', () => {
  test('is named in the log and in an event of the class, with by how much', () => {
    const { logged, events, look } = watched();
    look([saidAt(NOW_MS + 300_000)]);
    const lease = 'python-101/python-101-demand-0a1b2c3d';
    expect(logged).toEqual([{ classroom: KEY, lease, gateway: 'gateway-0', aheadSeconds: 300 }]);
    expect(events).toEqual([
      expect.stringMatching(/^Warning GatewayClockAhead: The clock of gateway gateway-0 is 300 s ahead /),
    ]);
  });

  test('is told of once, however often it is looked at, asks again, or time catches up with it', () => {
    const { events, look } = watched();
    look([saidAt(NOW_MS + 300_000)]);
    look([saidAt(NOW_MS + 301_000)], NOW_MS + 1_000);
    look([saidAt(NOW_MS + 301_000)], NOW_MS + 400_000);
    look([saidAt(NOW_MS + 900_000)], NOW_MS + 600_000);
    expect(events).toHaveLength(1);
  });

  test.each([
    ['another gateway', () => {}, [saidAt(NOW_MS + 90_000), saidAt(NOW_MS + 90_000, 'b')]],
    ['a Lease that was made anew', (look: (leases: Lease[]) => void) => look([]), [saidAt(NOW_MS + 90_000)]],
  ])('is told of once more: %s', (_, between, leases) => {
    const { events, look } = watched();
    look([saidAt(NOW_MS + 90_000)]);
    between(look);
    look(leases);
    expect(events).toHaveLength(2);
  });

  test('is forgotten with its class', () => {
    const { events, look, warnings } = watched();
    look([saidAt(NOW_MS + 90_000)]);
    warnings.forget(KEY);
    look([saidAt(NOW_MS + 90_000)]);
    expect(events).toHaveLength(2);
  });
});

test.each([
  ['a clock that is right', saidAt(NOW_MS)],
  ['a minute, which two machines may differ', saidAt(NOW_MS + 60_000)],
  ['a gateway that was asked long ago', saidAt(NOW_MS - 3_600_000)],
  ['a Lease that cannot be read', { ...saidAt(NOW_MS + 300_000), spec: {} }],
])('nothing is told of %s', (_, lease) => {
  const { logged, events, look } = watched();
  look([lease]);
  expect([logged, events]).toEqual([[], []]);
});
