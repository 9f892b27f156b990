import { beforeEach, describe, expect, test } from '@jest/globals';
import type { HealthCheck } from '../../../src/observability/health.ts';
import { type LeaderState, operatorChecks } from '../../../src/operator/checks.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

const MINUTE_MS = 60_000;

let clock: FakeClock;
let heardMs: number | undefined;
let leader: { state: LeaderState };
let checks: ReturnType<typeof operatorChecks>;

beforeEach(() => {
  clock = createFakeClock();
  heardMs = undefined;
  leader = { state: 'not needed' };
  const oldestSyncAgeMs = () =>
    heardMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - heardMs;
  checks = operatorChecks({ clock, oldestSyncAgeMs, leader });
});

/** `ok`, or what fails. */
const verdict = (list: readonly HealthCheck[]) =>
  list
    .map(({ name, check }) => ({ name, ...check() }))
    .filter(({ ok }) => !ok)
    .map(({ name, detail }) => `${name}: ${detail}`)
    .join() || 'ok';

describe('an operator', () => {
  test('that has not seen the cluster yet lives and is not ready', () => {
    expect(verdict(checks.live)).toBe('ok');
    expect(verdict(checks.ready)).toBe('watches: not complete yet');
  });

  test('that hears from all its watches is ready', async () => {
    heardMs = clock.monotonic();
    await clock.advance(MINUTE_MS);
    expect(verdict(checks.ready)).toBe('ok');
  });

  test('whose API server is silent for minutes is not ready, and is not restarted for it', async () => {
    heardMs = clock.monotonic();
    await clock.advance(4 * MINUTE_MS);
    expect(verdict(checks.ready)).toBe('watches: heard of 240 s ago');
    expect(verdict(checks.live)).toBe('ok');
  });

  test.each([
    ['has never heard anything', undefined],
    ['has heard nothing more', 0],
  ])('that %s for half an hour is restarted', async (_, heard) => {
    heardMs = heard;
    await clock.advance(31 * MINUTE_MS);
    expect(verdict(checks.live)).toBe('watches: silent for 1860 s');
  });

  test.each<[LeaderState, string]>([
    ['standing by', 'ok'],
    ['leading', 'ok'],
    ['lost', 'leadership: lost'],
  ])('%s: %s', (state, want) => {
    heardMs = clock.monotonic();
    leader.state = state;
    expect(verdict(checks.ready)).toBe(want);
    expect(verdict(checks.live)).toBe(want);
  });
});
