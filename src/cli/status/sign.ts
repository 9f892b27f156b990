import type { Colours } from '../colours.ts';
import type { Mark } from './condition-words.ts';

const SIGNS: Readonly<Record<Mark, string>> = { Good: '✓', Bad: '✗', Unknown: '?', Note: '•' };

/** What stands before a line that tells of something so. */
export function signOf(mark: Mark, { green, red, yellow, cyan }: Colours): string {
  const paints = { Good: green, Bad: red, Unknown: yellow, Note: cyan };
  return paints[mark](SIGNS[mark]);
}
