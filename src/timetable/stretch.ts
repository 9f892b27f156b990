import type { Schedule } from '../api/schedule.ts';
import { type Session, sessionsFrom } from './session.ts';

/** What sessions that touch or overlap make together, seen from one moment. */
export interface Stretch {
  /** Whether a session, or what counts as one, holds this moment. */
  readonly holds: boolean;
  /** The session that holds this moment, of several the one that ends last. */
  readonly session: Session | undefined;
  /** The session that is reached next. */
  readonly next: Session | undefined;
  /** Epoch ms: when no session holds any more. Undefined: none holds now, or that is more than five weeks away. */
  readonly endsMs: number | undefined;
}

/** What makes sessions longer than they are written. */
interface Margins {
  /** How long before its beginning a session holds already. */
  readonly leadMs: number;
  /** Epoch ms: until then it is as though a session ran. */
  readonly openUntilMs: number | undefined;
}

/** A class that is open day and night has no end worth a year of computing. */
const LONGEST_MS = 35 * 24 * 60 * 60 * 1000;

/** The stretch that holds a moment, and the session that follows. @param nowMs epoch ms */
export function stretchAt(schedule: Schedule, { leadMs, openUntilMs }: Margins, nowMs: number): Stretch {
  let session: Session | undefined;
  let next: Session | undefined;
  const latestMs = nowMs + LONGEST_MS;
  let endsMs = openUntilMs !== undefined && openUntilMs > nowMs ? openUntilMs : nowMs;
  for (const candidate of sessionsFrom(schedule, nowMs)) {
    const reachedMs = candidate.startMs - leadMs;
    if (reachedMs <= nowMs) {
      if (session === undefined || candidate.endMs > session.endMs) session = candidate;
    } else {
      next ??= candidate;
      if (reachedMs > endsMs || endsMs > latestMs) break;
    }
    endsMs = Math.max(endsMs, candidate.endMs);
  }
  const holds = endsMs > nowMs;
  return { holds, session, next, endsMs: holds && endsMs <= latestMs ? endsMs : undefined };
}
