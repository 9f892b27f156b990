import type { Flag } from '../command-line/parse.ts';
import { cell } from '../markdown/table.ts';

/** A flag as a row of a Markdown table: spelling, default, meaning. */
export function flagRow({ spelling, about, default: value }: Flag): string {
  const fallback = value === undefined ? '' : `\`${value}\``;
  return `| \`${cell(spelling)}\` | ${fallback} | ${cell(about)} |`;
}
