import { expect, test } from '@jest/globals';
import { oneLine } from '../../../src/cli/one-line.ts';

test.each([
  ['a text that has room', 'Reading', 10, 'Reading'],
  ['a text that just has room', 'Reading', 7, 'Reading'],
  ['a text that is too long', 'Reading classes', 8, 'Reading…'],
  ['the first of several lines', 'one\ntwo', 10, 'one'],
  ['no room at all', 'Reading', 0, '…'],
])('%s', (_, text, letters, want) => {
  expect(oneLine(text, letters)).toBe(want);
});
