/**
 * The document with the section of one benchmark replaced. Its marks are comments, such as
 * `<!-- bench:operator: … -->` and `<!-- /bench:operator -->`.
 *
 * @param name such as `operator`
 * @throws Error when the document lacks one of the marks
 */
export function withSection(document: string, name: string, section: string): string {
  const mark = `<!-- bench:${name}: written by \`npm run bench:${name} -- --write\` -->`;
  const endMark = `<!-- /bench:${name} -->`;
  const start = document.indexOf(mark);
  const end = document.indexOf(endMark, start);
  if (start < 0 || end < 0) {
    throw new Error(
      `The document lacks the lines "${mark}" and "${endMark}": put them where the figures belong.`,
    );
  }
  return `${document.slice(0, start + mark.length)}\n\n${section}\n\n${document.slice(end)}`;
}
