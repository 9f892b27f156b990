import { type Clock, sleepOn, type Timer } from '../../src/kube/clock.ts';

interface Pending {
  atMs: number;
  order: number;
  fn: () => void;
}

/** A clock that stands still until a test advances it. */
export interface FakeClock extends Clock {
  /**
   * Moves time forward by `ms`, firing every timer that falls due on the way in order of its time, and lets what
   * they set off run before the next one fires.
   */
  advance(ms: number): Promise<void>;
  /** Moves only the wall clock, as a clock correction does. */
  jump(ms: number): void;
  /** How many timers wait. */
  readonly pending: number;
  /** Ms until the next timer fires, or undefined when none waits. */
  readonly nextInMs: number | undefined;
}

/** Lets promise chains and I/O callbacks that are already due run. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** @param startMs epoch ms shown at the start */
export function createFakeClock(startMs = Date.parse('2026-09-01T09:00:00Z')): FakeClock {
  const pending = new Set<Pending>();
  let elapsedMs = 0;
  let wallOffsetMs = startMs;
  let order = 0;

  const setTimer = (fn: () => void, ms: number): Timer => {
    const entry = { atMs: elapsedMs + Math.max(0, ms), order: order++, fn };
    pending.add(entry);
    return { cancel: () => void pending.delete(entry) };
  };
  const next = (): Pending | undefined =>
    [...pending].sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];

  return {
    now: () => wallOffsetMs + elapsedMs,
    monotonic: () => elapsedMs,
    setTimeout: setTimer,
    sleep: sleepOn(setTimer),
    async advance(ms) {
      const endMs = elapsedMs + ms;
      await settle();
      for (let due = next(); due !== undefined && due.atMs <= endMs; due = next()) {
        pending.delete(due);
        elapsedMs = Math.max(elapsedMs, due.atMs);
        due.fn();
        await settle();
      }
      elapsedMs = endMs;
      await settle();
    },
    jump(ms) {
      wallOffsetMs += ms;
    },
    get pending() {
      return pending.size;
    },
    get nextInMs() {
      const due = next();
      return due === undefined ? undefined : due.atMs - elapsedMs;
    },
  };
}
