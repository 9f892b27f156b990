import type { EngineHour } from '../../report/engine-hour.ts';

/** Where it is kept what engines did. */
export interface EngineTimeBook {
  /** Joins this with what is there. Resolves when it is kept. @throws JournalUnavailableError it may not be */
  engineHours(hours: readonly EngineHour[]): Promise<void>;
}
