import { instantOf } from '../kube/instant.ts';
import type { Session } from '../timetable/session.ts';
import type { ActiveRow, UsageRow } from './extract.ts';
import { type EngineTime, minutesWithEngines, only } from './gpu-time.ts';
import { countMinutes, difference, type HourMinutes, MinuteSet, minutesBetween } from './hour-minutes.ts';

const HOUR_MS = 3_600_000;

/** Sessions of a timetable that end after a moment (epoch ms), by their beginning. */
export type SessionsFrom = (ms: number) => Iterable<Session>;

/** A session of which it is known when it ended. */
export interface SessionSpan extends Session {
  /** Its beginning, as the account names it. */
  readonly session: string;
}

/** What of a student's rows says in which sessions there was work. */
interface Rows {
  readonly usage: readonly Pick<UsageRow, 'session'>[];
  readonly active: readonly ActiveRow[];
}

/**
 * The sessions of the time of a report, as far as the timetable still has them: those in which somebody asked, and those
 * in which engines ran for nobody. Where somebody worked at the time of a session and not in it, the timetable was
 * another one then, so it is left out.
 */
export function sessionSpans(
  students: readonly Rows[],
  times: readonly EngineTime[],
  sessionsFrom: SessionsFrom,
): SessionSpan[] {
  const booked = new Set(students.flatMap(({ usage }) => usage.map(({ session }) => session)));
  const asked = [...booked].flatMap((session) => spanOf(session, sessionsFrom));
  const active = new MinuteSet();
  for (const row of students.flatMap((student) => student.active)) active.add(row);
  const unasked = withEngines(times, sessionsFrom).filter(
    (span) =>
      !asked.some(({ startMs, endMs }) => startMs < span.endMs && span.startMs < endMs) &&
      !active.touches(minutesOf(span)),
  );
  return [...asked, ...unasked];
}

function spanOf(session: string | null, sessionsFrom: SessionsFrom): SessionSpan[] {
  if (session === null) return [];
  const beganMs = Date.parse(session);
  for (const { startMs, endMs } of sessionsFrom(beganMs)) {
    if (startMs === beganMs) return [{ session, startMs, endMs }];
    if (startMs > beganMs) return [];
  }
  return [];
}

/** Each session in which at least one engine ran. */
function withEngines(times: readonly EngineTime[], sessionsFrom: SessionsFrom): SessionSpan[] {
  const ran = minutesWithEngines(times);
  const hours = ran.toArray();
  const [first, last] = [hours.at(0), hours.at(-1)];
  const found: SessionSpan[] = [];
  if (first === undefined || last === undefined) return found;
  for (let fromMs = first.hour * HOUR_MS; ; ) {
    const [next] = sessionsFrom(fromMs);
    if (next === undefined || next.startMs >= (last.hour + 1) * HOUR_MS) return found;
    if (ran.touches(minutesOf(next))) found.push({ session: instantOf(next.startMs), ...next });
    fromMs = next.endMs;
  }
}

function minutesOf({ startMs, endMs }: Session): HourMinutes[] {
  return minutesBetween(startMs, endMs - 1);
}

/** What one engine did in one session, or outside of all. */
export interface EngineTimeInSession extends EngineTime {
  readonly session: string | null;
}

/** Divides what engines did by sessions. A minute that two of them claim is of the first. */
export function inSessions(
  times: readonly EngineTime[],
  spans: readonly SessionSpan[],
): EngineTimeInSession[] {
  const claims = spans.flatMap((span) =>
    minutesOf(span).map((minutes) => ({ session: span.session, minutes })),
  );
  const byHour = Map.groupBy(claims, ({ minutes }) => minutes.hour);
  return times.flatMap((time) => {
    const parts: EngineTimeInSession[] = [];
    let { running: left } = time;
    for (const { session, minutes } of byHour.get(time.running.hour) ?? []) {
      parts.push({ ...only(only(time, left), minutes), session });
      left = difference(left, minutes);
    }
    parts.push({ ...only(time, left), session: null });
    return parts.filter(({ running }) => countMinutes(running) > 0);
  });
}
