import { type Clock, sleepOn, type Timer } from '../../../src/kube/clock.ts';

/** The system's clock, ahead by as much as a test wants: as on a machine that was suspended for that long. */
export interface MovableClock extends Clock {
  /** By how much it is ahead (ms). */
  readonly aheadMs: number;
  /**
   * Moves wall clock and monotonic clock to be ahead by this much; never back. Timers that have fallen due by then are
   * called in the order of their times, each once, and what they set off at once runs before the next one is called.
   */
  moveTo(aheadMs: number): Promise<void>;
}

interface Pending {
  readonly fn: () => void;
  /** On the moved monotonic clock. */
  readonly dueMs: number;
  timer: Timer;
}

/** @param system what time really is */
export function createMovableClock(system: Clock, aheadMs: number): MovableClock {
  let ahead = aheadMs;
  const pending = new Set<Pending>();
  const monotonic = (): number => system.monotonic() + ahead;

  const fire = (entry: Pending): void => {
    if (!pending.delete(entry)) return;
    entry.timer.cancel();
    entry.fn();
  };
  const arm = (entry: Pending): void => {
    entry.timer = system.setTimeout(() => fire(entry), Math.max(0, entry.dueMs - monotonic()));
  };
  const setTimer = (fn: () => void, ms: number): Timer => {
    const entry: Pending = { fn, dueMs: monotonic() + Math.max(0, ms), timer: { cancel() {} } };
    pending.add(entry);
    arm(entry);
    return {
      cancel() {
        pending.delete(entry);
        entry.timer.cancel();
      },
    };
  };

  return {
    now: () => system.now() + ahead,
    monotonic,
    setTimeout: setTimer,
    sleep: sleepOn(setTimer),
    get aheadMs() {
      return ahead;
    },
    async moveTo(newAheadMs) {
      if (newAheadMs < ahead) throw new RangeError('time does not go back');
      ahead = newAheadMs;
      const nowMs = monotonic();
      const waiting = [...pending].toSorted((a, b) => a.dueMs - b.dueMs);
      for (const entry of waiting) {
        if (!pending.has(entry)) continue;
        if (entry.dueMs <= nowMs) {
          fire(entry);
          await Promise.resolve();
        } else {
          entry.timer.cancel();
          arm(entry);
        }
      }
    },
  };
}
