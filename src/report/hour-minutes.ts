/**
 * Minutes of an hour as a set: two numbers of 30 bits, because a JavaScript number has no 60 bits of its own, and
 * neither has Lua's. Sets are joined by a bitwise or, so to say the same again, from wherever, changes nothing.
 */
export interface MinuteBits {
  /** Bit 0 is minute 0, bit 29 minute 29. */
  readonly early: number;
  /** Bit 0 is minute 30, bit 29 minute 59. */
  readonly late: number;
}

/** Minutes of one UTC hour. */
export interface HourMinutes extends MinuteBits {
  /** Hours since the epoch. */
  readonly hour: number;
}

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
const HALF_MINUTES = 30;

/**
 * Every minute that a span of time touches, its first and its last included, hour by hour.
 *
 * @param fromMs epoch ms
 * @param toMs epoch ms; before `fromMs`, as when a clock was set back, only the minute of `fromMs` counts
 */
export function minutesBetween(fromMs: number, toMs: number): HourMinutes[] {
  const first = Math.floor(fromMs / MINUTE_MS);
  const last = Math.max(first, Math.floor(toMs / MINUTE_MS));
  const hours: HourMinutes[] = [];
  for (let hour = Math.floor(first / HOUR_MINUTES); hour * HOUR_MINUTES <= last; hour++) {
    const start = hour * HOUR_MINUTES;
    const from = Math.max(first - start, 0);
    const to = Math.min(last - start, HOUR_MINUTES - 1);
    hours.push({ hour, early: bits(from, to), late: bits(from - HALF_MINUTES, to - HALF_MINUTES) });
  }
  return hours;
}

/** Bits `from` to `to` of 30, cut to those that there are. */
function bits(from: number, to: number): number {
  const low = Math.max(from, 0);
  const high = Math.min(to, HALF_MINUTES - 1);
  if (high < low) return 0;
  return (2 ** (high - low + 1) - 1) * 2 ** low;
}

/** Minutes that are in one set or the other; of the hour of the first, if that is of one. */
export function union<Minutes extends MinuteBits>(a: Minutes, b: MinuteBits): Minutes {
  return { ...a, early: a.early | b.early, late: a.late | b.late };
}

/** Minutes that are in both sets. */
export function intersection<Minutes extends MinuteBits>(a: Minutes, b: MinuteBits): Minutes {
  return { ...a, early: a.early & b.early, late: a.late & b.late };
}

/** Minutes that are in the first set only. */
export function difference<Minutes extends MinuteBits>(a: Minutes, b: MinuteBits): Minutes {
  return { ...a, early: a.early & ~b.early, late: a.late & ~b.late };
}

/** How many minutes are in a set. */
export function countMinutes({ early, late }: MinuteBits): number {
  return countBits(early) + countBits(late);
}

function countBits(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** Minutes of any number of hours, put together from sets that may say the same twice. */
export class MinuteSet {
  readonly #hours = new Map<number, { early: number; late: number }>();

  add({ hour, early, late }: HourMinutes): void {
    const known = this.#hours.get(hour);
    if (known === undefined) this.#hours.set(hour, { early, late });
    else {
      known.early |= early;
      known.late |= late;
    }
  }

  /** Whether any of these minutes is in the set. */
  touches(minutes: readonly HourMinutes[]): boolean {
    return minutes.some(({ hour, early, late }) => {
      const known = this.#hours.get(hour);
      return known !== undefined && ((known.early & early) | (known.late & late)) !== 0;
    });
  }

  get count(): number {
    let count = 0;
    for (const minutes of this.#hours.values()) count += countMinutes(minutes);
    return count;
  }

  /** By hour, the earliest first. */
  toArray(): HourMinutes[] {
    return [...this.#hours].map(([hour, minutes]) => ({ hour, ...minutes })).sort((a, b) => a.hour - b.hour);
  }
}
