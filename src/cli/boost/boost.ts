import { activeBoost, type Boost, boostOf } from '../../api/boost.ts';
import type { Classroom } from '../../api/classroom.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { localInstant, minuteInZone } from '../../timetable/words.ts';
import type { Patch } from '../change/change-object.ts';
import { type End, endMs } from '../change/end.ts';
import { timeZoneOf } from '../change/opening-words.ts';

/** What the command line says of a boost. */
export type BoostWish =
  | { readonly kind: 'Raise'; readonly factor: number; readonly end: End }
  | { readonly kind: 'Stop' };

/**
 * What makes the boost of a class or a seat as wanted; undefined: it is so.
 *
 * @param present of class or seat
 * @param nowMs epoch ms
 * @param timeZone of the class
 * @throws CliError when the end has passed
 */
export function boostPatch(
  present: Boost | undefined,
  wish: BoostWish,
  { nowMs, timeZone }: { nowMs: number; timeZone: string },
): Patch | undefined {
  if (wish.kind === 'Stop') return present === undefined ? undefined : { spec: { boost: null } };
  const untilMs = endMs(wish.end, { nowMs, timeZone });
  if (untilMs === undefined) throw new Error('the flags of a boost say when it ends');
  const boost = { factor: wish.factor, until: localInstant(untilMs, timeZone) };
  const isSame = present?.factor === boost.factor && Date.parse(present.until) === Date.parse(boost.until);
  return isSame ? undefined : { spec: { boost } };
}

/**
 * Which boost raises limits now, and until when.
 *
 * @param seat of one student; undefined: of the whole class
 * @param nowMs epoch ms
 */
export function boostWords(classroom: Classroom, seat: StudentQuota | undefined, nowMs: number): string[] {
  const timeZone = timeZoneOf(classroom);
  const ofClass = boostOf(classroom.spec.boost);
  const ofSeat = boostOf(seat?.spec.boost);
  const active = activeBoost([ofSeat, ofClass], nowMs);
  const whose = seat === undefined ? classroom.metadata.name : seat.spec.student.id;
  if (active === undefined) return [`The limits of ${whose} are as written: no boost raises them.`];
  const source = seat !== undefined && active === ofClass ? ', by the boost of the class' : '';
  return [
    `The limits of ${whose} are multiplied by ${active.factor} until ${minuteInZone(active.untilMs, timeZone)}${source}.`,
    ...(classroom.spec.access === 'Exam' ? ['In the exam that runs no boost counts.'] : []),
  ];
}
