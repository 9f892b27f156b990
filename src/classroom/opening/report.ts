import type { Classroom, ClassroomStatus } from '../../api/classroom.ts';
import type { ConditionDraft } from '../../api/condition.ts';
import { parseClassroom } from '../../api/parse.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../../api/reasons.ts';
import { timetableInputOf } from '../../timetable/open-until.ts';
import { openingOf } from '../../timetable/opening.ts';
import { timetableStatus } from '../../timetable/status.ts';
import { accessStatus } from './access-change.ts';
import { openCondition } from './condition.ts';

/** What the status says of timetable and access. */
export interface OpeningReport {
  readonly condition: ConditionDraft;
  readonly fields: Pick<ClassroomStatus, 'timetable' | 'access'>;
}

/**
 * Whether the class is open, by its spec as far as that can be read: also while engines stay as they are, because
 * something else in it cannot be acted on.
 *
 * @param nowMs epoch ms
 */
export function openingReport(seen: Classroom, nowMs: number): OpeningReport {
  const parsed = parseClassroom(seen);
  const previous = seen.status?.access;
  if (!parsed.ok) {
    return { condition: UNREADABLE, fields: previous === undefined ? {} : { access: previous } };
  }
  // Parsing leaves out the managed fields.
  const classroom = { ...seen, spec: parsed.classroom.spec };
  const input = timetableInputOf(classroom);
  const opening = openingOf(input, nowMs);
  const timetable = timetableStatus(input, opening, nowMs);
  return {
    condition: openCondition(classroom, opening),
    fields: { ...(timetable && { timetable }), access: accessStatus(classroom, previous, nowMs) },
  };
}

const UNREADABLE: ConditionDraft = {
  type: CLASSROOM_CONDITIONS.open,
  status: 'Unknown',
  reason: CLASSROOM_REASONS.withheld,
  message: 'The spec must be corrected first: see the condition SpecValid.',
};
