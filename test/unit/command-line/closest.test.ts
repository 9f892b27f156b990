import { expect, test } from '@jest/globals';
import { closest } from '../../../src/command-line/closest.ts';

const names = ['--model', '--model-config', '--max-model-len', '--gpu'];

test.each([
  ['--modl', '--model'],
  ['--model_config', '--model-config'],
  ['--MAX-MODEL-LEN', '--max-model-len'],
  ['--gpus', '--gpu'],
  ['--gup', '--gpu'],
  ['--temperature', undefined],
  ['', undefined],
])('%p was probably meant to be %p', (word, want) => {
  expect(closest(word, names)).toBe(want);
});

test('the nearest of several wins', () => {
  expect(closest('A10x', ['A100', 'A10'])).toBe('A100');
  expect(closest('L40X', ['L4', 'L40S', 'L40'])).toBe('L40S');
});
