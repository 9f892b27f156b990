import { expect, test } from '@jest/globals';
import { printable } from '../../../src/cli/printable.ts';

test.each([
  ['keeps letters of any script, ends of lines and tabs', 'def f():\n\treturn "Grüße, 世界 👋🏽"', undefined],
  ['takes the effect of colours', '\u001b[31mred\u001b[0m', '[31mred[0m'],
  ['takes the effect of titles of windows', '\u001b]0;title\u0007text', ']0;titletext'],
  ['knows the one-byte form of a sequence', '\u009b2J', '2J'],
  ['keeps what was printed before it from being overwritten', 'all good\rall bad\b', 'all goodall bad'],
  ['takes NUL and DEL', 'a\u0000b\u007fc', 'abc'],
])('text for a terminal %s', (_, text, want = text) => {
  expect(printable(text)).toBe(want);
});

test('a sequence that comes in pieces has no effect either', () => {
  const pieces = ['\u001b', '[', '2', 'J', 'Hi'];
  expect(pieces.map(printable).join('')).toBe('[2JHi');
});
