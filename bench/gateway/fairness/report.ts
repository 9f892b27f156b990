import { jainIndex } from '../../../src/gateway/queue/fairness-index.ts';
import { type Machine, machineText } from '../../report/machine.ts';
import { markdownTable, type ReportTable } from '../../report/table.ts';
import type { LoadFigures } from './load.ts';
import type { FairnessOptions } from './options.ts';
import type { Order } from './school.ts';

/** The figures of both loads, in each order. */
export type Outcome = Readonly<
  Record<Order, { readonly flooded: LoadFigures; readonly backlogged: LoadFigures }>
>;

const TITLES: Record<Order, string> = {
  arrival: 'order of arrival',
  fair: 'fair queue',
  replicas: 'fair queue, two gateways',
};
const ORDERS = ['arrival', 'fair', 'replicas'] as const satisfies readonly Order[];

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

/** One student floods. Ratios are to the order of arrival. */
export function floodedTable(outcome: Outcome): ReportTable {
  const base = outcome.arrival.flooded;
  return {
    head: [
      'one floods, nine ask now and then',
      'first token of the nine p50, s',
      'ratio',
      'p90, s',
      'ratio',
      'requests of the nine',
      'tokens/s',
      'ratio',
    ],
    rows: ORDERS.map((order) => {
      const { firstTokenMs, tokensPerSecond } = outcome[order].flooded;
      const times = [0.5, 0.9].flatMap((share) => {
        const ms = quantile(firstTokenMs, share);
        return [(ms / 1_000).toFixed(2), (ms / quantile(base.firstTokenMs, share)).toFixed(3)];
      });
      const throughput = [tokensPerSecond.toFixed(0), (tokensPerSecond / base.tokensPerSecond).toFixed(3)];
      return [TITLES[order], ...times, String(firstTokenMs.length), ...throughput];
    }),
  };
}

/** All students always wait. */
export function backloggedTable(outcome: Outcome, open: readonly number[]): ReportTable {
  const base = outcome.arrival.backlogged;
  return {
    head: [
      `four always wait, with ${open.join(', ')} requests`,
      "Jain's index of their service",
      'parts of the service, %',
      'tokens/s',
      'ratio',
    ],
    rows: ORDERS.map((order) => {
      const { service, tokensPerSecond } = outcome[order].backlogged;
      const sum = service.reduce((total, part) => total + part, 0);
      return [
        TITLES[order],
        jainIndex(service).toFixed(3),
        service.map((part) => ((part / sum) * 100).toFixed(0)).join(', '),
        tokensPerSecond.toFixed(0),
        (tokensPerSecond / base.tokensPerSecond).toFixed(3),
      ];
    }),
  };
}

/** All of it as Markdown. */
export function markdownReport(
  tables: readonly ReportTable[],
  { seconds, speed, flood, seed }: FairnessOptions,
  machine: Machine,
): string {
  const engine = speed === 1 ? 'an H100' : `an H100 at ${speed} times its speed`;
  const setting = `${seconds} s for each load on ${engine}, ${flood} requests of the flooding student, seed ${seed}.`;
  return [`${machineText(machine)}. ${setting}`, ...tables.map(markdownTable)].join('\n\n');
}
