import { Temporal } from 'temporal-polyfill';

/** One local date, and the moments in which it is that date. */
export interface LocalDay {
  /** Such as 2026-11-23. */
  readonly day: string;
  /** The date that follows; not always the next number: a zone can skip a date. */
  readonly nextDay: string;
  /** Epoch ms: the first moment of `day`, and the first of `nextDay`. */
  readonly startsMs: number;
  readonly endsMs: number;
}

/** The date in a time zone, whatever the zone does to its clocks on that day. @param nowMs epoch ms */
export function localDayOf(timeZone: string, nowMs: number): LocalDay {
  const now = Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs)).toZonedDateTimeISO(timeZone);
  const start = now.startOfDay();
  // The first moment of the next date, which is not 00:00 where the clocks go forward at midnight.
  const next = start.add({ days: 1 }).startOfDay();
  return {
    day: start.toPlainDate().toString(),
    nextDay: next.toPlainDate().toString(),
    startsMs: start.epochMilliseconds,
    endsMs: next.epochMilliseconds,
  };
}

/** {@link localDayOf} that remembers the current day of each zone: a request must not cost a calendar. */
export function createLocalDays(): (timeZone: string, nowMs: number) => LocalDay {
  const known = new Map<string, LocalDay>();
  return (timeZone, nowMs) => {
    const last = known.get(timeZone);
    if (last !== undefined && last.startsMs <= nowMs && nowMs < last.endsMs) return last;
    const day = localDayOf(timeZone, nowMs);
    known.set(timeZone, day);
    return day;
  };
}
