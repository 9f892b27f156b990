import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { outputFormat, render } from '../../../src/cli/output.ts';

const result = {
  fits: true,
  warnings: ['a line that is longer than the eighty letters at which YAML likes to break lines'],
};

test.each([
  ['json', 'json'],
  ['=json', 'json'],
  ['yaml', 'yaml'],
  ['table', 'table'],
])('-o %s is %s', (text, want) => {
  expect(outputFormat.parse(text)).toBe(want);
});

test('another format is refused with those there are', () => {
  expect(outputFormat.safeParse('xml').error?.issues[0]?.message).toBe('must be one of table, json, yaml');
});

describe('a result', () => {
  const asTable = () => 'FITS\n';

  test('is JSON', () => {
    expect(JSON.parse(render(result, 'json', asTable))).toEqual(result);
  });

  test('is YAML, with long texts on one line', () => {
    const text = render(result, 'yaml', asTable);
    expect(parse(text)).toEqual(result);
    expect(text.trimEnd().split('\n')).toHaveLength(3);
  });

  test('is what people read', () => {
    expect(render(result, 'table', asTable)).toBe('FITS\n');
  });
});
