import { Temporal } from 'temporal-polyfill';
import { instant } from '../api/bounds.ts';

/** A moment as people write it. */
export type WrittenMoment =
  /** `18:30`: the next time that the clock on the wall shows it. */
  | { readonly kind: 'Time'; readonly time: Temporal.PlainTime }
  /** `2026-11-23T18:30`: of the clock on the wall. */
  | { readonly kind: 'LocalTime'; readonly at: Temporal.PlainDateTime }
  /** `2026-11-23T18:30:00+01:00`: the same everywhere. */
  | { readonly kind: 'Instant'; readonly ms: number };

const TIME = /^\d{1,2}:\d{2}$/;
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?$/;
const instantSchema = instant();

/** Reads a moment; undefined where it is none, such as `25:00` or 30 February. */
export function readMoment(text: string): WrittenMoment | undefined {
  try {
    if (TIME.test(text)) return { kind: 'Time', time: Temporal.PlainTime.from(text.padStart(5, '0')) };
    if (LOCAL_TIME.test(text)) return { kind: 'LocalTime', at: Temporal.PlainDateTime.from(text) };
    if (!instantSchema.safeParse(text).success) return undefined;
    return { kind: 'Instant', ms: Temporal.Instant.from(text).epochMilliseconds };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A time on the day after, as people write it: `2026-11-24T18:30`. @param nowMs epoch ms */
export function tomorrowAt(time: Temporal.PlainTime, nowMs: number, timeZone: string): string {
  return dayAt(nowMs, timeZone).add({ days: 1 }).toPlainDateTime(time).toString({ smallestUnit: 'minute' });
}

/** Shortly before midnight people mean the next day by 00:30; at noon they do not mean the next day by 11:30. */
const LONGEST_OVER_MIDNIGHT_MS = 12 * 60 * 60 * 1000;

/**
 * Epoch ms of a moment that is to come. Times that clocks leave out or show twice are as in the timetable.
 *
 * @param nowMs epoch ms
 * @returns undefined where the moment has passed
 */
export function comingMs(moment: WrittenMoment, nowMs: number, timeZone: string): number | undefined {
  const ms = momentMs(moment, nowMs, timeZone);
  return ms > nowMs ? ms : undefined;
}

function momentMs(moment: WrittenMoment, nowMs: number, timeZone: string): number {
  switch (moment.kind) {
    case 'Instant':
      return moment.ms;
    case 'LocalTime':
      return moment.at.toZonedDateTime(timeZone).epochMilliseconds;
    case 'Time':
      return nextMs(moment.time, nowMs, timeZone);
  }
}

/** Of today; soon after midnight, where today's has passed. */
function nextMs(time: Temporal.PlainTime, nowMs: number, timeZone: string): number {
  const today = dayAt(nowMs, timeZone);
  const onDay = (days: number): number =>
    today.add({ days }).toZonedDateTime({ timeZone, plainTime: time }).epochMilliseconds;
  const [todayMs, tomorrowMs] = [onDay(0), onDay(1)];
  return todayMs <= nowMs && tomorrowMs - nowMs <= LONGEST_OVER_MIDNIGHT_MS ? tomorrowMs : todayMs;
}

function dayAt(nowMs: number, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs)).toZonedDateTimeISO(timeZone).toPlainDate();
}
