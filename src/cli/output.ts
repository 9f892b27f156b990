import { stringify } from 'yaml';
import { z } from 'zod';

/** How a result is printed: for people, or for programs. */
export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Of `-o`; like kubectl it takes `-o=json`, of which the parser leaves the sign. */
export const outputFormat = z
  .string()
  .transform((text) => text.replace(/^=/, ''))
  .pipe(z.enum(OUTPUT_FORMATS, `must be one of ${OUTPUT_FORMATS.join(', ')}`));

/** `-o` of commands that print a result of their own; spread into their schema and flags. */
export const OUTPUT_SHAPE = { output: outputFormat };
export const OUTPUT_FLAGS = {
  output: {
    spelling: '-o, --output <format>',
    about: OUTPUT_FORMATS.join(', '),
    default: 'table',
    words: OUTPUT_FORMATS,
  },
} as const;

/**
 * A result as text that ends with a line break.
 *
 * @param asTable what people read
 */
export function render<Result>(
  result: Result,
  format: OutputFormat,
  asTable: (result: Result) => string,
): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(result, null, 2)}\n`;
    case 'yaml':
      return stringify(result, { lineWidth: 0, aliasDuplicateObjects: false });
    case 'table':
      return asTable(result);
  }
}
