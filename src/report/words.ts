import { Temporal } from 'temporal-polyfill';
import type { PeriodFigures, Report } from './report.ts';

const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const hundredths = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** `1,234`. */
export function countText(count: number): string {
  return counts.format(count);
}

/** Hours as `1.25`; `–` where they cannot be told. */
export function hoursText(hours: number | null | undefined): string {
  return hours === null || hours === undefined ? '–' : hundredths.format(hours);
}

/** Minutes as `1:05`. */
export function minutesText(minutes: number): string {
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
}

/** Ms as `1.25 s`; `–` where there is nothing. */
export function secondsText(ms: number | null): string {
  return ms === null ? '–' : `${hundredths.format(ms / 1000)} s`;
}

/** `Tue 2026-09-01`, `Tue 2026-09-01 09:00` or `Tue 2026-09-01, outside of sessions`, in the class's local time. */
export function periodText(
  { day, session }: Pick<PeriodFigures, 'day' | 'session'>,
  { by, timeZone }: Pick<Report, 'by' | 'timeZone'>,
): string {
  if (session !== null) {
    const start = Temporal.Instant.from(session).toZonedDateTimeISO(timeZone);
    return `${dayText(start.toPlainDate().toString())} ${start.toPlainTime().toString({ smallestUnit: 'minute' })}`;
  }
  if (day === null) return 'Whole course';
  return by === 'session' ? `${dayText(day)}, outside of sessions` : dayText(day);
}

function dayText(day: string): string {
  const weekday = Temporal.PlainDate.from(day).toLocaleString('en-US', { weekday: 'short' });
  return `${weekday} ${day}`;
}

/** `2026-09-01 to 2026-09-30 (Europe/Berlin)`. */
export function spanText({ from, to, timeZone }: Pick<Report, 'from' | 'to' | 'timeZone'>): string {
  return `${from ?? to} to ${to} (${timeZone})`;
}
