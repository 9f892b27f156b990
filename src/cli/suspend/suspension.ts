import type { StudentQuota } from '../../api/student-quota.ts';
import type { Patch } from '../change/change-object.ts';

/** What makes a seat suspended, or not; undefined: it is so. */
export function suspensionPatch(
  { spec }: Pick<StudentQuota, 'spec'>,
  access: StudentQuota['spec']['access'],
): Patch | undefined {
  return spec.access === access ? undefined : { spec: { access } };
}

/** Whether a seat is past its `expiresAt`. @param nowMs epoch ms */
export function hasEnded({ spec: { expiresAt } }: Pick<StudentQuota, 'spec'>, nowMs: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs;
}

/** What holds for these seats. @param nowMs epoch ms */
export function suspensionWords(seats: readonly StudentQuota[], nowMs: number): string[] {
  const idsOf = (chosen: readonly StudentQuota[]): string =>
    chosen.map(({ spec }) => spec.student.id).join(', ');
  const suspended = seats.filter(({ spec }) => spec.access === 'Suspended');
  const active = seats.filter(({ spec }) => spec.access === 'Active');
  const ended = active.filter((seat) => hasEnded(seat, nowMs));
  return [
    ...(suspended.length === 0
      ? []
      : [`Refused until resumed: ${idsOf(suspended)}. Seats, keys and what was used stay.`]),
    ...(active.length === 0 ? [] : [`Not suspended: ${idsOf(active)}.`]),
    ...(ended.length === 0
      ? []
      : [`Refused all the same, because the seat has ended (\`expiresAt\`): ${idsOf(ended)}.`]),
  ];
}
