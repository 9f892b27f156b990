import { randomInt } from 'node:crypto';
import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { servedNameOf } from '../../api/model.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { nonEmpty, oneOf, onOrOff } from '../../command-line/values.ts';
import type { LedgerExtract } from '../../report/extract.ts';
import { type ClassSeat, seatsWithoutRequest } from '../../report/not-asked.ts';
import { pseudonymsOf, withoutAdapterNames } from '../../report/pseudonyms.ts';
import {
  GROUPINGS,
  type Report,
  type ReportOptions,
  reportOf,
  type StudentName,
} from '../../report/report.ts';
import { sessionsFrom } from '../../timetable/session.ts';
import { findClassroom, seatsOf } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { YES_FLAGS, YES_SHAPE } from '../cluster/flags.ts';
import { ifAllowed } from '../cluster/if-allowed.ts';
import { coloursFor } from '../colours.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { GATEWAY_FLAGS, GATEWAY_SHAPE } from '../gateway/flags.ts';
import type { Machine } from '../machine.ts';
import { printable } from '../printable.ts';
import { withProgress } from '../progress.ts';
import { writeFiles } from '../written-files.ts';
import { readAccount } from './read.ts';

const FORMATS = ['markdown', 'csv', 'json', 'html'] as const;
type Format = (typeof FORMATS)[number];

const localDay = z.iso.date('must be a local date such as 2026-09-01');

const reportSchema = z.object({
  class: nonEmpty.optional(),
  by: oneOf(GROUPINGS),
  since: localDay.optional(),
  until: localDay.optional(),
  format: oneOf(FORMATS),
  to: nonEmpty.optional(),
  pseudonyms: onOrOff,
  ...YES_SHAPE,
  ...GATEWAY_SHAPE,
});
type ReportFlags = z.output<typeof reportSchema>;

const REPORT: ClusterCommand<typeof reportSchema> = {
  name: 'report',
  description:
    'Tells from the ledger of the gateway what a class did: requests, tokens, minutes of work, waits and refusals of each student, by day, session or course, and what its GPUs did meanwhile.',
  schema: reportSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    by: { spelling: '--by <what>', about: GROUPINGS.join(', '), default: 'day', words: GROUPINGS },
    since: {
      spelling: '--since <date>',
      about: 'first local day of the class; default: the first of the ledger',
    },
    until: { spelling: '--until <date>', about: 'last local day; default: today' },
    format: {
      spelling: '--format <format>',
      about:
        'markdown; csv: a row for each student and day, session or course; json: all figures; html: a page with charts, to print',
      default: 'markdown',
      words: FORMATS,
    },
    to: {
      spelling: '--to <path>',
      about: 'file; default: standard output. Only you can read what is written',
    },
    pseudonyms: {
      spelling: '--pseudonyms',
      about: 'name nobody: students and adapters get numbers, drawn anew for each report',
    },
    yes: { ...YES_FLAGS.yes, about: 'do not ask whether a file may be replaced' },
    ...GATEWAY_FLAGS,
  },
  examples: [
    { about: 'the course so far, day by day', command: 'kubectl classroom report python-101' },
    {
      about: 'a page to print',
      command:
        'kubectl classroom report python-101 --by session --format html --to september.html --since 2026-09-01 --until 2026-09-30',
    },
    {
      about: 'a table for a spreadsheet that names nobody',
      command: 'kubectl classroom report python-101 --format csv --pseudonyms --to use.csv',
    },
  ],
  faults: ({ since, until }) =>
    typeof since === 'string' && typeof until === 'string' && since > until
      ? ['--since must not be later than --until']
      : [],
  run: report,
};

/** `kubectl classroom report`. */
export const reportCommand: Runnable = clusterCommand(REPORT);

async function report(flags: ReportFlags, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const { format, to } = flags;
  const made = await withProgress('Reading the ledger', machine, async () => {
    const classroom = await findClassroom(cluster, flags.class);
    const [extract, seats] = await Promise.all([
      readAccount(classroom, flags, cluster, flags.gatewayUrl),
      ifAllowed(seatsOf(cluster, classroom)),
    ]);
    return reportOn({ classroom, extract, seats }, flags);
  });
  warn(made, format, machine);
  const text = await rendered(made, format, to !== undefined);
  if (to === undefined) machine.stdout.write(text);
  else {
    await writeFiles([{ path: to, text }], flags, machine);
    machine.stdout.write(`${to}\n`);
  }
  return EXIT_CODES.done;
}

/** What a report is made of. */
interface Sources {
  readonly classroom: Classroom;
  readonly extract: LedgerExtract;
  /** Undefined where they may not be read. */
  readonly seats: readonly StudentQuota[] | undefined;
}

function reportOn(sources: Sources, { by, pseudonyms }: ReportFlags): Report {
  const { extract, seats } = sources;
  const { schedule } = sources.classroom.spec;
  const shared = {
    by,
    notAsked: seats && seatsWithoutRequest(seats.map(classSeatOf), extract),
    sessionsFrom: (ms: number) => (schedule === undefined ? [] : sessionsFrom(schedule, ms)),
  };
  if (pseudonyms) return pseudonymousReport(sources, shared);
  // Who left the class is known by the id alone, and so is everybody where seats may not be read.
  const names = new Map(seats?.map(({ spec: { student } }) => [student.id, nameOf(student)]));
  const named = (id: string): StudentName => names.get(id) ?? { student: id };
  return reportOf(extract, { ...shared, pseudonymous: false, named });
}

function pseudonymousReport(
  { classroom: { spec, status }, extract }: Sources,
  shared: Omit<ReportOptions, 'named' | 'pseudonymous'>,
): Report {
  const draw = (limit: number): number => randomInt(limit);
  const ids = [...extract.students.map(({ student }) => student), ...(shared.notAsked ?? [])];
  const numbers = pseudonymsOf(ids, draw);
  const served = [servedNameOf(spec.model), status?.servedName ?? '', ...spec.model.aliases];
  const named = (id: string): StudentName => ({ student: numbers.get(id) ?? '' });
  return reportOf(withoutAdapterNames(extract, served, draw), { ...shared, pseudonymous: true, named });
}

function classSeatOf({ metadata, spec }: StudentQuota): ClassSeat {
  const { student, expiresAt } = spec;
  return {
    student: student.id,
    beganMs: Date.parse(metadata.creationTimestamp ?? ''),
    endsMs: expiresAt === undefined ? undefined : Date.parse(expiresAt),
  };
}

function nameOf({ id, displayName, group }: StudentQuota['spec']['student']): StudentName {
  return {
    student: id,
    ...(displayName !== undefined && { name: printable(displayName) }),
    ...(group !== undefined && { group: printable(group) }),
  };
}

/** The other formats say it themselves. */
function warn({ by, notAsked }: Report, format: Format, { stderr, env }: Machine): void {
  if (format !== 'csv' || by !== 'course' || notAsked !== null) return;
  const { yellow } = coloursFor(stderr, env);
  stderr.write(
    `${yellow('warning:')} who has not asked is not in the table: you may not list the StudentQuotas of the class\n`,
  );
}

/** Charts are loaded only for who wants them. */
async function rendered(made: Report, format: Format, isFile: boolean): Promise<string> {
  switch (format) {
    case 'markdown':
      return (await import('../../report/markdown.ts')).reportMarkdown(made);
    case 'csv':
      return (await import('../../report/csv.ts')).reportCsv(made, { bom: isFile });
    case 'json':
      return `${JSON.stringify(made, null, 2)}\n`;
    case 'html': {
      const [{ chartsOf }, { reportPage }] = await Promise.all([
        import('../../report/charts.ts'),
        import('../../report/page.ts'),
      ]);
      return reportPage(made, chartsOf(made));
    }
  }
}
