import { z } from 'zod';
import { nonEmpty } from '../../command-line/values.ts';
import type { KubeObject } from '../../kube/object.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { SCOPE_FLAGS, SCOPE_SHAPE } from '../cluster/flags.ts';
import { listAll } from '../cluster/list.ts';
import { readTable, serverTableText } from '../cluster/server-table.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { OBJECT_OUTPUT_FLAGS, OBJECT_OUTPUT_SHAPE, objectsText } from '../objects-output.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { type Query, queryFor, SUBJECTS, type Subject, subjectOf } from './subject.ts';

const getSchema = z.object({
  words: z
    .string()
    .optional()
    .transform((text) => text?.split(' ').filter((word) => word !== '') ?? []),
  class: nonEmpty.optional(),
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
    class: { spelling: '--class <name>', about: 'only students or engines of this class' },
    ...SCOPE_FLAGS,
    ...OBJECT_OUTPUT_FLAGS,
  },
  examples: [
    { about: 'all classes', command: 'kubectl classroom get -A' },
    { about: 'one class with its address', command: 'kubectl classroom get python-101 -o wide' },
    { about: 'the students of a class', command: 'kubectl classroom get students --class python-101' },
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

async function get(options: GetOptions, cluster: Cluster): Promise<ExitCode> {
  const { subject, names } = subjectOf(options.words);
  const query = queryFor(subject, { classroom: options.class, selector: options.selector });
  const { output } = options;
  const { machine } = cluster;
  const look = { ...options, subject, names, query };
  const text = await withProgress(`Reading ${subject}`, machine, () =>
    output === 'table' || output === 'wide'
      ? tableOf(look, cluster)
      : objectsOf(look, cluster).then((objects) =>
          objectsText(query.resource, objects, { format: output, one: names.length === 1 }),
        ),
  );
  if (text === '') {
    const place = options.allNamespaces ? '' : ` in namespace "${cluster.namespace}"`;
    machine.stderr.write(`No ${subject} found${place}.\n`);
  }
  machine.stdout.write(text);
  return EXIT_CODES.done;
}

interface Look extends GetOptions {
  readonly subject: Subject;
  readonly names: readonly string[];
  readonly query: Query;
}

/** Empty where there is nothing. */
async function tableOf(look: Look, { client, namespace }: Cluster): Promise<string> {
  const { query, allNamespaces, output } = look;
  const scope = allNamespaces ? {} : { namespace };
  const table = await readTable(client, query.resource, { ...query, ...scope });
  const idColumn = table.columnDefinitions.findIndex(({ name }) => name === 'Student');
  const rows = named(look, namespace, table.rows, ({ object, cells }) => ({
    name: object.metadata.name,
    studentId: cells[idColumn],
  }));
  if (rows.length === 0) return '';
  return serverTableText({ ...table, rows }, { wide: output === 'wide', withNamespace: allNamespaces });
}

async function objectsOf(look: Look, { client, namespace }: Cluster): Promise<KubeObject[]> {
  const { query, allNamespaces } = look;
  const { resource, ...selectors } = query;
  const scope = allNamespaces ? {} : { namespace };
  const objects = await listAll(client, resource, { ...selectors, ...scope });
  return named(look, namespace, objects, (object) => ({
    name: object.metadata.name,
    studentId: seatSchema.safeParse(object).data?.spec.student.id,
  }));
}

const seatSchema = z.object({ spec: z.object({ student: z.object({ id: z.string() }) }) });

/** How people may name an object: a seat by the id of its student, too. */
interface Names {
  readonly name: string;
  readonly studentId: unknown;
}

/** Those that were named; without names all of them. */
function named<Item>(
  { names, subject, allNamespaces }: Look,
  namespace: string,
  items: readonly Item[],
  namesOf: (item: Item) => Names,
): Item[] {
  if (names.length === 0) return [...items];
  const isCalled = (item: Item, word: string): boolean => Object.values(namesOf(item)).includes(word);
  const missing = names.filter((word) => !items.some((item) => isCalled(item, word)));
  if (missing.length === 0) return items.filter((item) => names.some((word) => isCalled(item, word)));
  const there = items.map((item) => namesOf(item).name);
  throw problems.notFound({
    subject,
    names: missing,
    namespace: allNamespaces ? undefined : namespace,
    there,
  });
}
