import { KUBERNETES_VERSION } from '../../src/demo/binaries/versions.ts';
import { type Machine, machineText } from '../report/machine.ts';
import { spreadOf } from '../report/statistics.ts';
import { markdownTable, type ReportTable } from '../report/table.ts';
import type { BenchOptions } from './options.ts';
import type { Round, WakeUp } from './wake-up.ts';

const WAYS = ['streamed', 'plain', 'byHand'] as const satisfies readonly (keyof Round)[];

/** The three ways beside each other: medians, with the worst. */
export function wakeUpTable(rounds: readonly Round[]): ReportTable {
  const row = (name: string, of: (wakeUp: WakeUp) => number | undefined): string[] => [
    name,
    ...WAYS.map((way) => worstText(rounds.flatMap((round) => of(round[way]) ?? []))),
  ];
  const ratios = (of: (wakeUp: WakeUp) => number): string[] =>
    WAYS.map((way) => worstText(rounds.map((round) => of(round[way]) / of(round.byHand))));
  return {
    head: ['', 'gateway, streamed', 'gateway, in one piece', 'scaled by hand'],
    rows: [
      row('from the request to the first content, s', ({ total }) => total),
      ['ratio', ...ratios(({ total }) => total)],
      row("of these the engine's own start, s", ({ engine }) => engine),
      row('**added, s**', ({ added }) => added),
      row('of that until the gateway has asked for an engine, s', ({ untilDemanded }) => untilDemanded),
      row('until the Deployment is scaled, s', ({ untilScaled }) => untilScaled),
      row('until the container runs, s', ({ untilRunning }) => untilRunning),
      row('until its pod is ready, s', ({ untilReady }) => untilReady),
      row('until the first content has come, s', ({ untilContent }) => untilContent),
    ],
  };
}

/** `2.31 (worst 2.80)`; a dash where there is no such step. */
function worstText(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const { median, max } = spreadOf(values);
  return values.length === 1 ? median.toFixed(2) : `${median.toFixed(2)} (${max.toFixed(2)})`;
}

/** Where and how it was measured, one sentence. */
export function settingText(
  { rounds, loadSeconds }: Pick<BenchOptions, 'rounds' | 'loadSeconds'>,
  machine: Machine,
  loadAverage: number,
): string {
  return (
    `${machineText(machine)}, Kubernetes ${KUBERNETES_VERSION}; load average ${loadAverage.toFixed(1)} before it began. ` +
    `${rounds} rounds, models that load for ${loadSeconds} s; medians, with the worst.`
  );
}

/** The section of docs/benchmarks.md. */
export function markdownReport(rounds: readonly Round[], setting: string): string {
  return [setting, markdownTable(wakeUpTable(rounds))].join('\n\n');
}
