import { Temporal } from 'temporal-polyfill';
import type { ClassroomSpec } from '../../api/classroom.ts';
import { WEEKDAYS } from '../../api/schedule.ts';

type Schedule = NonNullable<ClassroomSpec['schedule']>;

/** One meeting of the class. */
export interface Session {
  /** RFC 3339 with the zone's offset. */
  readonly start: string;
  readonly end: string;
  readonly running: boolean;
}

/** A session may have begun yesterday, and the longest time without one is a year of holidays. */
const DAYS_BACK = 1;
const DAYS_AHEAD = 370;

/**
 * The session that runs, or the next one; undefined where none comes within a year. Exceptions replace the sessions
 * that begin on their date.
 *
 * @param nowMs epoch ms
 */
export function currentOrNextSession(schedule: Schedule, nowMs: number): Session | undefined {
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs);
  const today = now.toZonedDateTimeISO(schedule.timeZone).toPlainDate();
  for (let offset = -DAYS_BACK; offset <= DAYS_AHEAD; offset++) {
    const found = hoursOn(schedule, today.add({ days: offset }))
      .filter(({ end }) => Temporal.Instant.compare(end.toInstant(), now) > 0)
      .sort((a, b) => Temporal.ZonedDateTime.compare(a.start, b.start))
      .at(0);
    if (found === undefined) continue;
    const { start, end } = found;
    const running = Temporal.Instant.compare(start.toInstant(), now) <= 0;
    return { start: rfc3339(start), end: rfc3339(end), running };
  }
  return undefined;
}

interface Hours {
  readonly start: Temporal.ZonedDateTime;
  readonly end: Temporal.ZonedDateTime;
}

/** The sessions that begin on a local date. */
function hoursOn({ timeZone, sessions, exceptions }: Schedule, date: Temporal.PlainDate): Hours[] {
  const exception = exceptions.find((candidate) => candidate.date === date.toString());
  const weekday = WEEKDAYS[date.dayOfWeek - 1];
  const weekly = sessions.filter(({ days }) => days.some((day) => day === weekday));
  const written = exception === undefined ? weekly : (exception.sessions ?? []);
  return written.map(({ start, end }) => ({
    start: at(date, start, timeZone),
    end: end > start ? at(date, end, timeZone) : at(date.add({ days: 1 }), end, timeZone),
  }));
}

/** Times that the clocks leave out are those that follow. */
function at(date: Temporal.PlainDate, time: string, timeZone: string): Temporal.ZonedDateTime {
  if (time === '24:00') return date.add({ days: 1 }).toZonedDateTime({ timeZone });
  return date.toZonedDateTime({ timeZone, plainTime: Temporal.PlainTime.from(time) });
}

function rfc3339(moment: Temporal.ZonedDateTime): string {
  return moment.toString({ timeZoneName: 'never', smallestUnit: 'second' });
}
