import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { studentQuotas } from '../../api/student-quota.ts';
import { nonEmpty, onOrOff } from '../../command-line/values.ts';
import { type RosterDifference, rosterDifference } from '../../student/roster/difference.ts';
import { knownTimeZone } from '../../timetable/time-zone.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_FLAGS, WAIT_SHAPE, YES_FLAGS, YES_SHAPE } from '../cluster/flags.ts';
import { listAll } from '../cluster/list.ts';
import { waitForKeys } from '../cluster/wait-for-keys.ts';
import { coloursFor } from '../colours.ts';
import type { Runnable } from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { OUTPUT_FLAGS, OUTPUT_SHAPE, render } from '../output.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { applyDifference, checkDifference } from './apply.ts';
import { capacityNote } from './capacity.ts';
import {
  type EnrolmentReport,
  enrolmentReport,
  enrolmentSummary,
  enrolmentTable,
  faultLines,
} from './report.ts';
import { readRosterFile } from './roster-file.ts';

const enrollSchema = z.object({
  class: nonEmpty.optional(),
  file: nonEmpty,
  ignoreColumns: z
    .string()
    .optional()
    .transform((text) => text?.split(',').map((name) => name.trim()) ?? []),
  prune: onOrOff,
  dryRun: onOrOff,
  ...YES_SHAPE,
  ...WAIT_SHAPE,
  ...OUTPUT_SHAPE,
});
type EnrollOptions = z.output<typeof enrollSchema>;

const ENROLL: ClusterCommand<typeof enrollSchema> = {
  name: 'enroll',
  description:
    'Gives the students of a roster their seats: shows what differs from those there are, then makes it so. A seat brings a key.',
  schema: enrollSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    file: {
      spelling: '-f, --file <roster>',
      about: "CSV file with a student in each row, as spreadsheets save it; '-' is the standard input",
    },
    ignoreColumns: {
      spelling: '--ignore-columns <names>',
      about: 'columns of the roster to pass over, such as email,phone',
    },
    prune: {
      spelling: '--prune',
      about: 'take the seats, and with them the keys, of students who are not in the roster',
    },
    dryRun: {
      spelling: '--dry-run',
      about: 'show the difference and let the cluster check it; change nothing',
    },
    ...YES_FLAGS,
    ...WAIT_FLAGS,
    wait: { ...WAIT_FLAGS.wait, about: 'come back when all have their keys' },
    ...OUTPUT_FLAGS,
  },
  examples: [
    { about: 'what would change', command: 'kubectl classroom enroll python-101 -f roster.csv --dry-run' },
    {
      about: 'enrol, and come back when the keys can be handed out',
      command: 'kubectl classroom enroll python-101 -f roster.csv --wait',
    },
    {
      about: 'those who are not listed any more lose their seats',
      command: 'kubectl classroom enroll python-101 -f roster.csv --prune',
    },
  ],
  run: enroll,
};

/** `kubectl classroom enroll`. */
export const enrollCommand: Runnable = clusterCommand(ENROLL);

async function enroll(options: EnrollOptions, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const { dryRun, prune, output } = options;
  const { classroom, found, difference } = await withProgress(
    'Comparing the roster with the class',
    machine,
    () => compare(options, cluster),
  );
  const report = enrolmentReport(difference, classroom, { prune, applied: !dryRun });
  if (output === 'table') {
    machine.stdout.write(enrolmentTable(report, coloursFor(machine.stdout, machine.env)));
  }
  if (!dryRun) await makeSo(difference, report, options, cluster);
  machine.stdout.write(render(report, output, () => `${enrolmentSummary(report)}\n`));
  const note = capacityNote(found, studentsAfter(difference, options));
  if (note !== undefined) machine.stderr.write(`${note}\n`);
  if (output === 'table' && !dryRun) {
    machine.stderr.write(`Next: kubectl classroom keys export ${classroom.name} -n ${classroom.namespace}\n`);
  }
  return EXIT_CODES.done;
}

interface Compared {
  readonly classroom: { readonly name: string; readonly namespace: string };
  /** The class as it was found. */
  readonly found: Classroom;
  readonly difference: RosterDifference;
}

function studentsAfter(
  { added, changed, unchanged, unlisted }: RosterDifference,
  { prune }: Pick<EnrollOptions, 'prune'>,
): number {
  return added.length + changed.length + unchanged.length + (prune ? 0 : unlisted.length);
}

/** Nothing is changed here, and nothing is left that the cluster would refuse. */
async function compare(options: EnrollOptions, cluster: Cluster): Promise<Compared> {
  const { file, ignoreColumns } = options;
  const found = await findClassroom(cluster, options.class);
  const { metadata, spec } = found;
  const { name, namespace = cluster.namespace } = metadata;
  const timeZone = knownTimeZone(spec.schedule?.timeZone);
  const rows = await readRosterFile(file, { timeZone, ignoreColumns }, cluster.machine);
  const seats = await listAll(cluster.client, studentQuotas, { namespace });
  const classroom = { name, namespace };
  const difference = rosterDifference(rows, classroom, seats);
  if (difference.faults.length > 0) {
    throw problems.rosterUnusable({ path: file, faults: faultLines(difference.faults) });
  }
  await checkDifference(difference, file, cluster);
  return { classroom, found, difference };
}

async function makeSo(
  difference: RosterDifference,
  { removed }: EnrolmentReport,
  options: EnrollOptions,
  cluster: Cluster,
): Promise<void> {
  if (removed.length > 0) {
    const ids = removed.map(({ id }) => id).join(', ');
    const what = `This takes the seats and the keys of ${removed.length} ${removed.length === 1 ? 'student' : 'students'}: ${ids}.`;
    await confirm(what, options, cluster.machine);
  }
  await applyDifference(difference, options, cluster);
  if (!options.wait) return;
  const kept = [...difference.added, ...difference.changed.map(({ seat }) => seat), ...difference.unchanged];
  await waitForKeys(
    cluster,
    kept.map(({ metadata }) => metadata),
    options.timeout,
  );
}
