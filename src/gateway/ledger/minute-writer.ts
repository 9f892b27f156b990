import type { DatabaseSync } from 'node:sqlite';
import type { EngineHour } from '../../report/engine-hour.ts';
import type { HourMinutes } from '../../report/hour-minutes.ts';
import type { Booking } from './batch.ts';

/** Writes the minutes in which students were at work, within the transactions of the ledger. */
export interface MinuteWriter {
  save(subject: number, booking: Pick<Booking, 'day' | 'sessionMs' | 'minutes'>): void;
  /** The transaction was not committed. */
  forget(): void;
}

/** A row that was written, so that it is written again only for a minute more. */
interface WrittenMinutes {
  readonly day: string;
  readonly sessionMs: number;
  readonly hour: number;
  early: number;
  late: number;
}

const SAVE_MINUTES = `INSERT INTO active_minutes VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET early = early | excluded.early, late = late | excluded.late`;

/** A student who asks all the time costs one row a minute: the newest of each is remembered. */
export function createMinuteWriter(db: DatabaseSync): MinuteWriter {
  const statement = db.prepare(SAVE_MINUTES);
  const newest = new Map<number, WrittenMinutes>();
  const saveHour = (
    subject: number,
    day: string,
    sessionMs: number,
    { hour, early, late }: HourMinutes,
  ): void => {
    const known = newest.get(subject);
    const isSameRow = known?.hour === hour && known.sessionMs === sessionMs && known.day === day;
    if (isSameRow && (early & ~known.early) === 0 && (late & ~known.late) === 0) return;
    statement.run(subject, day, sessionMs, hour, early, late);
    if (isSameRow) {
      known.early |= early;
      known.late |= late;
    } else newest.set(subject, { day, sessionMs, hour, early, late });
  };
  return {
    save(subject, { day, sessionMs, minutes }) {
      for (const hour of minutes) saveHour(subject, day, sessionMs, hour);
    },
    forget: () => newest.clear(),
  };
}

const SAVE_ENGINE_HOUR = `INSERT INTO engine_hours VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET
    gpus = max(gpus, excluded.gpus),
    running_early = running_early | excluded.running_early,
    running_late = running_late | excluded.running_late,
    used_early = used_early | excluded.used_early,
    used_late = used_late | excluded.used_late`;

/** Writes what engines did. */
export function createEngineHourWriter(db: DatabaseSync): (hour: EngineHour) => void {
  const statement = db.prepare(SAVE_ENGINE_HOUR);
  return ({ classroomKey, hour, engine, gpus, running, used }) => {
    statement.run(classroomKey, hour, engine, gpus, running.early, running.late, used.early, used.late);
  };
}
