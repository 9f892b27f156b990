import { describe, expect, test } from '@jest/globals';
import { demandLease } from '../../../../src/api/demand.ts';
import { demandOf, leftLeases } from '../../../../src/classroom/scaling/demand.ts';
import type { Lease } from '../../../../src/kube/resources.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');
const CLASSROOM = { namespace: 'python-101', name: 'python-101', uid: 'uid-1' };
const DAY_MS = 24 * 60 * 60_000;

interface Said {
  replica?: string;
  agoMs?: number;
  inFlight?: number;
  queued?: number;
}

/** A gateway's Lease, written just now and trusted for a minute; a case states only what differs. */
function lease({ replica = '0a1b2c3d', agoMs = 0, inFlight = 0, queued = 0 }: Said = {}): Lease {
  const lastAskedMs = NOW_MS - agoMs;
  return demandLease(CLASSROOM, replica, 'gateway-0', { lastAskedMs, inFlight, queued, trustedSeconds: 60 });
}

const NOBODY = { inFlight: 0, queued: 0, lastAskedMs: undefined, trustedUntilMs: undefined };

describe('what gateways say of a class', () => {
  test('is nothing where there is no gateway', () => {
    expect(demandOf([], NOW_MS)).toEqual(NOBODY);
  });

  test('is summed up, and holds until the first of them is too old', () => {
    const leases = [lease({ inFlight: 3, queued: 1 }), lease({ replica: 'b', agoMs: 20_000, inFlight: 2 })];
    expect(demandOf(leases, NOW_MS)).toEqual({
      inFlight: 5,
      queued: 1,
      lastAskedMs: NOW_MS,
      trustedUntilMs: NOW_MS + 40_000,
    });
  });

  test('of a gateway that died, counts are forgotten and the last request is not', () => {
    expect(demandOf([lease({ agoMs: 60_000, inFlight: 3, queued: 9 })], NOW_MS)).toEqual({
      ...NOBODY,
      lastAskedMs: NOW_MS - 60_000,
    });
  });

  test('of a clock that is somewhat ahead, counts as now', () => {
    expect(demandOf([lease({ agoMs: -5_000, queued: 1 })], NOW_MS)).toMatchObject({
      queued: 1,
      lastAskedMs: NOW_MS,
    });
  });

  test('is not believed from far ahead: it would keep a GPU for as long', () => {
    expect(demandOf([lease({ agoMs: -DAY_MS, queued: 1 })], NOW_MS)).toEqual(NOBODY);
  });

  test.each([
    ['counts that are none', (own: Lease) => ({ ...own, metadata: { ...own.metadata, annotations: {} } })],
    ['no time', (own: Lease) => ({ ...own, spec: { leaseDurationSeconds: 60 } })],
  ])('is nothing where it has %s', (_, spoilt) => {
    expect(demandOf([spoilt(lease({ queued: 1 }))], NOW_MS)).toEqual(NOBODY);
  });
});

describe('a Lease that nobody renews', () => {
  test('is left alone for a day, and looked at then', () => {
    const young = lease({ agoMs: DAY_MS - 1 });
    expect(leftLeases([young], NOW_MS)).toEqual({ left: [], lookAtMs: NOW_MS + 1 });
  });

  test('is one to be removed after a day', () => {
    const old = lease({ agoMs: DAY_MS });
    expect(leftLeases([old, lease()], NOW_MS)).toEqual({ left: [old], lookAtMs: NOW_MS + DAY_MS });
  });

  test('counts from when it was made where it cannot be read', () => {
    const unreadable = (creationTimestamp: string): Lease => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'x', creationTimestamp },
    });
    expect(leftLeases([unreadable('2026-09-01T08:00:00Z')], NOW_MS).left).toEqual([]);
    expect(leftLeases([unreadable('2026-08-31T08:00:00Z')], NOW_MS).left).toHaveLength(1);
  });
});
