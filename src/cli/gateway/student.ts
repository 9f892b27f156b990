import type { Classroom } from '../../api/classroom.ts';
import { findCondition } from '../../api/condition.ts';
import { STUDENT_QUOTA_CONDITIONS } from '../../api/reasons.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { apiKeyIn } from '../../student/secret.ts';
import { findSeat, seatsOf, secretOf } from '../cluster/class-objects.ts';
import type { Cluster } from '../cluster/command.ts';
import { problems } from '../problems.ts';

/** As whom the gateway is asked. */
export interface AskingStudent {
  readonly id: string;
  readonly apiKey: string;
}

/**
 * A student with the key.
 *
 * @param id default: the only student of the class
 * @throws CliError when it is not clear who is meant, or there is no key yet
 */
export async function studentOf(
  cluster: Pick<Cluster, 'client'>,
  classroom: Classroom,
  id: string | undefined,
): Promise<AskingStudent> {
  const seat = id === undefined ? await onlySeat(cluster, classroom) : await findSeat(cluster, classroom, id);
  return withKey(cluster, seat);
}

async function onlySeat(cluster: Pick<Cluster, 'client'>, classroom: Classroom): Promise<StudentQuota> {
  const [first, ...more] = await seatsOf(cluster, classroom);
  const { name } = classroom.metadata;
  if (first === undefined) throw problems.nobodyEnrolled({ classroom: name });
  if (more.length === 0) return first;
  const ids = [first, ...more].map(({ spec }) => spec.student.id);
  throw problems.studentNotNamed({ classroom: name, ids });
}

/** The student of a seat, with the key. */
export async function withKey(cluster: Pick<Cluster, 'client'>, seat: StudentQuota): Promise<AskingStudent> {
  const { id } = seat.spec.student;
  const secret = await secretOf(cluster, seat);
  const apiKey = secret === undefined ? undefined : apiKeyIn(secret);
  if (apiKey !== undefined) return { id, apiKey };
  const why = findCondition(seat.status?.conditions, STUDENT_QUOTA_CONDITIONS.ready)?.message;
  throw problems.keyMissing({ student: id, why });
}
