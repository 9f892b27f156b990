import type { ACCESS_MODES } from '../api/classroom.ts';
import { OPENING_REASONS, type OpeningReason } from '../api/reasons.ts';
import type { Schedule } from '../api/schedule.ts';
import type { Session } from './session.ts';
import { type Stretch, stretchAt } from './stretch.ts';
import { knownTimeZone } from './time-zone.ts';

/** All that decides when a class is open. */
export interface TimetableInput {
  readonly access: (typeof ACCESS_MODES)[number];
  /** Undefined: the class has no timetable. */
  readonly schedule?: Schedule | undefined;
  /** Epoch ms: the class counts as open until then. Undefined: nobody extended it. */
  readonly openUntilMs?: number | undefined;
}

/** Whether a class is open, why, and what comes next. */
export interface Opening {
  readonly isOpen: boolean;
  readonly reason: OpeningReason;
  /** Time zone in which the class tells its times: UTC where it has none, or one that nobody knows. */
  readonly timeZone: string;
  /** The session that runs; of several the one that ends last. */
  readonly session: Session | undefined;
  /** The session that begins next, within a year. */
  readonly nextSession: Session | undefined;
  /**
   * Epoch ms: when `isOpen` changes by time alone; never in the past. Undefined: never, or it opens not within a year,
   * or closes not within five weeks.
   */
  readonly nextChangeMs: number | undefined;
  /** Epoch ms: from then on this answer may be another one, in whatever field. Undefined: never by time alone. */
  readonly validUntilMs: number | undefined;
}

/** Years are looked ahead only as far as one, so answers that hold longer are looked at again. */
const LONGEST_VALID_MS = 24 * 60 * 60 * 1000;

/** Whether a class is open at a moment. Pure: operator, gateway and CLI all ask this. @param nowMs epoch ms */
export function openingOf(input: TimetableInput, nowMs: number): Opening {
  const { access, schedule } = input;
  const openUntilMs = laterThan(nowMs, input.openUntilMs);
  const timeZone = knownTimeZone(schedule?.timeZone);
  if (schedule === undefined) {
    return { ...WITHOUT_TIMETABLE, ...openOrNot(access, OPENING_REASONS.alwaysOpen), timeZone };
  }
  const stretch = stretchAt(schedule, { leadMs: 0, openUntilMs }, nowMs);
  const { session, next: nextSession } = stretch;
  const nextChangeMs = stretch.holds ? stretch.endsMs : nextSession?.startMs;
  const changes = [session?.endMs, nextSession?.startMs, openUntilMs, nextChangeMs];
  return {
    ...openOrNot(access, reasonOf(schedule, stretch)),
    timeZone,
    session,
    nextSession,
    nextChangeMs: access === 'Closed' || schedule.outsideSessions === 'Open' ? undefined : nextChangeMs,
    validUntilMs: Math.min(nowMs + LONGEST_VALID_MS, ...changes.filter((changeMs) => changeMs !== undefined)),
  };
}

const WITHOUT_TIMETABLE = {
  session: undefined,
  nextSession: undefined,
  nextChangeMs: undefined,
  validUntilMs: undefined,
};

function laterThan(nowMs: number, untilMs: number | undefined): number | undefined {
  return untilMs !== undefined && untilMs > nowMs ? untilMs : undefined;
}

/** Why the class is open or closed, by the timetable alone. */
function reasonOf({ outsideSessions }: Schedule, { holds, session }: Stretch): OpeningReason {
  if (session !== undefined) return OPENING_REASONS.sessionRunning;
  if (outsideSessions === 'Open') return OPENING_REASONS.outsideSessionsOpen;
  return holds ? OPENING_REASONS.extended : OPENING_REASONS.outsideSessions;
}

/** In an exam a class opens and closes as at other times. */
function openOrNot(
  access: TimetableInput['access'],
  reason: OpeningReason,
): Pick<Opening, 'isOpen' | 'reason'> {
  if (access === 'Closed') return { isOpen: false, reason: OPENING_REASONS.accessClosed };
  return { isOpen: reason !== OPENING_REASONS.outsideSessions, reason };
}
