import { type Machine, machineText } from '../report/machine.ts';
import { markdownTable, type ReportTable, spreadText } from '../report/table.ts';
import type { Times } from './starts.ts';

/** Each beside the first, which all others begin with too. Ratios are taken round by round: a slow minute hits both. */
export function startsTable(times: Times): ReportTable {
  const [[, bare] = ['', []]] = Object.entries(times);
  return {
    head: ['', 'ms', 'ratio'],
    rows: Object.entries(times).map(([name, each]) => [
      name,
      spreadText(each, 0),
      spreadText(
        each.map((ms, round) => ms / (bare[round] ?? Number.NaN)),
        2,
      ),
    ]),
  };
}

/** The section of docs/benchmarks.md. */
export function markdownReport(times: Times, { rounds }: { rounds: number }, machine: Machine): string {
  return [`${machineText(machine)}. Medians of ${rounds} rounds.`, markdownTable(startsTable(times))].join(
    '\n\n',
  );
}
