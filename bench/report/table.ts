import Table from 'cli-table3';
import { spreadOf } from './statistics.ts';

/** A table, for the terminal and for Markdown alike. */
export interface ReportTable {
  head: string[];
  rows: string[][];
}

export function terminalTable({ head, rows }: ReportTable): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}

export function markdownTable({ head, rows }: ReportTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** `12.3`, or `12.3 (11.9–13.0)` of several rounds; a dash where nothing was measured. */
export function spreadText(values: readonly number[], digits: number): string {
  const { median, min, max } = spreadOf(values);
  if (Number.isNaN(median)) return '–';
  const text = median.toFixed(digits);
  return values.length === 1 ? text : `${text} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
