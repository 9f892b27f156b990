/** A text as one cell of a table: a bar would end it. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
