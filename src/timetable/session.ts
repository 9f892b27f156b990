import { Temporal } from 'temporal-polyfill';
import { type Schedule, WEEKDAYS } from '../api/schedule.ts';
import { knownTimeZone } from './time-zone.ts';

/** One meeting of a class. */
export interface Session {
  /** Epoch ms: its first moment, and the first moment after it. */
  readonly startMs: number;
  readonly endMs: number;
}

/** A session may have begun the day before, and that day may be one that a zone left out. */
const DAYS_BACK = 2;

/** The longest time without a session that anybody plans is a year of holidays. */
const DAYS_AHEAD = 370;

/**
 * The sessions that end after a moment, by their beginning, as far as a year ahead. A dated exception replaces the
 * sessions that begin on its date. Lazy: what is not asked for is not computed.
 *
 * @param nowMs epoch ms
 */
export function* sessionsFrom(schedule: Schedule, nowMs: number): Generator<Session, void, undefined> {
  const timeZone = knownTimeZone(schedule.timeZone);
  const exceptions = new Map(schedule.exceptions.map((exception) => [exception.date, exception]));
  const today = Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs))
    .toZonedDateTimeISO(timeZone)
    .toPlainDate();
  let held: Session[] = [];
  for (let offset = -DAYS_BACK; offset <= DAYS_AHEAD; offset++) {
    const date = today.add({ days: offset });
    const begun = sessionsOn(date, timeZone, hoursOn(date, schedule, exceptions));
    // Where clocks go forward at midnight, a session of the evening can begin after the first one of the next date.
    const latestHeldMs = Math.max(...held.map(({ startMs }) => startMs));
    const inOrder = [...held, ...begun].sort((a, b) => a.startMs - b.startMs);
    yield* inOrder.filter(({ startMs, endMs }) => startMs <= latestHeldMs && endMs > nowMs);
    held = inOrder.filter(({ startMs }) => startMs > latestHeldMs);
  }
  yield* held.filter(({ endMs }) => endMs > nowMs);
}

/** Local times of one session, as they are written. */
interface Hours {
  readonly start: string;
  readonly end: string;
}

function hoursOn(
  date: Temporal.PlainDate,
  { sessions }: Schedule,
  exceptions: ReadonlyMap<string, Schedule['exceptions'][number]>,
): readonly Hours[] {
  const exception = exceptions.get(date.toString());
  if (exception !== undefined) return exception.sessions ?? [];
  const weekday = WEEKDAYS[date.dayOfWeek - 1];
  return sessions.filter(({ days }) => days.some((day) => day === weekday));
}

/** The sessions that begin on a local date. */
function sessionsOn(date: Temporal.PlainDate, timeZone: string, hours: readonly Hours[]): Session[] {
  if (hours.length === 0 || !exists(date, timeZone)) return [];
  return hours.map((written) => {
    const [start, end] = [date.toPlainDateTime(written.start), endOf(date, written)];
    const startMs = momentOf(start, timeZone);
    const endMs = momentOf(end, timeZone);
    // The clocks can leave out the beginning and move it behind the end: then the session is as long as it is written.
    return { startMs, endMs: endMs > startMs ? endMs : startMs + start.until(end).total('milliseconds') };
  });
}

/** The local time of the end, which is on the next date where it is not later than the beginning. */
function endOf(date: Temporal.PlainDate, { start, end }: Hours): Temporal.PlainDateTime {
  const nextDate = date.add({ days: 1 });
  if (end === '24:00') return nextDate.toPlainDateTime();
  return (end > start ? date : nextDate).toPlainDateTime(end);
}

/** A zone that crosses the date line leaves out a date, such as Pacific/Apia 2011-12-30. */
function exists(date: Temporal.PlainDate, timeZone: string): boolean {
  return date.toZonedDateTime(timeZone).toPlainDate().equals(date);
}

/**
 * Epoch ms of a local time. A time that the clocks leave out is as much later as they go forward, and of one that
 * comes twice the first is meant, as calendars have it
 * (https://datatracker.ietf.org/doc/html/rfc5545#section-3.3.5).
 */
function momentOf(local: Temporal.PlainDateTime, timeZone: string): number {
  return local.toZonedDateTime(timeZone).epochMilliseconds;
}
