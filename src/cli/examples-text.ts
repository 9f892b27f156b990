import type { Example } from './command.ts';

/** What help ends with. */
export function examplesText(examples: readonly Example[]): string {
  if (examples.length === 0) return '';
  return ['', 'Examples:', ...examples.map(({ about, command }) => `  # ${about}\n  ${command}\n`)].join(
    '\n',
  );
}
