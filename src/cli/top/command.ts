import { z } from 'zod';
import { nonEmpty, oneOf, onOrOff, positiveDuration } from '../../command-line/values.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { GATEWAY_FLAGS, GATEWAY_SHAPE } from '../gateway/flags.ts';
import type { Machine } from '../machine.ts';
import { OUTPUT_FLAGS, OUTPUT_SHAPE, render } from '../output.ts';
import { withProgress } from '../progress.ts';
import { showLive } from './live.ts';
import { type ClassWatch, watchClass } from './read.ts';
import { type Moment, momentText, ORDERS, sorted } from './table.ts';

const topSchema = z.object({
  class: nonEmpty.optional(),
  once: onOrOff,
  interval: positiveDuration,
  sort: oneOf(ORDERS),
  ...GATEWAY_SHAPE,
  ...OUTPUT_SHAPE,
});
type TopOptions = z.output<typeof topSchema>;

const TOP: ClusterCommand<typeof topSchema> = {
  name: 'top',
  description:
    'Shows who works: requests, refusals, waits and tokens of each student today, and what runs now. On a terminal it goes on until Ctrl-C.',
  schema: topSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    once: { spelling: '--once', about: 'show one moment and end, as where no terminal is' },
    interval: { spelling: '--interval <duration>', about: 'between two looks', default: '2s' },
    sort: { spelling: '--sort <by>', about: ORDERS.join(', '), default: 'tokens', words: ORDERS },
    ...GATEWAY_FLAGS,
    ...OUTPUT_FLAGS,
  },
  examples: [
    { about: 'during a lesson', command: 'kubectl classroom top python-101' },
    { about: 'who is refused most', command: 'kubectl classroom top python-101 --once --sort refused' },
    { about: 'for a script', command: 'kubectl classroom top python-101 --once -o json' },
  ],
  run: top,
};

/** `kubectl classroom top`. */
export const topCommand: Runnable = clusterCommand(TOP);

async function top(options: TopOptions, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const watch = await watchClass(cluster, options.class, options.gatewayUrl);
  if (options.once || options.output !== 'table' || machine.screen === undefined) {
    await showOnce(watch, options, machine);
  } else {
    const { sort, interval } = options;
    await showLive(watch, { sort, interval, server: cluster.server }, machine, await machine.screen());
  }
  return EXIT_CODES.done;
}

async function showOnce(watch: ClassWatch, { output, sort }: TopOptions, machine: Machine): Promise<void> {
  const moment = await withProgress('Asking about the students', machine, () => watch.read());
  const shown: Moment = { ...moment, students: sorted(moment.students, sort, new Map()) };
  const asTable = (it: Moment): string =>
    momentText(it, { rates: undefined, rows: undefined, columns: undefined });
  machine.stdout.write(render(shown, output, asTable));
}
