import { Temporal } from 'temporal-polyfill';
import type { PeriodFigures, Report } from './report.ts';

const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const hundredths = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const NO_BREAK_SPACE = '\u00a0';

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
  return ms === null ? '–' : `${hundredths.format(ms / 1000)}${NO_BREAK_SPACE}s`;
}

/** `Tue 2026-09-01`, `Tue 2026-09-01 09:00` or `Tue 2026-09-01, outside of sessions`, in the class's local time. */
export function periodText(
  { day, session }: Pick<PeriodFigures, 'day' | 'session'>,
  { by, timeZone }: Pick<Report, 'by' | 'timeZone'>,
): string {
  if (session !== null) {
    const { date, time } = localTime(session, timeZone);
    return `${dayText(date)} ${time}`;
  }
  if (day === null) return 'Whole course';
  return by === 'session' ? `${dayText(day)}, outside of sessions` : dayText(day);
}

/** The same for a picture, where there is less room: `2026-09-01`, `2026-09-01 09:00` or `2026-09-01 outside`. */
export function shortPeriodText(
  { day, session }: Pick<PeriodFigures, 'day' | 'session'>,
  { by, timeZone }: Pick<Report, 'by' | 'timeZone'>,
): string {
  if (session !== null) return momentText(session, timeZone);
  return by === 'session' ? `${day} outside` : `${day}`;
}

function momentText(instant: string, timeZone: string): string {
  const { date, time } = localTime(instant, timeZone);
  return `${date} ${time}`;
}

function localTime(instant: string, timeZone: string): { readonly date: string; readonly time: string } {
  const local = Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone);
  return {
    date: local.toPlainDate().toString(),
    time: local.toPlainTime().toString({ smallestUnit: 'minute' }),
  };
}

function dayText(day: string): string {
  const weekday = Temporal.PlainDate.from(day).toLocaleString('en-US', { weekday: 'short' });
  return `${weekday} ${day}`;
}

/** `2026-09-01 to 2026-09-30, as of 2026-09-30 18:00 (Europe/Berlin)`. */
export function spanText({
  from,
  to,
  asOf,
  timeZone,
}: Pick<Report, 'from' | 'to' | 'asOf' | 'timeZone'>): string {
  return `${from ?? to} to ${to}, as of ${momentText(asOf, timeZone)} (${timeZone})`;
}
