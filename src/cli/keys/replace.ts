import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import type { Texts } from '../../command-line/parse.ts';
import { nonEmpty, onOrOff } from '../../command-line/values.ts';
import { currentKey } from '../../student/key-record.ts';
import { type Changed, changeObject } from '../change/change-object.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import type { Cluster } from '../cluster/command.ts';
import { WAIT_FLAGS, WAIT_SHAPE, YES_FLAGS, YES_SHAPE } from '../cluster/flags.ts';
import { forEachSeat } from '../cluster/for-each-seat.ts';
import { waitForKeys } from '../cluster/wait-for-keys.ts';
import type { Offer } from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { changeLine } from '../objects-output.ts';
import { problems } from '../problems.ts';
import { chosenSeats, namesOf, studentIds } from './chosen-seats.ts';

/** Of commands that replace keys. */
export const REPLACE_SHAPE = {
  class: nonEmpty.optional(),
  students: studentIds.optional(),
  all: onOrOff,
  ...YES_SHAPE,
  ...WAIT_SHAPE,
};
const replaceSchema = z.object(REPLACE_SHAPE);
type ReplaceOptions = z.output<typeof replaceSchema>;

export const REPLACE_FLAGS = {
  class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
  students: { spelling: '--students <ids>', about: 'whose keys, such as alice,bob' },
  all: { spelling: '--all', about: 'the keys of all students of the class' },
  ...YES_FLAGS,
  ...WAIT_FLAGS,
} as const;

export const STUDENTS_OFFER: Readonly<Record<string, Offer>> = {
  students: ([classroom], known) => known.students(classroom),
};

/** Nobody ends the keys of a whole class by leaving a flag out. */
export function whoseFaults({ students, all }: Texts): readonly string[] {
  const isAll = all === 'true';
  if (students === undefined && !isAll) {
    return ['--students or --all must say whose keys are meant, such as --students alice,bob'];
  }
  return students !== undefined && isAll
    ? ['--students and --all must not be used together: the one means some, the other everybody']
    : [];
}

/** How a replacement differs from others. */
export interface Replacement {
  /** As typed, for messages: `kubectl classroom keys rotate`. */
  readonly command: string;
  /** How long the present keys go on to work. */
  readonly overlapMinutes: number;
  /** What becomes of the keys, as a sentence. */
  what(students: string): string;
  /** Of the seats that were chosen, those to do; undefined: all. @param nowMs epoch ms */
  readonly isDue?: (seat: StudentQuota, nowMs: number) => boolean;
}

/**
 * Asks the operator for new keys, by the next generation of each seat.
 *
 * @throws CliError that says how much was done
 */
export async function replaceKeys(
  options: ReplaceOptions,
  replacement: Replacement,
  cluster: Cluster,
): Promise<ExitCode> {
  const { machine } = cluster;
  const classroom = await findClassroom(cluster, options.class);
  const seats = await dueSeats(cluster, classroom, options, replacement);
  if (seats.length === 0) {
    machine.stderr.write('There is nothing to do: no key is that old, or new ones are asked for already.\n');
    return EXIT_CODES.done;
  }
  const waitsForExam = classroom.spec.access === 'Exam' && replacement.overlapMinutes > 0;
  const what = replacement.what(whose(seats));
  await confirm(waitsForExam ? `${what} ${AFTER_EXAM}` : what, options, machine);
  await rotateSeats(seats, replacement, cluster);
  for (const { metadata } of seats) {
    machine.stdout.write(changeLine(studentQuotas, metadata.name, 'configured'));
  }
  if (waitsForExam) machine.stderr.write(`${AFTER_EXAM}\n`);
  if (options.wait) {
    await waitForKeys(
      cluster,
      seats.map(({ metadata }) => metadata),
      options.timeout,
    );
  }
  const { name, namespace = cluster.namespace } = classroom.metadata;
  const some = options.students === undefined ? '' : ` --students ${options.students.join(',')}`;
  machine.stderr.write(`Next: kubectl classroom keys export ${name} -n ${namespace}${some}\n`);
  return EXIT_CODES.done;
}

const AFTER_EXAM =
  'The class is in an exam: the new keys are made when it is over, and the overlap begins then.';

async function dueSeats(
  cluster: Cluster,
  classroom: Classroom,
  { students }: Pick<ReplaceOptions, 'students'>,
  { isDue = () => true }: Pick<Replacement, 'isDue'>,
): Promise<StudentQuota[]> {
  const nowMs = cluster.machine.clock.now();
  return (await chosenSeats(cluster, classroom, students)).filter((seat) => isDue(seat, nowMs));
}

function whose(seats: readonly StudentQuota[]): string {
  return `${seats.length} ${seats.length === 1 ? 'student' : 'students'} (${namesOf(seats)})`;
}

function rotateSeats(
  seats: readonly StudentQuota[],
  { command, overlapMinutes }: Replacement,
  cluster: Cluster,
): Promise<void> {
  return forEachSeat(
    seats,
    (seat) => rotateSeat(seat, overlapMinutes, cluster.client),
    {
      progress: (count) => `${count} of ${seats.length} keys`,
      stopped: (stopped) => problems.replacementStopped({ ...stopped, command }),
    },
    cluster,
  );
}

/**
 * Raises the generation of what is there. Were it raised of what was read once, somebody's rotation with an overlap at the
 * same time would take the place of a revocation.
 */
function rotateSeat(
  seat: StudentQuota,
  overlapMinutes: number,
  client: Cluster['client'],
): Promise<Changed<StudentQuota>> {
  return changeObject(client, studentQuotas, seat, (latest) => ({
    spec: { keyRotation: nextRotation(latest, overlapMinutes) },
  }));
}

/** A revocation that the operator has not got to yet stays one, whatever is asked for on top of it. */
function nextRotation({ spec: { keyRotation }, status }: StudentQuota, overlapMinutes: number) {
  const made = currentKey(status?.keys ?? [])?.generation;
  const isRevoked = keyRotation.overlapMinutes === 0 && made !== undefined && keyRotation.generation > made;
  return { generation: keyRotation.generation + 1, overlapMinutes: isRevoked ? 0 : overlapMinutes };
}
