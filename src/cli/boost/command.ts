import { z } from 'zod';
import { type Classroom, classrooms } from '../../api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import type { Texts } from '../../command-line/parse.ts';
import { nonEmpty, onOrOff, wholeNumber } from '../../command-line/values.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { type Changed, changeObject } from '../change/change-object.ts';
import { END_FLAGS, END_SHAPE, endFaults } from '../change/end.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE, CLASS_FLAGS, CLASS_SHAPE } from '../change/flags.ts';
import { timeZoneOf } from '../change/opening-words.ts';
import { tellChanges, tellWords } from '../change/tell.ts';
import { findClassroom, findSeat } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { type BoostWish, boostPatch, boostWords } from './boost.ts';

/** As the API takes it. */
const [MIN_FACTOR, MAX_FACTOR] = [2, 100];

const boostSchema = z.object({
  ...CLASS_SHAPE,
  student: nonEmpty.optional(),
  factor: wholeNumber(MIN_FACTOR, MAX_FACTOR),
  ...END_SHAPE,
  stop: onOrOff,
  ...CHANGE_SHAPE,
});
type BoostOptions = z.output<typeof boostSchema>;

const BOOST: ClusterCommand<typeof boostSchema> = {
  name: 'boost',
  description:
    'Raises the limits of a class, or of one student, for a while: requests and tokens a minute, tokens a day, requests at a time. It ends by itself. Of two boosts the larger counts; in an exam none does.',
  schema: boostSchema,
  flags: {
    ...CLASS_FLAGS,
    student: { spelling: '[student]', about: 'id of a student; default: the whole class' },
    factor: { spelling: '--factor <n>', about: 'by which limits are multiplied', default: '2' },
    ...END_FLAGS,
    stop: { spelling: '--stop', about: 'end the boost of the class, or of the student, now' },
    ...CHANGE_FLAGS,
  },
  examples: [
    {
      about: 'twice as much for all, for half an hour',
      command: 'kubectl classroom boost python-101 --for 30m',
    },
    {
      about: 'for one student, until the evening',
      command: 'kubectl classroom boost python-101 alice --factor 5 --until 18:00',
    },
    { about: 'enough of it', command: 'kubectl classroom boost python-101 --stop' },
  ],
  faults: boostFaults,
  run: boost,
};

/** `kubectl classroom boost`. */
export const boostCommand: Runnable = clusterCommand(BOOST);

function boostFaults(given: Texts): readonly string[] {
  const raising = (['factor', 'for', 'until'] as const).filter((field) => given[field] !== undefined);
  if (given.stop === 'true') {
    return raising.length === 0
      ? []
      : [
          `--stop ends a boost, so ${raising.map((field) => `--${field}`).join(' and ')} must not be used with it`,
        ];
  }
  return given.for === undefined && given.until === undefined
    ? ['--for or --until must say when the boost ends, such as --for 30m; --stop ends one now']
    : endFaults(given);
}

async function boost(options: BoostOptions, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const classroom = await findClassroom(cluster, options.class);
  const told = { ...options, one: true };
  let words: string[];
  if (options.student === undefined) {
    const changed = await writeBoost(classrooms, classroom, classroom, options, cluster);
    tellChanges(classrooms, [changed], told, machine);
    words = boostWords(changed.object, undefined, machine.clock.now());
  } else {
    const seat = await findSeat(cluster, classroom, options.student);
    const changed = await writeBoost(studentQuotas, seat, classroom, options, cluster);
    tellChanges(studentQuotas, [changed], told, machine);
    words = boostWords(classroom, changed.object, machine.clock.now());
  }
  tellWords(words, options, machine);
  return EXIT_CODES.done;
}

function writeBoost<T extends (Classroom | StudentQuota) & KubeObject>(
  resource: Resource<T>,
  found: T,
  classroom: Classroom,
  { factor, stop, dryRun, ...end }: BoostOptions,
  { client, machine }: Cluster,
): Promise<Changed<T>> {
  const wish: BoostWish = stop ? { kind: 'Stop' } : { kind: 'Raise', factor, end };
  const timeZone = timeZoneOf(classroom);
  return changeObject(
    client,
    resource,
    found,
    ({ spec }) => boostPatch(spec.boost, wish, { nowMs: machine.clock.now(), timeZone }),
    { dryRun },
  );
}
