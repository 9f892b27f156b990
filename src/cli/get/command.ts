import { z } from 'zod';
import { nonEmpty, onOrOff } from '../../command-line/values.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { SCOPE_FLAGS, SCOPE_SHAPE } from '../cluster/flags.ts';
import { listAll } from '../cluster/list.ts';
import { readTable, serverTableText } from '../cluster/server-table.ts';
import type { Runnable } from '../command.ts';
import { customRows, customTable } from '../custom-columns.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { OBJECT_OUTPUT_FLAGS, OBJECT_OUTPUT_SHAPE, objectsText } from '../objects-output.ts';
import { withProgress } from '../progress.ts';
import { type Look, named, namesOfObject, namesOfRow, nothingText } from './look.ts';
import { queryFor, SUBJECTS, subjectOf } from './subject.ts';
import { watchObjects } from './watch.ts';

const getSchema = z.object({
  words: z
    .string()
    .optional()
    .transform((text) => text?.split(' ').filter((word) => word !== '') ?? []),
  class: nonEmpty.optional(),
  watch: onOrOff,
  ...SCOPE_SHAPE,
  ...OBJECT_OUTPUT_SHAPE,
});
type GetOptions = z.output<typeof getSchema>;

const GET: ClusterCommand<typeof getSchema> = {
  name: 'get',
  description: 'Shows classes, their students or their engines.',
  schema: getSchema,
  flags: {
    words: {
      spelling: '[what...]',
      about: `${SUBJECTS.join(', ')}, and names; without: all classes of the namespace`,
    },
    class: { spelling: '--class <name>', about: 'only this class, or students or engines of it' },
    watch: { spelling: '-w, --watch', about: 'go on with what changes, until Ctrl-C' },
    ...SCOPE_FLAGS,
    ...OBJECT_OUTPUT_FLAGS,
  },
  examples: [
    { about: 'all classes', command: 'kubectl classroom get -A' },
    { about: 'one class with its address', command: 'kubectl classroom get python-101 -o wide' },
    { about: 'the students of a class', command: 'kubectl classroom get students --class python-101' },
    { about: 'engines as they come and go', command: 'kubectl classroom get engines --watch' },
    {
      about: 'columns of your own',
      command:
        'kubectl classroom get students -o custom-columns=ID:.spec.student.id,TOKENS:.status.usage.tokensTotal',
    },
  ],
  offers: {
    words: async (given, known) => {
      if (given.length === 0) return [...SUBJECTS, ...(await known.classes())];
      const { subject } = subjectOf(given);
      switch (subject) {
        case 'classes':
          return known.classes();
        case 'students':
          return known.students();
        case 'engines':
          return known.engines();
      }
    },
  },
  run: get,
};

/** `kubectl classroom get`. */
export const getCommand: Runnable = clusterCommand(GET);

async function get({ words, ...options }: GetOptions, cluster: Cluster): Promise<ExitCode> {
  const { subject, names: given } = subjectOf(words);
  // Of classes, the one of that name.
  const names = subject === 'classes' && options.class !== undefined ? [...given, options.class] : given;
  const namespace = options.allNamespaces ? undefined : cluster.namespace;
  const look: Look = {
    ...queryFor(subject, { classroom: options.class, selector: options.selector }),
    asked: { subject, names, namespace, classroom: options.class },
    output: options.output,
  };
  if (options.watch) return watchObjects(look, cluster);
  const { machine, client } = cluster;
  const text = await withProgress(`Reading ${subject}`, machine, () => textOf(look, client));
  if (text === '') machine.stderr.write(nothingText(look));
  machine.stdout.write(text);
  return EXIT_CODES.done;
}

/** Empty where there is nothing. */
async function textOf({ resource, asked, output, ...query }: Look, client: KubeClient): Promise<string> {
  const { namespace, names } = asked;
  const scope = { ...query, ...(namespace === undefined ? {} : { namespace }) };
  if (output === 'table' || output === 'wide') {
    const table = await readTable(client, resource, scope);
    const rows = named(asked, table.rows, namesOfRow(table));
    const shown = { wide: output === 'wide', withNamespace: namespace === undefined };
    return rows.length === 0 ? '' : serverTableText({ ...table, rows }, shown);
  }
  const objects = named(asked, await listAll(client, resource, scope), namesOfObject);
  if (typeof output === 'string')
    return objectsText(resource, objects, { format: output, one: names.length === 1 });
  const rows = await customRows(output.columns, objects);
  return rows.length === 0 ? '' : customTable(output.columns, rows);
}
