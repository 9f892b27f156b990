import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';

/** A row of a CSV file with the line it begins on, counted from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Why a text is no CSV. */
export interface NoCsv {
  readonly line: number;
  readonly message: string;
}

/** What spreadsheets put between cells, depending on the language of the machine. */
const SEPARATORS = [',', ';', '\t', '|'] as const;

/** Excel writes and reads a first line that names the separator. */
const SEPARATOR_LINE = /^sep=(.)\n/i;

/**
 * Reads CSV as spreadsheets write it: quoted cells, also with line breaks, and any usual separator, which the first row
 * tells. Blanks around a cell and rows without any content are left out.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function csvRows(text: string): readonly CsvRow[] | NoCsv {
  // The parser counts a line break of two letters within a cell as two.
  const unified = text.replace(/\r\n?/g, '\n');
  const [separatorLine = '', named] = SEPARATOR_LINE.exec(unified) ?? [];
  const body = unified.slice(separatorLine.length);
  const linesBefore = separatorLine === '' ? 0 : 1;
  const endLines: number[] = [];
  try {
    const records = parse(body, {
      delimiter: named ?? separatorOf(body),
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      on_record: (record, { lines }) => {
        endLines.push(lines);
        return record;
      },
    });
    return records.flatMap((cells, place): CsvRow[] => {
      const breaks = cells.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
      const line = linesBefore + (endLines[place] ?? 0) - breaks;
      return cells.every((cell) => cell === '') ? [] : [{ line, cells }];
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = error.code === 'CSV_QUOTE_NOT_CLOSED' ? rowAfter(body, endLines.at(-1) ?? 0) : lineOf(error);
    return { line: linesBefore + line, message: messageOf(error) };
  }
}

/** The one that is most often in the first row, outside of quotes. */
function separatorOf(text: string): string {
  const [header = ''] = text.replace(/"[^"]*"/g, '').split('\n', 1);
  const counts = SEPARATORS.map((separator) => header.split(separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ',';
}

const placeSchema = z.object({ lines: z.int() });

function lineOf(error: CsvError): number {
  return placeSchema.parse(error).lines;
}

/** The parser names the last line of the file, which is far from where a cell was left open. */
function rowAfter(text: string, line: number): number {
  const rest = text.split('\n').slice(line);
  return line + 1 + rest.findIndex((content) => content.trim() !== '');
}

function messageOf({ code, message }: CsvError): string {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a cell of this row begins with a quotation mark (") and has none at its end: the file ends within it';
    case 'CSV_INVALID_CLOSING_QUOTE':
    case 'CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE':
      return 'something follows the quotation mark (") that ends a cell: within a cell it must be doubled ("")';
    case 'INVALID_OPENING_QUOTE':
      return 'a quotation mark (") is in a cell that does not begin with one: put the cell in quotation marks and double it ("")';
    default:
      return message;
  }
}
