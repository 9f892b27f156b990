import { expect, test } from '@jest/globals';
import { classrooms } from '../../../../src/api/classroom.ts';
import { readTable, serverTableText } from '../../../../src/cli/cluster/server-table.ts';

const columnDefinitions = [
  { name: 'Name', priority: 0 },
  { name: 'Students', priority: 0 },
  { name: 'URL', priority: 1 },
];

const row = (name: string, ...cells: (string | number | null)[]) => ({
  cells: [name, ...cells],
  object: { apiVersion: 'v1', kind: 'PartialObjectMetadata', metadata: { name, namespace: 'school' } },
});

const table = {
  kind: 'Table' as const,
  metadata: {},
  columnDefinitions,
  rows: [row('biology', null, ''), row('python-101', 12, 'http://gateway\nsecond line')],
};

test('columns of lower priority are for -o wide; a column is never empty; of a text the first line counts', () => {
  expect(serverTableText(table, { wide: false, withNamespace: false })).toBe(
    'NAME         STUDENTS\nbiology      <none>\npython-101   12\n',
  );
  expect(serverTableText(table, { wide: true, withNamespace: true })).toBe(
    [
      'NAMESPACE   NAME         STUDENTS   URL',
      'school      biology      <none>     <none>',
      'school      python-101   12         http://gateway',
      '',
    ].join('\n'),
  );
});

test('a long table is read page by page', async () => {
  const asked: string[] = [];
  const pages = [
    { ...table, metadata: { continue: 'next' }, rows: [row('a', 1, '')] },
    { ...table, rows: [row('b', 2, '')] },
  ];
  const raw = async (_: string, path: string) => {
    asked.push(path);
    return pages[asked.length - 1];
  };
  const { rows } = await readTable({ raw }, classrooms, { namespace: 'school', labelSelector: 'a=b' });
  expect(rows.map(({ object }) => object.metadata.name)).toEqual(['a', 'b']);
  expect(asked).toEqual([
    '/apis/gpu-classroom.io/v1alpha1/namespaces/school/classrooms?labelSelector=a%3Db&limit=500',
    '/apis/gpu-classroom.io/v1alpha1/namespaces/school/classrooms?labelSelector=a%3Db&limit=500&continue=next',
  ]);
});

test('an empty list has no rows at all on the wire', async () => {
  const raw = async () => ({ kind: 'Table', metadata: {}, columnDefinitions, rows: null });
  expect((await readTable({ raw }, classrooms, {})).rows).toEqual([]);
});
