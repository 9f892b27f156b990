import { Temporal } from 'temporal-polyfill';
import { localDayOf } from '../../timetable/local-day.ts';
import type { UsageDays } from './usage-reader.ts';

/** Today and the Monday of this week in a time zone. @param nowMs epoch ms */
export function usageDaysOf(timeZone: string, nowMs: number): UsageDays {
  const { day } = localDayOf(timeZone, nowMs);
  const today = Temporal.PlainDate.from(day);
  const weekStart = today.subtract({ days: today.dayOfWeek - 1 });
  return { today: day, weekStart: weekStart.toString() };
}
