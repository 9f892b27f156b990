import type { TimetableStatus } from '../api/classroom.ts';
import type { Opening, TimetableInput } from './opening.ts';
import type { Session } from './session.ts';
import { localInstant, nextChangeText } from './words.ts';

/**
 * A class's sessions and openings as points in time in its own local time; undefined without a timetable. Equal as
 * long as no session, opening or extension begins or ends.
 *
 * @param nowMs epoch ms, of the opening
 */
export function timetableStatus(
  { schedule, openUntilMs = 0 }: TimetableInput,
  opening: Opening,
  nowMs: number,
): TimetableStatus | undefined {
  if (schedule === undefined) return undefined;
  const { timeZone, session, nextSession, nextChangeMs } = opening;
  const times = ({ startMs, endMs }: Session) => ({
    start: localInstant(startMs, timeZone),
    end: localInstant(endMs, timeZone),
  });
  const nextChange = nextChangeText(opening);
  return {
    timeZone,
    ...(session && { session: times(session) }),
    ...(nextSession && { nextSession: times(nextSession) }),
    ...(openUntilMs > nowMs ? { openUntil: localInstant(openUntilMs, timeZone) } : {}),
    ...(nextChangeMs === undefined ? {} : { nextChangeTime: localInstant(nextChangeMs, timeZone) }),
    ...(nextChange === undefined ? {} : { nextChange }),
  };
}
