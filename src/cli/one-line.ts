/** What a text begins with, in at most so many letters: what moves over several lines flickers. */
export function oneLine(text: string, letters: number): string {
  const [line = ''] = text.split('\n', 1);
  return line.length <= letters ? line : `${line.slice(0, Math.max(0, letters - 1))}…`;
}
