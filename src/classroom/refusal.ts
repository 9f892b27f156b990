import type { ClassroomSpec } from '../api/classroom.ts';
import { describeIssues, type FieldIssue } from '../api/issue.ts';
import { CLASSROOM_REASONS } from '../api/reasons.ts';
import { isTimeZone } from '../timetable/time-zone.ts';
import { deniedArguments } from './extra-args.ts';

/** Why a spec cannot be acted on. */
export interface Refusal {
  reason: 'ArgumentDenied' | 'SpecUnreadable' | 'TimeZoneUnknown';
  /** What, why, what next. */
  message: string;
}

/** Why a spec that follows the schema cannot be acted on all the same; what keeps the timetable from being read first. */
export function refusalOf({ engine, schedule }: ClassroomSpec): Refusal | undefined {
  if (schedule !== undefined && !isTimeZone(schedule.timeZone)) return timeZoneUnknown(schedule.timeZone);
  const denied = deniedArguments(engine.extraArgs);
  return denied.length === 0 ? undefined : argumentsDenied(denied);
}

function argumentsDenied(denied: ReturnType<typeof deniedArguments>): Refusal {
  const list = denied.map(({ argument, why }) => `'${argument}' (${why})`).join(', ');
  return {
    reason: CLASSROOM_REASONS.argumentDenied,
    message: `\`engine.extraArgs\` holds arguments that are not passed on: ${list}. Remove them; for most there is a field of the Classroom. Until then the class goes on with the engines that it had, and by its timetable; one that has had none gets none.`,
  };
}

function timeZoneUnknown(timeZone: string): Refusal {
  return {
    reason: CLASSROOM_REASONS.timeZoneUnknown,
    message: `\`schedule.timeZone\` is no time zone that this version knows: '${timeZone}'. Write a name of the IANA database, such as Europe/Berlin. Until then the engines stay as they are, and the class opens and closes by UTC.`,
  };
}

/** For an object of which no field is gone by. */
export function unreadable(issues: readonly FieldIssue[]): Refusal {
  return {
    reason: CLASSROOM_REASONS.specUnreadable,
    message: `The object does not follow the schema of this version: ${describeIssues(issues)}. Correct it, or install the CRDs that belong to this operator. Until then the engines stay as they are.`,
  };
}
