import { beforeEach, describe, expect, test } from '@jest/globals';
import { untilSettled } from '../../../src/operator/once.ts';
import { createProgress, type Progress } from '../../../src/operator/progress.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

let clock: FakeClock;
let progress: Progress;
let atRest: boolean;
beforeEach(() => {
  clock = createFakeClock();
  progress = createProgress();
  atRest = true;
});

/** Starts to wait; `done` tells whether it has ended. */
function waiting(timeoutMs = 60_000) {
  const state = { done: false };
  const stop = new AbortController();
  const result = untilSettled({
    progress,
    clock,
    isAtRest: () => atRest,
    timeoutMs,
    signal: stop.signal,
  }).finally(() => {
    state.done = true;
  });
  return { state, result, stop };
}

const pass = (key: string, result: { blocked?: string } = {}) =>
  progress.track('classroom', key, async () => result);
const fail = (key: string) =>
  progress.track('classroom', key, () => Promise.reject(new Error('no answer'))).catch(() => {});

describe('--once ends', () => {
  test('as soon as the operator is at rest, however long that takes', async () => {
    atRest = false;
    const { state, result } = waiting();
    await clock.advance(30_000);
    expect(state.done).toBe(false);
    atRest = true;
    await clock.advance(100);
    expect(await result).toEqual({ settled: true, unsettled: [] });
  });

  test('with what only a person can change', async () => {
    await pass('room/a', { blocked: 'Service a is not ours' });
    const { result } = waiting();
    await clock.advance(1_100);
    expect(await result).toEqual({
      settled: true,
      unsettled: [{ controller: 'classroom', key: 'room/a', why: 'Service a is not ours', kind: 'blocked' }],
    });
  });

  test('later, when what failed succeeded at last', async () => {
    await fail('room/a');
    const { state, result } = waiting();
    await clock.advance(5_000);
    expect(state.done).toBe(false);
    await pass('room/a');
    await clock.advance(1_100);
    expect(await result).toEqual({ settled: true, unsettled: [] });
  });

  test('at its time limit, with what still fails', async () => {
    await fail('room/b');
    await pass('room/a', { blocked: 'why' });
    const { result } = waiting(10_000);
    await clock.advance(10_100);
    const { settled, unsettled } = await result;
    expect(settled).toBe(false);
    expect(unsettled.map(({ key, why, kind }) => `${key} ${kind}: ${why}`)).toEqual([
      'room/a blocked: why',
      'room/b failed: Error: no answer',
    ]);
  });

  test('at its time limit, also when there is always something to do', async () => {
    atRest = false;
    const { result } = waiting(10_000);
    await clock.advance(10_300);
    expect((await result).settled).toBe(false);
  });

  test('when it is told to', async () => {
    atRest = false;
    const { result, stop } = waiting();
    stop.abort();
    await clock.advance(0);
    expect(await result).toEqual({ settled: false, unsettled: [] });
  });
});
