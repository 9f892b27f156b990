import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { nonEmpty } from '../../command-line/values.ts';
import type { KubeObject } from '../../kube/object.ts';
import { findClassroom, findSeat, seatsOf } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { ifAllowed } from '../cluster/if-allowed.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { withProgress } from '../progress.ts';
import { classReport } from '../status/report.ts';
import { type Look, lookAt } from '../status/text.ts';
import { classText } from './class-text.ts';
import { eventsOf, eventTable } from './events.ts';
import { seatText } from './seat-text.ts';
import { section } from './section.ts';

const describeSchema = z.object({ class: nonEmpty.optional(), student: nonEmpty.optional() });

const DESCRIBE: ClusterCommand<typeof describeSchema> = {
  name: 'describe',
  description:
    'Tells all that the cluster says of a class, or of the seat of one student, with what happened lately.',
  schema: describeSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    student: { spelling: '--student <id>', about: 'the seat of this student' },
  },
  examples: [
    { about: 'a class', command: 'kubectl classroom describe python-101' },
    { about: 'a student of it', command: 'kubectl classroom describe python-101 --student alice' },
  ],
  run: describe,
};

/** `kubectl classroom describe`. */
export const describeCommand: Runnable = clusterCommand(DESCRIBE);

async function describe(
  { class: name, student }: z.output<typeof describeSchema>,
  cluster: Cluster,
): Promise<ExitCode> {
  const { machine } = cluster;
  const look = lookAt(machine);
  const text = await withProgress('Reading the class', machine, async () => {
    const classroom = await findClassroom(cluster, name);
    return student === undefined
      ? describeClass(classroom, cluster, look)
      : describeSeat(classroom, student, cluster, look);
  });
  machine.stdout.write(text);
  return EXIT_CODES.done;
}

async function describeClass(classroom: Classroom, cluster: Cluster, look: Look): Promise<string> {
  const [seats, happened] = await Promise.all([
    ifAllowed(seatsOf(cluster, classroom)),
    happenedTo(classroom, cluster, look),
  ]);
  const report = classReport(classroom, seats, look.nowMs);
  return `${classText({ classroom, seats, report }, look)}${happened}`;
}

async function describeSeat(
  classroom: Classroom,
  student: string,
  cluster: Cluster,
  look: Look,
): Promise<string> {
  const seat = await findSeat(cluster, classroom, student);
  return `${seatText(classroom, seat, look)}${await happenedTo(seat, cluster, look)}`;
}

async function happenedTo(object: KubeObject, cluster: Cluster, { nowMs }: Look): Promise<string> {
  const found = await ifAllowed(eventsOf(cluster, object));
  const text = section('Lately', found === undefined ? '<not yours to see>' : eventTable(found, nowMs));
  return text === '' ? '' : `\n${text}`;
}
