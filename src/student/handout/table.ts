import { stringify } from 'csv-stringify/sync';
import type { Handout } from './handout.ts';

const COLUMNS = ['id', 'name', 'group', 'key', 'base_url', 'model'] as const;

/**
 * All keys as a CSV table. A name that a spreadsheet would take for a formula is marked as text.
 *
 * @param bom whether it begins with a byte order mark: spreadsheets need one to read names in any script, and programs
 *   stumble over it
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function keyTable(handouts: readonly Handout[], { bom }: { bom: boolean }): string {
  const rows = handouts.map(({ student, settings }) => [
    student.id,
    student.displayName ?? '',
    student.group ?? '',
    settings.apiKey,
    settings.baseURL,
    settings.model,
  ]);
  return stringify([COLUMNS, ...rows], { bom, escape_formulas: true, record_delimiter: 'windows' });
}
