import { z } from 'zod';
import { nonEmpty } from '../../command-line/values.ts';
import { findClassroom, seatsOf } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_FLAGS, WAIT_SHAPE } from '../cluster/flags.ts';
import { ifAllowed } from '../cluster/if-allowed.ts';
import { waitForClass } from '../cluster/wait-for-class.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { OUTPUT_FLAGS, OUTPUT_SHAPE, render } from '../output.ts';
import { withProgress } from '../progress.ts';
import { classReport } from './report.ts';
import { lookAt, reportText } from './text.ts';

const statusSchema = z.object({ class: nonEmpty.optional(), ...WAIT_SHAPE, ...OUTPUT_SHAPE });

const STATUS: ClusterCommand<typeof statusSchema> = {
  name: 'status',
  description:
    'Says how a class is, in words: engines, students, timetable, what is wrong and what to do next.',
  schema: statusSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    ...WAIT_FLAGS,
    wait: { ...WAIT_FLAGS.wait, about: 'come back when students are served' },
    ...OUTPUT_FLAGS,
  },
  examples: [
    { about: 'one class', command: 'kubectl classroom status python-101' },
    {
      about: 'until its engines answer',
      command: 'kubectl classroom status python-101 --wait --timeout 15m',
    },
  ],
  run: status,
};

/** `kubectl classroom status`. */
export const statusCommand: Runnable = clusterCommand(STATUS);

async function status(options: z.output<typeof statusSchema>, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const named = await findClassroom(cluster, options.class);
  if (options.wait) await waitForClass(cluster, named.metadata, options.timeout);
  const [classroom, seats] = await withProgress('Reading the class', machine, () =>
    Promise.all([findClassroom(cluster, named.metadata.name), ifAllowed(seatsOf(cluster, named))]),
  );
  const look = lookAt(machine);
  const report = classReport(classroom, seats, look.nowMs);
  machine.stdout.write(render(report, options.output, () => reportText(report, look)));
  return EXIT_CODES.done;
}
