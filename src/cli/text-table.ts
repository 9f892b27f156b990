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
  for (const row of rows) table.push(row.map(harmless));
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
  for (const [name, text] of rows) table.push([name, harmless(text)]);
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
  table.push([harmless(text)]);
  return withoutTrailingBlanks(table.toString())
    .trimEnd()
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}\n`)
    .join('');
}

/** Control characters, line breaks and tabs aside; an escape only where it does not begin a colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /\u001b(?!\[[\d;]*m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g;

/**
 * Names, messages and the like are written by others, and a terminal obeys what it is sent: kubectl shows `^[` too
 * (CVE-2021-25743).
 */
function harmless(cell: string | number): string | number {
  if (typeof cell === 'number') return cell;
  return cell.replace(CONTROLS, (sign) => (sign === '\u001b' ? '^[' : '�'));
}

function withoutTrailingBlanks(text: string): string {
  const lines = text.split('\n');
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
