import { type Machine, machineText } from '../../report/machine.ts';
import { markdownTable, type ReportTable, spreadText } from '../../report/table.ts';
import type { Figures } from './measure.ts';
import type { CompareOptions } from './options.ts';

/** The rounds of each contender, by the name people know it by. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>;

const OURS = 'GPU Classroom';

/** One row for each contender. */
export function figuresTable(rounds: Rounds): ReportTable {
  return {
    head: [
      '',
      'requests/s',
      'added p50, ms',
      'added p99, ms',
      'first frame p50, ms',
      'first frame p99, ms',
      'CPU per frame, µs',
      'memory at 1,000 streams, MiB',
      'frames lost',
      'streams broken',
      'failed',
    ],
    rows: [...rounds].map(([name, figures]) => [
      name,
      spreadText(
        figures.map((one) => one.requestsPerSecond),
        0,
      ),
      spreadText(
        figures.map((one) => one.p50Ms - one.directP50Ms),
        2,
      ),
      spreadText(
        figures.map((one) => one.p99Ms - one.directP99Ms),
        2,
      ),
      spreadText(
        figures.map((one) => one.firstFrameP50Ms),
        2,
      ),
      spreadText(
        figures.map((one) => one.firstFrameP99Ms),
        2,
      ),
      spreadText(
        figures.map((one) => one.cpuUsPerFrame),
        1,
      ),
      spreadText(
        figures.map((one) => one.residentMiB),
        0,
      ),
      String(figures.reduce((sum, one) => sum + one.framesLost, 0)),
      String(figures.reduce((sum, one) => sum + one.streamsBroken, 0)),
      String(figures.reduce((sum, one) => sum + one.failed, 0)),
    ]),
  };
}

/** Our requests a second against those of each other one, round by round. */
export function ratiosTable(rounds: Rounds): ReportTable {
  const ours = rounds.get(OURS) ?? [];
  return {
    head: ['requests/s of GPU Classroom', 'ratio'],
    rows: [...rounds]
      .filter(([name]) => name !== OURS)
      .map(([name, figures]) => [
        `against ${name}`,
        spreadText(
          figures.flatMap((other, round) => {
            const own = ours[round];
            return own === undefined ? [] : [own.requestsPerSecond / other.requestsPerSecond];
          }),
          2,
        ),
      ]),
  };
}

/** All of it as Markdown. */
export function markdownReport(rounds: Rounds, { seconds }: CompareOptions, machine: Machine): string {
  const count = Math.max(...[...rounds.values()].map((figures) => figures.length));
  const setting = `${count} round${count === 1 ? '' : 's'}, ${seconds} s for each load; medians, with the extremes.`;
  return [
    `${machineText(machine)}. ${setting}`,
    markdownTable(figuresTable(rounds)),
    markdownTable(ratiosTable(rounds)),
  ].join('\n\n');
}
