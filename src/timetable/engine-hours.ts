import type { TimetableInput } from './opening.ts';
import type { Session } from './session.ts';
import { stretchAt } from './stretch.ts';

/** Whether engines shall be up by the timetable, until when or from when. */
export interface EngineHours {
  readonly areUp: boolean;
  /** The session that they are up for: the one that runs, or the one that they warm up for. */
  readonly session: Session | undefined;
  /** Epoch ms: when `areUp` changes by time alone. Undefined: never, or not for long, as in an opening. */
  readonly nextChangeMs: number | undefined;
  /** Epoch ms: when they begin to be up for the session that comes next, also where they are up until then. */
  readonly nextWarmUpMs: number | undefined;
}

const MINUTE_MS = 60_000;

/**
 * When engines shall be up: from the beginning of a session less the time that they need to warm up, to its end, and
 * as long as the class is open otherwise. `access` does not count: who may ask is another matter than when.
 *
 * @param nowMs epoch ms
 * @param loadSeconds how long an engine took to load when that was last measured; it counts where it is longer than
 *   `warmUpMinutes`
 */
export function engineHours(
  { schedule, openUntilMs }: Pick<TimetableInput, 'schedule' | 'openUntilMs'>,
  nowMs: number,
  loadSeconds = 0,
): EngineHours {
  if (schedule === undefined) return WITHOUT_TIMETABLE;
  const leadMs = Math.max(schedule.warmUpMinutes * MINUTE_MS, loadSeconds * 1000);
  const { holds, session, next, endsMs } = stretchAt(schedule, { leadMs, openUntilMs }, nowMs);
  const nextWarmUpMs = next && next.startMs - leadMs;
  if (schedule.outsideSessions === 'Open') {
    return { areUp: true, session, nextChangeMs: undefined, nextWarmUpMs };
  }
  return { areUp: holds, session, nextChangeMs: holds ? endsMs : nextWarmUpMs, nextWarmUpMs };
}

const WITHOUT_TIMETABLE: EngineHours = {
  areUp: true,
  session: undefined,
  nextChangeMs: undefined,
  nextWarmUpMs: undefined,
};
