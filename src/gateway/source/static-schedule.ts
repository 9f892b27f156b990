import { z } from 'zod';
import { exceptionSchema, type Schedule, scheduleSchema, weeklyWindowSchema } from '../../api/schedule.ts';
import { isTimeZone } from '../../timetable/time-zone.ts';

type Hours = Pick<Schedule['sessions'][number], 'start' | 'end'>;

function lastsAWhile({ start, end }: Hours): boolean {
  return start !== end;
}

const endsElsewhere = { path: ['end'], message: 'must differ from "start"' };

const hours = z
  .strictObject({ start: weeklyWindowSchema.shape.start, end: weeklyWindowSchema.shape.end })
  .refine(lastsAWhile, endsElsewhere);

const exception = z
  .strictObject({ ...exceptionSchema.shape, sessions: z.array(hours).min(1).max(8).optional() })
  .refine(({ closed, sessions }) => (closed === true) !== (sessions !== undefined), {
    message: 'must have either "closed: true" or "sessions"',
  });

const fields = scheduleSchema.shape;

/**
 * A timetable in a static file: as in the API, with the rules that the CRD checks there. One without any session is a
 * time zone alone, and the class is always open.
 */
export const staticScheduleSchema = z
  .strictObject({
    timeZone: fields.timeZone.refine(isTimeZone, 'is not an IANA time zone that is known here'),
    sessions: z
      .array(z.strictObject(weeklyWindowSchema.shape).refine(lastsAWhile, endsElsewhere))
      .max(64)
      .default([]),
    exceptions: z
      .array(exception)
      .max(366)
      .default([])
      .refine((all) => new Set(all.map(({ date }) => date)).size === all.length, {
        message: 'must not have a date twice',
      }),
    warmUpMinutes: fields.warmUpMinutes,
    outsideSessions: fields.outsideSessions.removeDefault().optional(),
  })
  .refine((schedule) => schedule.outsideSessions !== 'Closed' || hasSession(schedule), {
    path: ['sessions'],
    message: 'must not be empty where the class is closed outside of sessions: it would never be open',
  })
  .transform((schedule): Schedule => {
    const byDefault = hasSession(schedule) ? 'Closed' : 'Open';
    return { ...schedule, outsideSessions: schedule.outsideSessions ?? byDefault };
  });

function hasSession({ sessions, exceptions }: Pick<Schedule, 'sessions' | 'exceptions'>): boolean {
  return sessions.length > 0 || exceptions.some((one) => one.sessions !== undefined);
}
