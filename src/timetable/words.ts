import { Temporal } from 'temporal-polyfill';
import { WEEKDAYS } from '../api/schedule.ts';
import type { Opening } from './opening.ts';
import type { Session } from './session.ts';

/** RFC 3339 with the offset of the zone: a point in time, and the local time as well. @param ms epoch ms */
export function localInstant(ms: number, timeZone: string): string {
  return zoned(ms, timeZone).toString({ timeZoneName: 'never', smallestUnit: 'second' });
}

/** Such as `Mon 2026-11-23 09:00`. @param ms epoch ms */
export function localMinute(ms: number, timeZone: string): string {
  const at = zoned(ms, timeZone);
  const time = at.toPlainTime().toString({ smallestUnit: 'minute' });
  return `${WEEKDAYS[at.dayOfWeek - 1]} ${at.toPlainDate()} ${time}`;
}

/** Such as `Mon 2026-11-23 09:00 (Europe/Berlin)`. @param ms epoch ms */
export function minuteInZone(ms: number, timeZone: string): string {
  return `${localMinute(ms, timeZone)} (${timeZone})`;
}

/** Such as `Mon 2026-11-23 09:00 to 12:00 (Europe/Berlin)`, with the second date where it is another one. */
export function sessionText({ startMs, endMs }: Session, timeZone: string): string {
  const [start, end] = [localMinute(startMs, timeZone), localMinute(endMs, timeZone)];
  const isOneDay = start.slice(0, -TIME_LENGTH) === end.slice(0, -TIME_LENGTH);
  return `${start} to ${isOneDay ? end.slice(-TIME_LENGTH) : end} (${timeZone})`;
}

const TIME_LENGTH = '09:00'.length;

/** Such as `closes Mon 2026-11-23 12:00`, in the class's local time; undefined where time alone changes nothing. */
export function nextChangeText({ isOpen, nextChangeMs, timeZone }: Opening): string | undefined {
  if (nextChangeMs === undefined) return undefined;
  return `${isOpen ? 'closes' : 'opens'} ${localMinute(nextChangeMs, timeZone)}`;
}

function zoned(ms: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(timeZone);
}
