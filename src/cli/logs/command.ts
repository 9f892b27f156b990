import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { nonEmpty, onOrOff, positiveDuration, wholeNumber } from '../../command-line/values.ts';
import { KubeApiError } from '../../kube/errors.ts';
import type { Pod } from '../../kube/resources.ts';
import { enginePodsOf, findClassroom } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { currentReady } from '../cluster/wait-for-class.ts';
import { type Colours, coloursFor } from '../colours.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { printable } from '../printable.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { createCauseFinder, type KnownCause } from './causes.ts';
import { followEngineStarts } from './engine-starts.ts';
import { type LogPart, readLog } from './read.ts';

const MAX_LINES = 1_000_000;
/** Of an engine: its start, which is where most fail, takes about so many lines. */
const DEFAULT_LINES = 300;

const logsSchema = z.object({
  class: nonEmpty.optional(),
  engine: nonEmpty.optional(),
  follow: onOrOff,
  previous: onOrOff,
  tail: z.union([z.literal('all').transform(() => undefined), wholeNumber(1, MAX_LINES)]),
  since: positiveDuration.optional(),
});
type LogsOptions = z.output<typeof logsSchema>;

const LOGS: ClusterCommand<typeof logsSchema> = {
  name: 'logs',
  description:
    'Shows what the engines of a class write. Lines by which a failure is known are marked, with what it means and what to do.',
  schema: logsSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    engine: { spelling: '--engine <pod>', about: 'only this engine; default: all of the class' },
    follow: { spelling: '-f, --follow', about: 'go on as they write, and as others start, until Ctrl-C' },
    previous: { spelling: '-p, --previous', about: 'of the start before, of engines that were started anew' },
    tail: {
      spelling: '--tail <lines>',
      about: 'so many lines from the end of each, or all',
      default: String(DEFAULT_LINES),
    },
    since: { spelling: '--since <duration>', about: 'only what is not older, such as 10m' },
  },
  examples: [
    { about: 'why does no engine answer?', command: 'kubectl classroom logs python-101' },
    {
      about: 'the start before, of one that fails again and again',
      command: 'kubectl classroom logs python-101 -p',
    },
    { about: 'while students work', command: 'kubectl classroom logs python-101 -f --tail 10' },
  ],
  offers: { engine: (_, known) => known.engines() },
  run: logs,
};

/** `kubectl classroom logs`. */
export const logsCommand: Runnable = clusterCommand(LOGS);

async function logs(options: LogsOptions, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const { classroom, engines } = await withProgress('Reading the class', machine, async () => {
    const found = await findClassroom(cluster, options.class);
    return { classroom: found, engines: await enginePodsOf(cluster, found) };
  });
  const chosen = chosenEngines(classroom, engines, options.engine);
  const shown: Shown = { cluster, options, colours: coloursFor(machine.stdout, machine.env) };
  try {
    const goesOn = options.follow && options.engine === undefined;
    return await (goesOn ? followLogs : showLogs)(classroom, chosen, shown);
  } catch (error) {
    // What is followed ends no other way, so that there is nothing to tell of.
    if (!options.follow || !machine.signal.aborted) throw error;
    return EXIT_CODES.interrupted;
  }
}

async function showLogs(classroom: Classroom, engines: readonly Pod[], shown: Shown): Promise<ExitCode> {
  const { stderr } = shown.cluster.machine;
  if (engines.length === 0) {
    stderr.write(noEngineText(classroom));
    return EXIT_CODES.done;
  }
  const told = engines.map((pod) => showLog(pod, { ...shown, prefix: prefixOf(pod, engines) }));
  const failures = await Promise.all(told);
  stderr.write(failingText(classroom, engines));
  return failures.includes(false) ? EXIT_CODES.failed : EXIT_CODES.done;
}

/** The logs of these, and of each engine that starts meanwhile from its first line on. */
async function followLogs(classroom: Classroom, engines: readonly Pod[], shown: Shown): Promise<ExitCode> {
  const { cluster, options } = shown;
  const { stdout, stderr, signal } = cluster.machine;
  stderr.write(engines.length === 0 ? noEngineText(classroom) : failingText(classroom, engines));
  const over = Promise.withResolvers<void>();
  const show = async (pod: Pod, part: LogsOptions): Promise<void> => {
    try {
      await showLog(pod, { ...shown, options: part, prefix: `${pod.metadata.name} | ` });
      if (stdout.destroyed) over.resolve();
    } catch (error) {
      over.reject(error);
    }
  };
  signal.addEventListener('abort', () => over.reject(signal.reason), { once: true });
  for (const pod of engines) void show(pod, options);
  const fromTheFirstLine = { ...options, tail: undefined, since: undefined, previous: false };
  const stop = followEngineStarts(cluster, classroom, engines, (pod) => void show(pod, fromTheFirstLine));
  try {
    await over.promise;
    return EXIT_CODES.done;
  } finally {
    await stop();
  }
}

function chosenEngines(
  classroom: Classroom,
  engines: readonly Pod[],
  name: string | undefined,
): readonly Pod[] {
  if (name === undefined) return engines;
  const engine = engines.find(({ metadata }) => metadata.name === name);
  if (engine !== undefined) return [engine];
  const { namespace = '' } = classroom.metadata;
  const there = engines.map(({ metadata }) => metadata.name);
  throw problems.notFound({ subject: 'engines', names: [name], namespace, there });
}

function noEngineText(classroom: Classroom): string {
  const why = currentReady(classroom)?.message ?? 'The operator has not looked at it since it was written.';
  return `Class "${classroom.metadata.name}" has no engine now. ${printable(why)}\n`;
}

interface Shown {
  readonly cluster: Cluster;
  readonly options: LogsOptions;
  readonly colours: Colours;
}

/** One engine needs no name before its lines. */
function prefixOf({ metadata }: Pod, all: readonly Pod[]): string {
  return all.length === 1 ? '' : `${metadata.name} | `;
}

/** @returns whether there was a log to show */
async function showLog(
  pod: Pod,
  { cluster, options, colours, prefix }: Shown & { prefix: string },
): Promise<boolean> {
  const { client, machine } = cluster;
  const { tail, since: sinceMs, previous, follow } = options;
  const part: LogPart = { tail, sinceMs, previous, follow };
  const causes = createCauseFinder();
  const shownPrefix = colours.dim(prefix);
  let lines = 0;
  try {
    for await (const line of readLog(client, pod, part)) {
      lines += 1;
      const cause = causes.read(line);
      const text = cause === undefined ? line : colours.red(line);
      machine.stdout.write(`${shownPrefix}${text}\n${causeText(cause, shownPrefix, colours)}`);
      // Whoever reads us, such as `head`, has seen enough.
      if (machine.stdout.destroyed) return true;
    }
    if (lines === 0) machine.stderr.write(emptyText(pod, options));
    return true;
  } catch (error) {
    if (machine.signal.aborted || !(error instanceof KubeApiError) || error.status === 401) throw error;
    machine.stderr.write(noLogText(pod, error, options));
    return false;
  }
}

function causeText(cause: KnownCause | undefined, prefix: string, { bold, red }: Colours): string {
  if (cause === undefined) return '';
  const { reason, what, next } = cause;
  return `${prefix}${red('^^^')} ${bold(reason)}: ${what}.\n${prefix}    ${next}\n`;
}

function emptyText({ metadata }: Pod, { previous, since }: LogsOptions): string {
  const when = since === undefined ? (previous ? 'in its start before' : 'since it started') : 'lately';
  const before = previous ? '' : ' What an earlier start wrote: --previous';
  return `Engine "${metadata.name}" wrote nothing ${when}.${before}\n`;
}

/** The API server's words say why; a kubelet that cannot be asked is nothing that a trainer can mend. */
function noLogText({ metadata }: Pod, { message }: KubeApiError, { previous }: LogsOptions): string {
  const which = previous ? 'no log of an earlier start' : 'no log';
  return `Engine "${metadata.name}" has ${which} to show: ${printable(message)}\n`;
}

/** What the operator says of those that fail: it knows ends that no log tells of. */
function failingText({ status }: Classroom, shown: readonly Pod[]): string {
  const names = new Set(shown.map(({ metadata }) => metadata.name));
  return (status?.engines ?? [])
    .flatMap(({ name, state, reason, message }) => {
      if (!names.has(name) || reason === undefined || message === undefined) return [];
      return [`${name}: ${[state, reason].filter(Boolean).join(', ')}: ${printable(message)}\n`];
    })
    .join('');
}
