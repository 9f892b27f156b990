import type { LedgerExtract } from './extract.ts';
import { engineTimes } from './gpu-time.ts';

/** The first local day of a report; of a report of everything the first day with anything, null where there is none. */
export function firstDayOf({ from, to, students, engines, timeZone }: LedgerExtract): string | null {
  if (from !== null) return from;
  const ran = engines.filter(({ running }) => running.early + running.late > 0);
  const firstHour = ran.reduce((first, { hour }) => Math.min(first, hour), Number.POSITIVE_INFINITY);
  const times = engineTimes(
    ran.filter(({ hour }) => hour === firstHour),
    timeZone,
  );
  return [...students.flatMap(({ usage }) => usage), ...times].reduce<string | null>(
    (first, { day }) => (day <= to && (first === null || day < first) ? day : first),
    null,
  );
}
