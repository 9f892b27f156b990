import { Temporal } from 'temporal-polyfill';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/**
 * A coming moment for people: on the clock of the class, and from now. Such as
 * `at 10:32:05 (Asia/Shanghai), in 12 s`, or `at 00:00 on 24 November (Asia/Shanghai), in 5 h 12 min`.
 *
 * @param nowMs epoch ms on the wall
 */
export function resetTime(nowMs: number, inMs: number, timeZone: string): string {
  const zoned = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  const at = zoned(Math.ceil((nowMs + inMs) / 1000) * 1000);
  const sameDay = at.toPlainDate().equals(zoned(Math.floor(nowMs)).toPlainDate());
  const time = at.toPlainTime().toString({ smallestUnit: at.second === 0 ? 'minute' : 'second' });
  const date = sameDay ? '' : ` on ${at.day} ${MONTHS[at.month - 1]}`;
  return `at ${time}${date} (${timeZone}), in ${waitText(inMs)}`;
}

function waitText(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.ceil(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
