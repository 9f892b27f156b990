import Table from 'cli-table3';

export type Row = readonly (string | number)[];

/** Without lines between the cells. */
const NO_BORDER = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

/** Between columns, as kubectl has it. */
const GAP = 3;

/**
 * A table as kubectl prints it: titles, no lines, three blanks between columns. Wide letters (Chinese names) and
 * colours count as wide as they are shown.
 *
 * @returns text that ends with a line break
 */
export function textTable(titles: readonly string[], rows: readonly Row[]): string {
  const table = new Table({
    head: [...titles],
    chars: NO_BORDER,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': GAP },
  });
  for (const row of rows) table.push([...row]);
  return withoutTrailingBlanks(table.toString());
}

/** Names on the left, wrapped text on the right. */
export function nameTable(
  rows: readonly (readonly [name: string, text: string])[],
  { nameWidth, textWidth }: { nameWidth: number; textWidth: number },
): string {
  const table = new Table({
    chars: NO_BORDER,
    colWidths: [nameWidth, textWidth],
    wordWrap: true,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const [name, text] of rows) table.push([name, text]);
  return withoutTrailingBlanks(table.toString());
}

/** A text in lines of that many letters, each after `indent` blanks. */
export function wrapped(text: string, { indent, columns }: { indent: number; columns: number }): string {
  const table = new Table({
    chars: NO_BORDER,
    colWidths: [Math.max(columns - indent, indent)],
    wordWrap: true,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push([text]);
  return withoutTrailingBlanks(table.toString())
    .trimEnd()
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}\n`)
    .join('');
}

function withoutTrailingBlanks(text: string): string {
  const lines = text.split('\n');
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
