import { z } from 'zod';
import { int32, listBy, setOf, text } from './bounds.ts';
import { rule } from './cel.ts';

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

const startTime = z
  .string()
  .min(5)
  .max(5)
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/);
const endTime = z
  .string()
  .min(5)
  .max(5)
  .regex(/^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/);

const days = setOf(z.enum(WEEKDAYS), { min: 1, max: 7 }).describe('Weekdays on which this begins.');

const hours = {
  start: startTime.describe('Local time of the beginning, such as 09:00.'),
  end: endTime.describe('Local time of the end; earlier than `start` means the next day.'),
};

const endsElsewhere = rule(
  'self.start != self.end',
  '`end` must differ from `start`',
  'FieldValueInvalid',
  '.end',
);

/** The API server knows the IANA zones itself: it cannot tell the year in one that it does not know. */
const isKnownTimeZone = rule(
  "timestamp('2026-01-01T00:00:00Z').getFullYear(self) > 0",
  "`timeZone` must be a name of the IANA database, such as 'Europe/Berlin'",
  'FieldValueInvalid',
);

/** A weekly window of time, in the time zone of the class; it may run over midnight. */
export const weeklyWindowSchema = z
  .object({ days, ...hours })
  .meta({ 'x-kubernetes-validations': [endsElsewhere] });

/** A date on which the week does not hold. */
export const exceptionSchema = z
  .object({
    date: z.iso.date().max(10).describe('The local date, such as 2026-12-25.'),
    closed: z.boolean().optional().describe('True: no session on this date.'),
    sessions: z
      .array(z.object(hours).meta({ 'x-kubernetes-validations': [endsElsewhere] }))
      .min(1)
      .max(8)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional()
      .describe('The sessions of this date, in place of the weekly ones.'),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        '(has(self.closed) && self.closed) != has(self.sessions)',
        'an exception must have either `closed` set to true or `sessions`',
        'FieldValueInvalid',
      ),
    ],
  })
  .describe('A date that differs from the week.');

/** Lengths from the shortest name to the longest one of https://data.iana.org/time-zones/tzdb/backward: GB, America/Argentina/ComodRivadavia. */
const timeZoneName = text(32).min(2);

export const scheduleSchema = z
  .object({
    timeZone: timeZoneName
      .regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/)
      .meta({ 'x-kubernetes-validations': [isKnownTimeZone] })
      .default('UTC')
      .describe('IANA time zone of the class, such as Europe/Berlin; also the day of `tokensPerDay`.'),
    sessions: z
      .array(weeklyWindowSchema)
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .default([])
      .describe('When the class meets, week after week.'),
    exceptions: listBy('date', exceptionSchema, { max: 366 })
      .default([])
      .describe('Holidays and extra sessions.'),
    warmUpMinutes: int32(0, 240).default(15).describe('How long before a session the engines start.'),
    outsideSessions: z
      .enum(['Closed', 'Open'])
      .default('Closed')
      .describe('Whether students are served outside the sessions.'),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        "self.outsideSessions == 'Open' || self.sessions.size() > 0 || self.exceptions.exists(e, has(e.sessions))",
        "`sessions` must not be empty unless `outsideSessions` is 'Open': the class would never be open",
        'FieldValueRequired',
        '.sessions',
      ),
    ],
  })
  .describe('The timetable. Absent: always open.');

export type Schedule = z.infer<typeof scheduleSchema>;
