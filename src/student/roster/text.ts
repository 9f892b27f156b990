/** Why bytes are no text, for the person who saved them. `line` counts from 1. */
export interface NoText {
  readonly line?: number;
  readonly message: string;
}

const SAVE_AS_CSV = "save it as 'CSV UTF-8 (Comma delimited)'";

/** What spreadsheets call plain text: UTF-8 with a byte order mark or without, or UTF-16 with one ("Unicode text"). */
const UTF16: readonly (readonly [mark: readonly number[], encoding: string])[] = [
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/** How a workbook begins: it is a ZIP archive. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT §4.3.7 */
const ZIP: readonly number[] = [0x50, 0x4b, 0x03, 0x04];

/** The text of a file as a spreadsheet saves it, without its byte order mark. */
export function textOf(bytes: Uint8Array): string | NoText {
  if (beginsWith(bytes, ZIP)) return { message: `is a workbook, not a CSV file: ${SAVE_AS_CSV}` };
  const [, encoding = 'utf-8'] = UTF16.find(([mark]) => beginsWith(bytes, mark)) ?? [];
  const text = new TextDecoder(encoding).decode(bytes);
  const broken = text.indexOf('\uFFFD');
  if (broken < 0) return text;
  const line = text.slice(0, broken).split('\n').length;
  return { line, message: `has letters that are not UTF-8: ${SAVE_AS_CSV}` };
}

function beginsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, place) => bytes[place] === byte);
}
