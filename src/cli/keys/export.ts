import { join } from 'node:path';
import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS, LABELS } from '../../api/labels.ts';
import { nonEmpty, oneOf, onOrOff } from '../../command-line/values.ts';
import { secrets } from '../../kube/resources.ts';
import { envFile } from '../../student/handout/env-file.ts';
import { type Handout, handoutsOf } from '../../student/handout/handout.ts';
import { handoutPage } from '../../student/handout/page.ts';
import { keyTable } from '../../student/handout/table.ts';
import { HANDOUT_LANGUAGES, type HandoutLanguage } from '../../student/handout/words.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_FLAGS, WAIT_SHAPE, YES_FLAGS, YES_SHAPE } from '../cluster/flags.ts';
import { listAll } from '../cluster/list.ts';
import { waitForKeys } from '../cluster/wait-for-keys.ts';
import { coloursFor } from '../colours.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Machine } from '../machine.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { type OutputFile, writeFiles } from '../written-files.ts';
import { chosenSeats, studentIds } from './chosen-seats.ts';
import { STUDENTS_OFFER } from './replace.ts';

const FORMATS = ['csv', 'env', 'handout'] as const;
type Format = (typeof FORMATS)[number];

const exportSchema = z.object({
  class: nonEmpty.optional(),
  format: oneOf(FORMATS),
  to: nonEmpty.optional(),
  students: studentIds.optional(),
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be a URL, such as https://gpu.school.example/v1' })
    .optional(),
  language: oneOf(HANDOUT_LANGUAGES),
  skipMissing: onOrOff,
  ...YES_SHAPE,
  ...WAIT_SHAPE,
});
type ExportOptions = z.output<typeof exportSchema>;

const EXPORT: ClusterCommand<typeof exportSchema> = {
  name: 'keys export',
  description:
    'Hands out keys: as a table, as a .env file for each student, or as a sheet to print for each student with key, QR code and first programs. What it writes is secret.',
  schema: exportSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    format: {
      spelling: '--format <format>',
      about: 'csv: a table; env: a .env file each; handout: an HTML sheet each, and all in one to print',
      default: 'csv',
      words: FORMATS,
    },
    to: {
      spelling: '--to <path>',
      about:
        'file of csv, default standard output; folder of env and handout. Only you can read what is written',
    },
    students: { spelling: '--students <ids>', about: 'only these, such as alice,bob' },
    baseUrl: {
      spelling: '--base-url <url>',
      about: "address that students use, where the cluster's own does not reach them",
    },
    language: {
      spelling: '--language <tag>',
      about: `language of handouts: ${HANDOUT_LANGUAGES.join(', ')}`,
      default: 'en',
      words: HANDOUT_LANGUAGES,
    },
    skipMissing: { spelling: '--skip-missing', about: 'leave out students who have no key yet' },
    yes: { ...YES_FLAGS.yes, about: 'do not ask whether files may be replaced' },
    ...WAIT_FLAGS,
    wait: { ...WAIT_FLAGS.wait, about: 'wait until all have their keys' },
  },
  examples: [
    { about: 'a table for a spreadsheet', command: 'kubectl classroom keys export python-101 --to keys.csv' },
    {
      about: 'sheets to print, or to send to each student',
      command: 'kubectl classroom keys export python-101 --format handout --to handouts/',
    },
    {
      about: 'for students outside of the cluster, in Chinese',
      command:
        'kubectl classroom keys export python-101 --format handout --to handouts/ --language zh --base-url https://gpu.school.example/v1',
    },
  ],
  offers: STUDENTS_OFFER,
  faults: ({ format, to }) =>
    (format === 'env' || format === 'handout') && to === undefined
      ? [`--to must name a folder: --format ${format} makes a file for each student`]
      : [],
  run: exportKeys,
};

/** `kubectl classroom keys export`. */
export const exportCommand: Runnable = clusterCommand(EXPORT);

async function exportKeys(options: ExportOptions, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const handouts = await chosenHandouts(options, cluster);
  const { format, to, language } = options;
  if (to === undefined) {
    machine.stdout.write(keyTable(handouts, { bom: false }));
    warn('This output', handouts, machine);
    return EXIT_CODES.done;
  }
  const files = filesOf(handouts, { format, to, language });
  await writeFiles(files, options, machine);
  for (const { path } of files) machine.stdout.write(`${path}\n`);
  warn(to, handouts, machine);
  return EXIT_CODES.done;
}

function warn(where: string, { length }: readonly Handout[], { stderr, env }: Machine): void {
  const { yellow } = coloursFor(stderr, env);
  const keys = length === 1 ? 'the key of 1 student' : `the keys of ${length} students`;
  stderr.write(
    `${yellow('warning:')} ${where} holds ${keys}. Give each only to whom it belongs; one that was seen is ended by: kubectl classroom keys revoke\n`,
  );
}

/** @throws CliError when a key is missing, unless those without one are left out */
async function chosenHandouts(options: ExportOptions, cluster: Cluster): Promise<readonly Handout[]> {
  const { machine } = cluster;
  const classroom = await findClassroom(cluster, options.class);
  if (options.wait) {
    const seats = await chosenSeats(cluster, classroom, options.students);
    await waitForKeys(
      cluster,
      seats.map(({ metadata }) => metadata),
      options.timeout,
    );
  }
  const { handouts, missing } = await withProgress('Reading keys', machine, () =>
    readHandouts(classroom, options, cluster),
  );
  const lines = missing.map(({ id, why }) => `${id}: ${why}`);
  if (missing.length > 0 && (!options.skipMissing || handouts.length === 0)) {
    throw problems.keysMissing({ classroom: classroom.metadata.name, missing: lines });
  }
  for (const line of lines) machine.stderr.write(`left out: ${line}\n`);
  return handouts;
}

async function readHandouts(
  classroom: Classroom,
  { students, baseUrl }: ExportOptions,
  cluster: Cluster,
): Promise<ReturnType<typeof handoutsOf>> {
  const { name, namespace = cluster.namespace } = classroom.metadata;
  const seats = await chosenSeats(cluster, classroom, students);
  const labelSelector = `${LABELS.component}=${COMPONENTS.apiKey},${LABELS.classroom}=${name}`;
  const found = await listAll(cluster.client, secrets, { namespace, labelSelector });
  return handoutsOf(classroom, seats, found, baseUrl);
}

/** No seat can be called so: names of objects have no underscore. */
const ALL_SHEETS = '_all.html';

function filesOf(
  handouts: readonly Handout[],
  { format, to, language }: { format: Format; to: string; language: HandoutLanguage },
): OutputFile[] {
  switch (format) {
    case 'csv':
      return [{ path: to, text: keyTable(handouts, { bom: true }) }];
    case 'env':
      return handouts.map((handout) => ({
        path: join(to, `${handout.seat}.env`),
        text: envFile(handout.settings),
      }));
    case 'handout':
      return [
        ...handouts.map((handout) => ({
          path: join(to, `${handout.seat}.html`),
          text: handoutPage([handout], language),
        })),
        { path: join(to, ALL_SHEETS), text: handoutPage(handouts, language) },
      ];
  }
}
