import { describe, expect, test } from '@jest/globals';
import { createBackoff } from '../../../src/kube/backoff.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { microTime } from '../../../src/kube/micro-time.ts';
import { createTokenBucket } from '../../../src/kube/token-bucket.ts';
import { createFakeClock, settle } from '../../support/fake-clock.ts';

describe('the system clock', () => {
  test("waits for months, although Node's timers fire at once beyond 24.8 days", async () => {
    let fired = false;
    const timer = systemClock.setTimeout(() => {
      fired = true;
    }, 90 * 86_400_000);
    await systemClock.sleep(5);
    timer.cancel();

    expect(fired).toBe(false);
  });

  test('sleep ends with the signal, before or during it', async () => {
    const abort = new AbortController();
    const sleeping = systemClock.sleep(1_000_000, abort.signal);
    abort.abort(new Error('enough'));

    await expect(sleeping).rejects.toThrow('enough');
    await expect(systemClock.sleep(1_000_000, abort.signal)).rejects.toThrow('enough');
  });
});

describe('the fake clock', () => {
  test('fires timers in order of their time, also those that others set', async () => {
    const clock = createFakeClock();
    const fired: string[] = [];
    clock.setTimeout(() => fired.push('third'), 30);
    clock.setTimeout(() => {
      fired.push('first');
      clock.setTimeout(() => fired.push('second'), 10);
    }, 10);
    clock.setTimeout(() => fired.push('never'), 15).cancel();
    await clock.advance(29);
    expect(fired).toEqual(['first', 'second']);
    await clock.advance(1);
    expect(fired).toEqual(['first', 'second', 'third']);
  });

  test('jumps the wall clock alone', async () => {
    const clock = createFakeClock(1_000);
    clock.jump(500);
    await settle();

    expect([clock.now(), clock.monotonic()]).toEqual([1_500, 0]);
  });
});

test('a back-off doubles, is spread over its double, and never exceeds its bound', () => {
  const backoff = createBackoff({ firstMs: 100, maxMs: 1_000, random: () => 0.5 });
  const delays = Array.from({ length: 5 }, () => backoff.next());
  expect(delays).toEqual([150, 300, 600, 1_000, 1_000]);
  expect(backoff.failures).toBe(5);
  backoff.reset();
  expect(backoff.next()).toBe(150);
});

test('a token bucket gives its burst, then its rate, and gathers no more than its burst', async () => {
  const clock = createFakeClock();
  const bucket = createTokenBucket({ clock, ratePerSecond: 2, burst: 3 });
  expect([bucket.reserve(), bucket.reserve(), bucket.reserve(), bucket.reserve()]).toEqual([0, 0, 0, 500]);
  expect(bucket.tryTake()).toBe(false);
  await clock.advance(3_600_000);
  expect(Array.from({ length: 4 }, () => bucket.tryTake())).toEqual([true, true, true, false]);
});

test('a MicroTime has six digits', () => {
  expect(microTime(Date.parse('2026-09-01T09:00:00.120Z'))).toBe('2026-09-01T09:00:00.120000Z');
});
