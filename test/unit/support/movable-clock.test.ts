import { describe, expect, test } from '@jest/globals';
import { createMovableClock } from '../../support/course-clock/movable-clock.ts';
import { createFakeClock, settle } from '../../support/fake-clock.ts';

const MINUTE_MS = 60_000;

function clockWithTimers(...minutes: readonly number[]) {
  const system = createFakeClock();
  const clock = createMovableClock(system, 0);
  const fired: number[] = [];
  const timers = minutes.map((minute) => clock.setTimeout(() => fired.push(minute), minute * MINUTE_MS));
  return { system, clock, timers, fired };
}

describe('a clock that a test moves', () => {
  test('at a jump calls what has fallen due, in the order of its times, and nothing else', async () => {
    const { clock, fired } = clockWithTimers(30, 10, 60, 20);
    await clock.moveTo(30 * MINUTE_MS);
    expect(fired).toEqual([10, 20, 30]);
  });

  test('calls each once, however often it is moved and however long the system waits', async () => {
    const { system, clock, fired } = clockWithTimers(10, 20);
    await clock.moveTo(15 * MINUTE_MS);
    await clock.moveTo(40 * MINUTE_MS);
    await system.advance(60 * MINUTE_MS);
    expect(fired).toEqual([10, 20]);
  });

  test('shortens by the jump what is still to wait', async () => {
    const { system, clock, fired } = clockWithTimers(60);
    await clock.moveTo(50 * MINUTE_MS);
    await system.advance(10 * MINUTE_MS - 1);
    expect(fired).toEqual([]);
    await system.advance(1);
    expect(fired).toEqual([60]);
  });

  test('counts a timer that is set in a jump from its end', async () => {
    const { system, clock, fired } = clockWithTimers();
    clock.setTimeout(() => clock.setTimeout(() => fired.push(5), 5 * MINUTE_MS), MINUTE_MS);
    await clock.moveTo(60 * MINUTE_MS);
    await system.advance(5 * MINUTE_MS - 1);
    expect(fired).toEqual([]);
    await system.advance(1);
    expect(fired).toEqual([5]);
  });

  test('lets what a timer sets off at once run before the next timer', async () => {
    const { clock } = clockWithTimers();
    const seen: string[] = [];
    void clock.sleep(MINUTE_MS).then(() => seen.push('after the first'));
    clock.setTimeout(() => seen.push('the second'), 2 * MINUTE_MS);
    await clock.moveTo(60 * MINUTE_MS);
    expect(seen).toEqual(['after the first', 'the second']);
  });

  test('never calls a timer that was cancelled, be it by one that fires in the same jump', async () => {
    const { system, clock, timers, fired } = clockWithTimers(10, 30, 90);
    timers[0]?.cancel();
    clock.setTimeout(() => timers[1]?.cancel(), 20 * MINUTE_MS);
    await clock.moveTo(60 * MINUTE_MS);
    timers[2]?.cancel();
    await clock.moveTo(120 * MINUTE_MS);
    await system.advance(120 * MINUTE_MS);
    expect(fired).toEqual([]);
  });

  test('moves wall clock and monotonic clock alike, with the system and by the jump', async () => {
    const { system, clock } = clockWithTimers();
    const [wallMs, monotonicMs] = [clock.now(), clock.monotonic()];
    await system.advance(MINUTE_MS);
    await clock.moveTo(10 * MINUTE_MS);
    expect(clock.aheadMs).toBe(10 * MINUTE_MS);
    expect(clock.now() - wallMs).toBe(11 * MINUTE_MS);
    expect(clock.monotonic() - monotonicMs).toBe(11 * MINUTE_MS);
  });

  test('never goes back', async () => {
    const { clock, fired } = clockWithTimers(90);
    await clock.moveTo(60 * MINUTE_MS);
    await expect(clock.moveTo(60 * MINUTE_MS - 1)).rejects.toThrow(RangeError);
    expect(clock.aheadMs).toBe(60 * MINUTE_MS);
    await settle();
    expect(fired).toEqual([]);
  });
});
