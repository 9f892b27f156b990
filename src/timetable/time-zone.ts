import { Temporal } from 'temporal-polyfill';

/** Whether this is an IANA time zone that the machine knows. */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The schema checks only the form of a name; a class whose zone nobody knows goes by UTC. */
export function knownTimeZone(name = 'UTC'): string {
  return isTimeZone(name) ? name : 'UTC';
}
