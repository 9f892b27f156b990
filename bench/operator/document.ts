const START = '<!-- bench:operator: written by `npm run bench:operator -- --write` -->';
const END = '<!-- /bench:operator -->';

/**
 * The document with the marked section replaced.
 *
 * @throws Error when the document lacks one of the marks
 */
export function withSection(document: string, section: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END, start);
  if (start < 0 || end < 0) {
    throw new Error(
      `The document lacks the lines "${START}" and "${END}": put them where the figures belong.`,
    );
  }
  return `${document.slice(0, start + START.length)}\n\n${section}\n\n${document.slice(end)}`;
}
