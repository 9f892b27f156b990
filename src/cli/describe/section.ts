/** A part of a description; empty where it has no text. */
export function section(title: string, text: string): string {
  if (text === '') return '';
  const lines = text.trimEnd().split('\n');
  return `${title}:\n${lines.map((line) => (line === '' ? '\n' : `  ${line}\n`)).join('')}`;
}
