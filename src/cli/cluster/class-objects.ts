import { type Classroom, classrooms } from '../../api/classroom.ts';
import { COMPONENTS, LABELS } from '../../api/labels.ts';
import { withNullsAbsent } from '../../api/parse.ts';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import { closest } from '../../command-line/closest.ts';
import { type Pod, pods, type Secret, secrets } from '../../kube/resources.ts';
import { problems } from '../problems.ts';
import type { Cluster } from './command.ts';
import { listAll } from './list.ts';

/** How a class is looked for. */
type Where = Pick<Cluster, 'client' | 'namespace'>;

/**
 * The class of that name; without a name the only one of the namespace.
 *
 * @throws CliError when there is none, or several and no name
 */
export async function findClassroom(where: Where, name: string | undefined): Promise<Classroom> {
  const { client, namespace } = where;
  if (name === undefined) return onlyClassroom(where);
  const found = await client.get(classrooms, { namespace, name });
  if (found !== undefined) return withNullsAbsent(found);
  const others = (await listAll(client, classrooms, { namespace })).map(({ metadata }) => metadata.name);
  throw problems.classNotFound({ name, namespace, others });
}

async function onlyClassroom({ client, namespace }: Where): Promise<Classroom> {
  const [first, ...more] = await listAll(client, classrooms, { namespace });
  if (first === undefined) throw problems.noClass({ namespace });
  if (more.length === 0) return withNullsAbsent(first);
  throw problems.classNotNamed({ namespace, names: [first, ...more].map(({ metadata }) => metadata.name) });
}

/** The seats of a class, by student id. */
export async function seatsOf(where: Pick<Cluster, 'client'>, classroom: Classroom): Promise<StudentQuota[]> {
  const { name, namespace = '' } = classroom.metadata;
  const fieldSelector = `spec.classroomRef.name=${name}`;
  const seats = await listAll(where.client, studentQuotas, { namespace, fieldSelector });
  return seats.map(withNullsAbsent).sort((a, b) => compareIds(a.spec.student.id, b.spec.student.id));
}

/** As people count: s2 before s10, whatever the machine's language. */
function compareIds(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/**
 * The seat of one student of a class, by the student's id.
 *
 * @throws CliError when there is none
 */
export async function findSeat(
  where: Pick<Cluster, 'client'>,
  classroom: Classroom,
  student: string,
): Promise<StudentQuota> {
  return seatAmong(await seatsOf(where, classroom), classroom, student);
}

/**
 * The same among the seats of the class.
 *
 * @throws CliError when there is none
 */
export function seatAmong(
  seats: readonly StudentQuota[],
  classroom: Classroom,
  student: string,
): StudentQuota {
  const seat = seats.find(({ spec }) => spec.student.id === student);
  if (seat !== undefined) return seat;
  const meant = closest(
    student,
    seats.map(({ spec }) => spec.student.id),
  );
  throw problems.seatNotFound({ student, classroom: classroom.metadata.name, meant });
}

/** The engine pods of a class, by name. */
export async function enginePodsOf(where: Pick<Cluster, 'client'>, classroom: Classroom): Promise<Pod[]> {
  const { name, namespace = '' } = classroom.metadata;
  const labelSelector = `${LABELS.component}=${COMPONENTS.engine},${LABELS.classroom}=${name}`;
  return listAll(where.client, pods, { namespace, labelSelector });
}

/** The Secret with a student's key; undefined while there is none. */
export async function secretOf(
  where: Pick<Cluster, 'client'>,
  seat: StudentQuota,
): Promise<Secret | undefined> {
  const { namespace = '' } = seat.metadata;
  const name = seat.status?.secretName;
  return name === undefined ? undefined : where.client.get(secrets, { namespace, name });
}
