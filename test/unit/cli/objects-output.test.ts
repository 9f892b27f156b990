import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { classrooms } from '../../../src/api/classroom.ts';
import { changeLine, nameOf, objectFormat, objectsText } from '../../../src/cli/objects-output.ts';
import { pods } from '../../../src/kube/resources.ts';
import { classroom } from '../../support/builders.ts';

const biology = classroom({ metadata: { name: 'biology', managedFields: [{ manager: 'kubectl' }] } });
const python = classroom();

test('an object is named as kubectl takes it', () => {
  expect(nameOf(classrooms, 'x')).toBe('classroom.gpu-classroom.io/x');
  expect(nameOf(pods, 'x')).toBe('pod/x');
});

test.each([
  ['none', 'classroom.gpu-classroom.io/x created\n'],
  ['client', 'classroom.gpu-classroom.io/x created (dry run)\n'],
  ['server', 'classroom.gpu-classroom.io/x created (server dry run)\n'],
] as const)('a change is told as kubectl does, dry run: %s', (dryRun, want) => {
  expect(changeLine(classrooms, 'x', 'created', dryRun)).toBe(want);
});

test('kubectl spells formats with a sign, too', () => {
  expect(objectFormat.parse('=wide')).toBe('wide');
  expect(objectFormat.safeParse('xml').error?.issues[0]?.message).toBe(
    'must be one of table, wide, json, yaml, name, or custom-columns=TITLE:.path,…',
  );
});

test("columns of one's own need a title and a path each", () => {
  expect(objectFormat.parse('custom-columns=NAME:.metadata.name,AT:{.status.x[?(@.y==":")].z}')).toEqual({
    columns: [
      { title: 'NAME', path: '.metadata.name' },
      { title: 'AT', path: '{.status.x[?(@.y==":")].z}' },
    ],
  });
  for (const wrong of ['', 'NAME', 'NAME:', ':.metadata.name', 'NAME:.metadata.name,']) {
    expect(objectFormat.safeParse(`custom-columns=${wrong}`).error?.issues[0]?.message).toMatch(
      /a title and a path for each column/,
    );
  }
});

describe('objects', () => {
  test('are a List, without what managers own', () => {
    const list = parse(objectsText(classrooms, [biology, python], { format: 'yaml', one: false }));
    expect(list).toMatchObject({ apiVersion: 'v1', kind: 'List' });
    expect(list.items.map(({ metadata }: typeof biology) => metadata.name)).toEqual([
      'biology',
      'python-101',
    ]);
    expect(list.items[0].metadata).not.toHaveProperty('managedFields');
  });

  test('where one is asked for, are that one', () => {
    const text = objectsText(classrooms, [python], { format: 'json', one: true });
    expect(JSON.parse(text)).toMatchObject({ kind: 'Classroom', metadata: { name: 'python-101' } });
  });

  test('that are not there are an empty List', () => {
    const text = objectsText(classrooms, [], { format: 'json', one: false });
    expect(JSON.parse(text)).toEqual({ apiVersion: 'v1', kind: 'List', items: [] });
  });

  test('by name are a line each', () => {
    expect(objectsText(classrooms, [biology, python], { format: 'name', one: false })).toBe(
      'classroom.gpu-classroom.io/biology\nclassroom.gpu-classroom.io/python-101\n',
    );
  });
});
