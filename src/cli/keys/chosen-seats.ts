import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { closest } from '../../command-line/closest.ts';
import { seatsOf } from '../cluster/class-objects.ts';
import type { Cluster } from '../cluster/command.ts';
import { problems } from '../problems.ts';

/** Of `--students`: ids, without repetitions. */
export const studentIds = z.string().transform((text, context) => {
  const ids = text.split(',').map((id) => id.trim());
  if (!ids.includes('')) return [...new Set(ids)];
  context.addIssue('must be ids of students with a comma between them, such as alice,bob');
  return z.NEVER;
});

/**
 * The seats of a class that are meant, in the order of the class.
 *
 * @param ids undefined: all
 * @throws CliError when the class has no students, or none of such an id
 */
export async function chosenSeats(
  cluster: Pick<Cluster, 'client'>,
  classroom: Classroom,
  ids: readonly string[] | undefined,
): Promise<StudentQuota[]> {
  const seats = await seatsOf(cluster, classroom);
  const { name } = classroom.metadata;
  if (seats.length === 0) throw problems.noSeats({ classroom: name });
  if (ids === undefined) return seats;
  const known = seats.map(({ spec }) => spec.student.id);
  const missing = ids.filter((id) => !known.includes(id));
  if (missing.length > 0) {
    const meant = missing.flatMap((id) => closest(id, known) ?? []);
    throw problems.seatsNotFound({ students: missing, classroom: name, meant });
  }
  return seats.filter(({ spec }) => ids.includes(spec.student.id));
}

/** `alice, bob, carol and 27 more`. */
export function namesOf(seats: readonly StudentQuota[]): string {
  const ids = seats.map(({ spec }) => spec.student.id);
  const more = ids.length - NAMED;
  return more > 0 ? `${ids.slice(0, NAMED).join(', ')} and ${more} more` : ids.join(', ');
}

const NAMED = 5;
