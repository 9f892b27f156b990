import type { z } from 'zod';
import { type Schedule, scheduleSchema } from '../../../src/api/schedule.ts';

export type ScheduleDifference = z.input<typeof scheduleSchema>;

export const EVERY_DAY: NonNullable<ScheduleDifference['sessions']>[number]['days'] = [
  'Mon',
  'Tue',
  'Wed',
  'Thu',
  'Fri',
  'Sat',
  'Sun',
];

/** Berlin, Mondays and Wednesdays from nine to five, unless a case says otherwise. */
export function aSchedule(difference: ScheduleDifference = {}): Schedule {
  return scheduleSchema.parse({
    timeZone: 'Europe/Berlin',
    sessions: [{ days: ['Mon', 'Wed'], start: '09:00', end: '17:00' }],
    ...difference,
  });
}

/** A class that meets every day at these hours. */
export function daily(timeZone: string, hours: string): Schedule {
  const [start = '', end = ''] = hours.split('-');
  return aSchedule({ timeZone, sessions: [{ days: EVERY_DAY, start, end }] });
}
