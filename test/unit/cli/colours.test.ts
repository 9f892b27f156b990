import { expect, test } from '@jest/globals';
import { coloursFor } from '../../../src/cli/colours.ts';

const write = () => true;
const terminal = { write, isTTY: true };
const pipe = { write };

test.each([
  ['a terminal', terminal, {}, true],
  ['a pipe', pipe, {}, false],
  ['a terminal with NO_COLOR', terminal, { NO_COLOR: '1' }, false],
  ['a terminal with NO_COLOR that is empty', terminal, { NO_COLOR: '' }, true],
  ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
  ['a pipe with FORCE_COLOR', pipe, { FORCE_COLOR: '1' }, true],
  ['NO_COLOR against FORCE_COLOR', pipe, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
])('%s', (_, output, env, wantColours) => {
  expect(coloursFor(output, env).red('x') !== 'x').toBe(wantColours);
});
