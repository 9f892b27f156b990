import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ClassroomStatus, classroomSpecSchema, classrooms } from '../../../src/api/classroom.ts';
import { type Condition, mergeConditions } from '../../../src/api/condition.ts';
import { parseClassroom } from '../../../src/api/parse.ts';
import { studentQuotaSpecSchema, studentQuotas } from '../../../src/api/student-quota.ts';
import { type ApiServer, apiServer } from '../../support/api/api-server.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

let namespace: string;
let server: ApiServer;

const { controlPlane, client } = await connectToControlPlane();

beforeEach(async () => {
  namespace = await controlPlane.createNamespace('objects');
  server = apiServer(client, namespace);
});

/** A Classroom as a person writes it. */
function written(spec: Record<string, unknown> = {}) {
  const { apiVersion, kind } = classroom();
  return {
    apiVersion,
    kind,
    metadata: { name: 'python-101' },
    spec: { model: { id: 'Qwen/Qwen2.5-7B-Instruct' }, ...spec },
  };
}

async function kubectl(...args: string[]): Promise<string> {
  const all = ['--kubeconfig', controlPlane.kubeconfigPath, '--namespace', namespace, ...args];
  const { stdout } = await promisify(execFile)(controlPlane.binaries.kubectl, all);
  return stdout;
}

const readyCondition: Condition[] = mergeConditions(
  undefined,
  [{ type: 'Ready', status: 'True', reason: 'EnginesReady', message: '2 engines answer.' }],
  1,
  Date.UTC(2026, 11, 1),
);

const status: ClassroomStatus = {
  conditions: [
    ...readyCondition,
    ...mergeConditions(
      undefined,
      [{ type: 'Open', status: 'True', reason: 'SessionRunning', message: 'A session runs.' }],
      1,
      Date.UTC(2026, 11, 1),
    ),
  ],
  observedGeneration: 1,
  replicas: 3,
  readyReplicas: 2,
  selector: 'gpu-classroom.io/classroom=python-101',
  students: 20,
  baseURL: 'http://gateway.example.com/v1',
  timetable: { timeZone: 'Europe/Berlin', nextChange: 'closes Mon 2026-11-23 17:00' },
};

describe('defaults', () => {
  test.each<[name: string, spec: Record<string, unknown>]>([
    ['a class that says nothing but its model', {}],
    [
      'a class that says a part of each',
      { gpu: { product: 'NVIDIA-A10' }, engine: { replicas: { max: 3 } } },
    ],
    ['an exam', { access: 'Exam', exam: {} }],
    ['a timetable', { schedule: { sessions: [{ days: ['Mon'], start: '09:00', end: '17:00' }] } }],
  ])('of %s are those of the zod schema', async (_name, spec) => {
    const { stored } = await server.create(written(spec));
    expect(stored?.spec).toEqual(classroomSpecSchema.parse(written(spec).spec));
  });

  test('of a seat are those of the zod schema', async () => {
    const { apiVersion, kind } = studentQuota();
    const spec = { classroomRef: { name: 'python-101' }, student: { id: 'alice' } };
    const { stored } = await server.create({ apiVersion, kind, metadata: { name: 'alice' }, spec });
    expect(stored?.spec).toEqual(studentQuotaSpecSchema.parse(spec));
  });

  test('take the place of null', async () => {
    const { stored } = await server.create(written({ access: null, limits: null }));
    expect(stored?.spec).toMatchObject({ access: 'Open', limits: { perStudent: { requestsPerMinute: 30 } } });
  });
});

test('null in a field without a default is kept, and read as absent', async () => {
  const { stored } = await server.create(
    written({
      engine: { maxNumSeqs: null, maxNumBatchedTokens: null },
      gpu: { memoryMiB: null },
      schedule: null,
    }),
  );
  expect(stored?.spec).toMatchObject({ engine: { maxNumSeqs: null }, schedule: null });
  const parsed = parseClassroom(stored);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  expect(parsed.classroom.spec).toEqual(classroom().spec);
});

describe('a field that nobody knows', () => {
  test('is dropped', async () => {
    const { stored } = await server.create(written({ modle: 'typo', gpu: { slices: 4 } }));
    expect(stored?.spec).not.toHaveProperty('modle');
    expect(stored?.spec).not.toHaveProperty('gpu.slices');
  });

  test('is refused by name when the client asks for strictness, as kubectl does', async () => {
    const path = `/apis/gpu-classroom.io/v1alpha1/namespaces/${namespace}/classrooms?fieldValidation=Strict`;
    await expect(client.raw('POST', path, { body: written({ modle: 'typo' }) })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('unknown field "spec.modle"'),
    });
  });
});

describe('spec and status are written apart', () => {
  test('a status that comes with a new object is dropped', async () => {
    const { stored } = await server.create({ ...written(), status });
    expect(stored).not.toHaveProperty('status');
  });

  test('a write of the spec leaves the status alone and makes a new generation', async () => {
    await server.create(written());
    await server.replaceStatus({ ...written(), status });
    const { stored } = await server.replace({ ...written({ contact: 'Ms Chen' }), status: { replicas: 9 } });
    expect(stored).toMatchObject({ metadata: { generation: 2 }, spec: { contact: 'Ms Chen' }, status });
  });

  test('a write of the status leaves the spec alone and makes no new generation', async () => {
    await server.create(written());
    const { stored } = await server.replaceStatus({ ...written({ contact: 'Ms Chen' }), status });
    expect(stored).toMatchObject({ metadata: { generation: 1 }, status });
    expect(stored?.spec).not.toHaveProperty('contact');
  });

  test('operator and gateway apply their own parts of the status of a seat', async () => {
    const seat = { ...studentQuota(), metadata: { name: 'alice', namespace } };
    await client.create(studentQuotas, seat);
    const usage = { asOf: '2026-12-01T10:30:00Z', requestsToday: 1, tokensToday: 90, tokensTotal: 900 };
    const { apiVersion, kind, metadata } = seat;
    const part = (own: object) => ({ apiVersion, kind, metadata, spec: seat.spec, status: own });
    const subresource = 'status' as const;
    await client.apply(studentQuotas, part({ secretName: 'alice-api-key' }), {
      fieldManager: 'operator',
      subresource,
    });
    const merged = await client.apply(studentQuotas, part({ usage }), {
      fieldManager: 'gateway',
      subresource,
    });
    expect(merged.status).toEqual({ secretName: 'alice-api-key', usage });
  });
});

describe('scale', () => {
  const scalePath = () =>
    `/apis/gpu-classroom.io/v1alpha1/namespaces/${namespace}/classrooms/python-101/scale`;

  beforeEach(async () => {
    await server.create(written({ engine: { replicas: { min: 2, max: 4 } } }));
    await server.replaceStatus({ ...written(), status });
  });

  test('shows the most engines, the engines wanted and the selector of their pods', async () => {
    expect(await client.raw('GET', scalePath())).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 4 },
      status: { replicas: 3, selector: 'gpu-classroom.io/classroom=python-101' },
    });
  });

  test('by kubectl sets the most engines', async () => {
    await kubectl('scale', 'classroom/python-101', '--replicas=6');
    expect((await server.get('Classroom', 'python-101')).spec).toMatchObject({
      engine: { replicas: { min: 2, max: 6 } },
    });
  });

  test.each([
    ['0', 'should be greater than or equal to 1'],
    ['1', '`min` must not be greater than `max`'],
    ['65', 'should be less than or equal to 64'],
  ])('to %s engines is refused', async (replicas, message) => {
    await expect(kubectl('scale', 'classroom/python-101', `--replicas=${replicas}`)).rejects.toThrow(message);
  });
});

describe('kubectl get', () => {
  beforeEach(async () => {
    await server.create(written());
    await server.replaceStatus({ ...written(), status });
    const { apiVersion, kind, spec } = studentQuota();
    const seat = { apiVersion, kind, metadata: { name: 'python-101-alice' }, spec };
    await server.create(seat);
    await server.replaceStatus({
      ...seat,
      status: { conditions: readyCondition, secretName: 'python-101-alice-api-key' },
    });
  });

  /** Columns of each line, without the age. */
  async function table(...args: string[]): Promise<string[][]> {
    const lines = (await kubectl('get', ...args)).trim().split('\n');
    return lines.map((line) => line.trim().split(/ {2,}/).slice(0, -1));
  }

  test("answers a trainer's first question about a class", async () => {
    expect(await table('cls')).toEqual([
      ['NAME', 'READY', 'REASON', 'MODEL', 'STUDENTS', 'ENGINES', 'WANTED', 'ACCESS', 'OPEN', 'NEXT CHANGE'],
      [
        'python-101',
        'True',
        'EnginesReady',
        'Qwen/Qwen2.5-7B-Instruct',
        '20',
        '2',
        '3',
        'Open',
        'True',
        'closes Mon 2026-11-23 17:00',
      ],
    ]);
  });

  test("answers a trainer's first question about a seat", async () => {
    expect(await table('sq', '-o', 'wide')).toEqual([
      ['NAME', 'STUDENT', 'CLASS', 'READY', 'REASON', 'ACCESS', 'SECRET'],
      [
        'python-101-alice',
        'alice',
        'python-101',
        'True',
        'EnginesReady',
        'Active',
        'python-101-alice-api-key',
      ],
    ]);
  });

  test('shows both kinds by their category', async () => {
    const names = await kubectl('get', 'gpu-classroom', '-o', 'name');
    expect(names.trim().split('\n')).toEqual([
      'classroom.gpu-classroom.io/python-101',
      'studentquota.gpu-classroom.io/python-101-alice',
    ]);
  });
});

test('the seats of one class are found by a field selector', async () => {
  const seat = (name: string, spec: object) => ({
    ...studentQuota({ spec }),
    metadata: { name, namespace },
  });
  await client.create(studentQuotas, seat('alice', {}));
  await client.create(
    studentQuotas,
    seat('bob', { classroomRef: { name: 'sql-101' }, student: { id: 'bob' } }),
  );
  const fieldSelector = 'spec.classroomRef.name=sql-101';
  const { items } = await client.list(studentQuotas, { namespace, fieldSelector });
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['bob']);
});

test('classes are listed by their resource', async () => {
  await client.create(classrooms, { ...classroom(), metadata: { name: 'python-101', namespace } });
  const { items } = await client.list(classrooms, { namespace });
  expect(items.map(({ spec }) => spec)).toEqual([classroom().spec]);
});
