import { z } from 'zod';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import { nonEmpty } from '../../command-line/values.ts';
import { type Changed, changeObject } from '../change/change-object.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE } from '../change/flags.ts';
import { tellChanges, tellWords } from '../change/tell.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import type { Cluster } from '../cluster/command.ts';
import { forEachSeat, type SeatsTelling } from '../cluster/for-each-seat.ts';
import type { Offer } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { chosenSeats } from '../keys/chosen-seats.ts';
import { problems } from '../problems.ts';
import { suspensionPatch, suspensionWords } from './suspension.ts';

/** Of `suspend` and `resume`. */
export const SUSPENSION_SHAPE = {
  class: nonEmpty,
  // As with --students of other commands, commas do too: no id has one.
  students: z
    .string()
    .transform((text) => [...new Set(text.split(/[ ,]+/).filter((id) => id !== ''))])
    .refine((ids) => ids.length > 0, 'must be ids of students, such as alice bob'),
  ...CHANGE_SHAPE,
};
const suspensionSchema = z.object(SUSPENSION_SHAPE);
type SuspensionOptions = z.output<typeof suspensionSchema>;

export const SUSPENSION_FLAGS = {
  class: { spelling: '<class>', about: 'name of the class' },
  students: { spelling: '<students...>', about: 'ids of students, such as alice bob' },
  ...CHANGE_FLAGS,
} as const;

export const SUSPENSION_OFFERS: Readonly<Record<string, Offer>> = {
  students: ([classroom], known) => known.students(classroom),
};

/** Which way, and the command as typed, for messages: `kubectl classroom suspend`. */
interface Direction {
  readonly access: StudentQuota['spec']['access'];
  readonly command: string;
}

/**
 * Suspends seats, or lets them go on.
 *
 * @throws CliError that says how much was done
 */
export async function changeSeats(
  options: SuspensionOptions,
  direction: Direction,
  cluster: Cluster,
): Promise<ExitCode> {
  const { machine } = cluster;
  const classroom = await findClassroom(cluster, options.class);
  const seats = await chosenSeats(cluster, classroom, options.students);
  const changed = await writeSeats(seats, direction, options, cluster);
  tellChanges(studentQuotas, changed, { ...options, one: seats.length === 1 }, machine);
  const after = changed.map(({ object }) => object);
  tellWords(suspensionWords(after, machine.clock.now()), options, machine);
  return EXIT_CODES.done;
}

/** In the order of the seats. */
async function writeSeats(
  seats: readonly StudentQuota[],
  { access, command }: Direction,
  options: SuspensionOptions,
  cluster: Cluster,
): Promise<Changed<StudentQuota>[]> {
  const changes = new Map<StudentQuota, Changed<StudentQuota>>();
  const write = async (seat: StudentQuota): Promise<void> => {
    const decide = (latest: StudentQuota) => suspensionPatch(latest, access);
    changes.set(seat, await changeObject(cluster.client, studentQuotas, seat, decide, options));
  };
  const telling: SeatsTelling = {
    progress: () => `${seats.length} seats`,
    stopped: (stopped) => problems.suspensionStopped({ ...stopped, command: `${command} ${options.class}` }),
  };
  await forEachSeat(seats, write, telling, cluster);
  return seats.flatMap((seat) => changes.get(seat) ?? []);
}
