import { describe, expect, test } from '@jest/globals';
import { customRows, customTable } from '../../../src/cli/custom-columns.ts';

const object = {
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'a', annotations: { 'example.com/room': 'blue' } },
  status: {
    students: 0,
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Open', status: 'False' },
    ],
  },
};

const cell = async (path: string) => (await customRows([{ title: 'X', path }], [object]))[0]?.[0];

describe("a cell of a column of one's own has", () => {
  test.each([
    ['what a path as of kubectl leads to', '.metadata.name', 'a'],
    ['the same without the dot', 'metadata.name', 'a'],
    ['the same in braces', '{.metadata.name}', 'a'],
    ['the same from the root', '$.metadata.name', 'a'],
    ['a number, also 0', '.status.students', '0'],
    ['what a filter finds', '.status.conditions[?(@.type=="Ready")].status', 'True'],
    ['all that is found', '.status.conditions[*].type', 'Ready,Open'],
    ['a list item', '.status.conditions[0].type', 'Ready'],
    ['a name with dots, as kubectl takes it', '.metadata.annotations.example\\.com/room', 'blue'],
    ['an object as JSON', '.status.conditions[0]', '{"type":"Ready","status":"True"}'],
    ['a word where nothing is', '.status.nothing', '<none>'],
  ])('%s', async (_, path, want) => {
    expect(await cell(path)).toBe(want);
  });
});

test('a path that cannot be read is a mistake of who typed it, and no code that runs', async () => {
  await expect(cell('.status.conditions[?(@.type==].status')).rejects.toMatchObject({
    problem: {
      what: 'The path ".status.conditions[?(@.type==].status" of a column cannot be read.',
      exitCode: 2,
    },
  });
  await expect(cell('.status[?(process.exit(7))]')).rejects.toMatchObject({ problem: { exitCode: 2 } });
});

test('columns have the titles that were typed', async () => {
  const columns = [
    { title: 'Name', path: '.metadata.name' },
    { title: 'READY', path: '.status.students' },
  ];
  expect(customTable(columns, await customRows(columns, [object]))).toBe('Name   READY\na      0\n');
});
