import type { Classroom } from '../../api/classroom.ts';
import { timetableInputOf } from '../../timetable/open-until.ts';
import { type Opening, openingOf } from '../../timetable/opening.ts';
import { knownTimeZone } from '../../timetable/time-zone.ts';
import { minuteInZone } from '../../timetable/words.ts';

/** `kubectl classroom open python-101 -n school`. */
export function commandFor(verb: string, { metadata }: Pick<Classroom, 'metadata'>): string {
  const { name, namespace } = metadata;
  return `kubectl classroom ${verb} ${name}${namespace === undefined ? '' : ` -n ${namespace}`}`;
}

/** Whether a class is open now. @param nowMs epoch ms */
export function openingNow(classroom: Classroom, nowMs: number): Opening {
  return openingOf(timetableInputOf(classroom), nowMs);
}

/** In which a class tells its times. */
export function timeZoneOf(classroom: Classroom): string {
  return knownTimeZone(timetableInputOf(classroom).schedule?.timeZone);
}

/** Whether a class is open, until when, and what is done about it: a sentence or two. @param nowMs epoch ms */
export function openingWords(classroom: Classroom, nowMs: number): string {
  const { name } = classroom.metadata;
  const opening = openingNow(classroom, nowMs);
  const { nextChangeMs, timeZone } = opening;
  const until = nextChangeMs === undefined ? undefined : minuteInZone(nextChangeMs, timeZone);
  switch (opening.reason) {
    case 'AlwaysOpen':
      return `${name} is open: it has no timetable.`;
    case 'OutsideSessionsOpen':
      return `${name} is open, outside of its sessions too.`;
    case 'SessionRunning':
    case 'Extended':
      return until === undefined ? `${name} is open.` : `${name} is open until ${until}.`;
    case 'OutsideSessions': {
      const when = until === undefined ? 'no session comes within a year' : `until ${until}`;
      return `${name} is closed by its timetable, ${when}. To open it now: ${commandFor('open', classroom)} --for 2h`;
    }
    case 'AccessClosed':
      return `${name} is closed until somebody opens it: ${commandFor('open', classroom)}`;
  }
}
