import { describe, expect, test } from '@jest/globals';
import { parseClassFile } from '../../../../src/cli/plan/class-file.ts';

const classroom = `
apiVersion: gpu-classroom.io/v1alpha1
kind: Classroom
metadata: {name: python-101, namespace: school}
spec:
  model: {id: Qwen/Qwen2.5-7B-Instruct, servedName: qwen2.5-7b-instruct}
  gpu: {product: NVIDIA-A10}
`;

const quota = (id: string, { className = 'python-101', access = 'Active' } = {}) => `
apiVersion: gpu-classroom.io/v1alpha1
kind: StudentQuota
metadata: {name: ${className}-${id}, namespace: school}
spec: {classroomRef: {name: ${className}}, student: {id: ${id}}, access: ${access}}
`;

const namespace = `
apiVersion: v1
kind: Namespace
metadata: {name: school}
`;

const documents = (...texts: string[]) => texts.join('---');

test('a class alone says nothing of its students', () => {
  expect(parseClassFile(classroom)).toMatchObject({
    classroom: {
      metadata: { name: 'python-101' },
      spec: { gpu: { product: 'NVIDIA-A10', sharing: 'None' } },
    },
    students: undefined,
  });
});

test('students beside it are counted: those of this class, who may work', () => {
  const text = documents(
    namespace,
    quota('alice'),
    classroom,
    quota('bob'),
    quota('carol', { access: 'Suspended' }),
    quota('dan', { className: 'rust-101' }),
  );
  expect(parseClassFile(text)).toMatchObject({ students: 2 });
});

test('JSON of `kubectl get -o json` is read, and so is its List', () => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'gpu-classroom.io/v1alpha1',
        kind: 'Classroom',
        metadata: { name: 'python-101', managedFields: [] },
        spec: { model: { id: 'a/b' } },
        status: { conditions: [] },
      },
    ],
  };
  expect(parseClassFile(JSON.stringify(list.items[0]))).toHaveProperty('classroom.spec.model.id', 'a/b');
  expect(parseClassFile(JSON.stringify(list))).toHaveProperty('classroom.spec.model.id', 'a/b');
});

describe('what is no class says why', () => {
  test.each([
    { name: 'an empty file', text: '', want: ['holds no Classroom'] },
    { name: 'another kind', text: namespace, want: ['holds no Classroom'] },
    {
      name: 'two classes',
      text: documents(classroom, classroom.replace('python-101', 'rust-101')),
      want: ['holds 2 Classrooms: a plan is for one'],
    },
    { name: 'no YAML', text: 'spec: [', want: [expect.stringMatching(/^is no YAML: .*line 1/)] },
    {
      name: 'an alias of nothing',
      text: 'spec: *missing',
      want: [expect.stringMatching(/^is no YAML: Unresolved alias .*missing/)],
    },
    {
      name: 'aliases that grow without end',
      text: `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]`,
      want: [expect.stringMatching(/^is no YAML: .*alias/)],
    },
    {
      name: 'wrong fields of class and student, all of them',
      text: documents(classroom.replace('{product: NVIDIA-A10}', '{memoryMiB: lots}'), quota('Alice!')),
      want: [expect.stringContaining('`spec.gpu.memoryMiB`'), expect.stringContaining('`metadata.name`')],
    },
    {
      name: 'MIG without a profile',
      text: classroom.replace('product: NVIDIA-A10', 'sharing: MIG'),
      want: ['`spec.gpu.migProfile` must be set: `sharing` is MIG'],
    },
    {
      name: 'time-slices without their number',
      text: classroom.replace('product: NVIDIA-A10', 'sharing: TimeSliced'),
      want: ['`spec.gpu.slicesPerGPU` must be set: `sharing` is TimeSliced'],
    },
  ])('$name', ({ text, want }) => {
    expect(parseClassFile(text)).toEqual({ faults: want });
  });
});
