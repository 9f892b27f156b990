import { instantOf } from '../kube/instant.ts';
import type { Session } from '../timetable/session.ts';
import type { ActiveRow, UsageRow } from './extract.ts';
import type { EngineMinute } from './gpu-time.ts';
import { MinuteSet, minutesBetween } from './hour-minutes.ts';

const MINUTE_MS = 60_000;

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
  minutes: readonly EngineMinute[],
  sessionsFrom: SessionsFrom,
): SessionSpan[] {
  const booked = new Set(students.flatMap(({ usage }) => usage.map(({ session }) => session)));
  const asked = [...booked].flatMap((session) => spanOf(session, sessionsFrom));
  const active = new MinuteSet();
  for (const row of students.flatMap((student) => student.active)) active.add(row);
  const unasked = withEngines(minutes, sessionsFrom).filter(
    (span) =>
      !asked.some(({ startMs, endMs }) => startMs < span.endMs && span.startMs < endMs) &&
      !active.touches(minutesBetween(span.startMs, span.endMs - 1)),
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
function withEngines(minutes: readonly EngineMinute[], sessionsFrom: SessionsFrom): SessionSpan[] {
  const moments = [...new Set(minutes.map(({ minute }) => minute * MINUTE_MS))].sort((a, b) => a - b);
  const found: SessionSpan[] = [];
  let next: Session | undefined;
  for (const ms of moments) {
    if (next === undefined || next.endMs <= ms) [next] = sessionsFrom(ms);
    if (next === undefined) break;
    const { startMs, endMs } = next;
    if (startMs <= ms && found.at(-1)?.startMs !== startMs)
      found.push({ session: instantOf(startMs), startMs, endMs });
  }
  return found;
}

/** In which period a row is: its local day, and its session. */
export type InSession = Pick<UsageRow, 'day' | 'session'>;

/** Minutes that follow each other are mostly of one session: it is looked at first. */
export function createInSession(spans: readonly SessionSpan[]): (minute: EngineMinute) => InSession {
  let last: SessionSpan | undefined;
  return ({ day, minute }) => {
    const atMs = minute * MINUTE_MS;
    const holds = ({ startMs, endMs }: SessionSpan): boolean => startMs <= atMs && atMs < endMs;
    if (last === undefined || !holds(last)) last = spans.find(holds) ?? last;
    return { day, session: last !== undefined && holds(last) ? last.session : null };
  };
}
