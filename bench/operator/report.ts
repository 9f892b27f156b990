import { KUBERNETES_VERSION } from '../../src/demo/binaries/versions.ts';
import { type Machine, machineText } from '../report/machine.ts';
import { spreadOf } from '../report/statistics.ts';
import { markdownTable, type ReportTable, spreadText } from '../report/table.ts';
import type { BenchOptions } from './options.ts';
import type { Round } from './rounds.ts';
import type { Work } from './work.ts';

/** Operator and bare loop beside each other; medians, with the extremes where there were several rounds. */
export function comparisonTable(rounds: readonly Round[]): ReportTable {
  const row = (name: string, of: (work: Work) => number, digits: number): string[] => {
    const ratio = spreadText(
      rounds.map((round) => of(round.operator) / of(round.bareLoop)),
      2,
    );
    const operator = spreadText(
      rounds.map((round) => of(round.operator)),
      digits,
    );
    const bareLoop = spreadText(
      rounds.map((round) => of(round.bareLoop)),
      digits,
    );
    return [name, operator, bareLoop, ratio];
  };
  return {
    head: ['', 'operator', 'bare loop', 'ratio'],
    rows: [
      row('until everything is served, s', (work) => work.seconds, 1),
      row('of these until the first write, s', (work) => work.secondsToFirstWrite, 1),
      row('CPU, s', (work) => work.cpuSeconds, 1),
      row('peak memory (RSS), MiB', (work) => work.peakMiB, 0),
      row('writes', (work) => work.writes.total, 0),
      [
        'of these refused',
        spreadText(
          rounds.map((round) => round.operator.writes.refused),
          0,
        ),
        spreadText(
          rounds.map((round) => round.bareLoop.writes.refused),
          0,
        ),
        '',
      ],
      [
        'writes per object',
        spreadText(
          rounds.map((round) => round.operator.writes.total / round.objects),
          2,
        ),
        spreadText(
          rounds.map((round) => round.bareLoop.writes.total / round.objects),
          2,
        ),
        '',
      ],
    ],
  };
}

/** What was written how often: medians. */
export function writesTable(rounds: readonly Round[]): ReportTable {
  const names = rounds.flatMap(({ operator, bareLoop }) => [
    ...Object.keys(operator.writes.byResource),
    ...Object.keys(bareLoop.writes.byResource),
  ]);
  const median = (works: Work[], name: string): string =>
    spreadOf(works.map((work) => work.writes.byResource[name] ?? 0)).median.toFixed(0);
  const operators = rounds.map((round) => round.operator);
  const bareLoops = rounds.map((round) => round.bareLoop);
  return {
    head: ['written', 'operator', 'bare loop'],
    rows: [...new Set(names)].sort().map((name) => [name, median(operators, name), median(bareLoops, name)]),
  };
}

/** The restart where everything is as wanted. */
export function restartTable(rounds: readonly Round[]): ReportTable {
  const restarts = rounds.map((round) => round.restart);
  const watchSeconds = spreadOf(restarts.map((restart) => restart.watchSeconds)).max;
  const row = (name: string, values: number[], digits: number): string[] => [
    name,
    spreadText(values, digits),
  ];
  return {
    head: ['', 'operator'],
    rows: [
      row(
        'until the caches are complete, s',
        restarts.map((restart) => restart.secondsToSynced),
        1,
      ),
      row(
        'until everything was looked at, s',
        restarts.map((restart) => restart.secondsToFullPass),
        1,
      ),
      row(
        'CPU until then, s',
        restarts.map((restart) => restart.cpuSeconds),
        1,
      ),
      row(
        'peak memory (RSS), MiB',
        restarts.map((restart) => restart.peakMiB),
        0,
      ),
      row(
        `writes, also in the ${watchSeconds} s that follow`,
        restarts.map((restart) => restart.writes),
        0,
      ),
      row(
        'CPU in that time, % of a core',
        restarts.map((restart) => restart.idleCpuPercent),
        2,
      ),
    ],
  };
}

/** All of it as Markdown. */
export function markdownReport(rounds: readonly Round[], options: BenchOptions, machine: Machine): string {
  const { classes, students, workers } = options;
  const setting =
    `${classes} classes × ${students} students, ${rounds.length} round${rounds.length === 1 ? '' : 's'}, ` +
    `${workers} workers a controller, ${2 * workers} at once in the loop.`;
  return [
    `${machineText(machine)}, Kubernetes ${KUBERNETES_VERSION}. ${setting}`,
    markdownTable(comparisonTable(rounds)),
    'Writes by what was written (medians):',
    markdownTable(writesTable(rounds)),
    'Restart with everything in place:',
    markdownTable(restartTable(rounds)),
  ].join('\n\n');
}
