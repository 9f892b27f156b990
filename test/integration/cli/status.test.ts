import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ClassroomStatus, classrooms } from '../../../src/api/classroom.ts';
import { mergeConditions } from '../../../src/api/condition.ts';
import { type StudentQuotaStatus, studentQuotas } from '../../../src/api/student-quota.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { events } from '../../../src/kube/resources.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-status');
const inNamespace = { namespace, uid: undefined, generation: undefined };

const run = (...argv: string[]) =>
  kubectlClassroom([...argv, '-n', namespace, '--kubeconfig', controlPlane.kubeconfigPath]);

/** A class whose operator says that it serves, or that it loads. */
async function writeStatus(name: string, serving: boolean): Promise<void> {
  const { spec: _, ...object } = classroom({ metadata: { ...inNamespace, name } });
  const generation = (await client.get(classrooms, { namespace, name }))?.metadata.generation ?? 0;
  const ready = serving
    ? { status: 'True' as const, reason: 'Serving', message: '1 of 1 engines answer.' }
    : { status: 'False' as const, reason: 'Loading', message: 'The engine loads the model.' };
  const status: ClassroomStatus = {
    conditions: mergeConditions(undefined, [{ type: 'Ready', ...ready }], generation, Date.now()),
    observedGeneration: generation,
    replicas: 1,
    readyReplicas: serving ? 1 : 0,
    students: 1,
    baseURL: 'http://gateway.example.com/v1',
    engines: [{ name: `${name}-engine-1`, state: serving ? 'Ready' : 'Loading', node: 'gpu-1' }],
  };
  await client.mergePatch(classrooms, { namespace, name }, { ...object, status }, { subresource: 'status' });
}

beforeAll(async () => {
  const { status: _, ...object } = classroom({ metadata: inNamespace });
  const made = await client.create(classrooms, object);
  await writeStatus('python-101', true);
  const seat = await client.create(studentQuotas, studentQuota({ metadata: inNamespace }));
  const status: StudentQuotaStatus = {
    conditions: mergeConditions(
      undefined,
      [{ type: 'Ready', status: 'True', reason: 'Active', message: 'The student can work.' }],
      1,
      Date.now(),
    ),
    secretName: 'python-101-alice-api-key',
    usage: { asOf: new Date().toISOString(), requestsToday: 3, tokensToday: 1200, tokensTotal: 9000 },
  };
  await client.mergePatch(studentQuotas, seat.metadata, { status }, { subresource: 'status' });
  await client.create(events, {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'python-101.1', namespace },
    eventTime: '2026-11-23T09:00:00.000000Z',
    type: 'Normal',
    reason: 'EngineReady',
    action: 'Observe',
    note: 'Engine python-101-engine-1 answers.',
    reportingController: 'gpu-classroom.io/operator',
    reportingInstance: 'test',
    regarding: {
      apiVersion: made.apiVersion,
      kind: made.kind,
      name: made.metadata.name,
      namespace,
      ...(made.metadata.uid === undefined ? {} : { uid: made.metadata.uid }),
    },
  });
});

describe('status', () => {
  test('the only class of the namespace needs no name', async () => {
    const { code, stdout, stderr } = await run('status');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(`^python-101 in ${namespace}: students are served\n1 of 1 engines answer\\.`),
    );
    expect(stdout).toMatch(/^Students +1: 1 can work$/m);
    expect(stdout).toMatch(/^Today +3 requests, 1200 tokens by 1 student$/m);
    expect(stdout).toMatch(/^python-101-engine-1 +Ready +gpu-1/m);
    expect(stdout).toContain('Next: Hand out the keys: kubectl classroom keys export python-101');
  });

  test('is JSON for programs', async () => {
    const report = JSON.parse((await run('status', 'python-101', '-o', 'json')).stdout);
    expect(report).toMatchObject({
      name: 'python-101',
      serving: true,
      reason: 'Serving',
      engines: { wanted: 1, ready: 1 },
      students: { total: 1, active: 1 },
      usageToday: { requests: 3, tokens: 1200, students: 1 },
    });
  });

  test('who may see the class alone is told what is for them', async () => {
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const metadata = { name: 'viewer' };
    await client.raw('POST', `${rbac}/roles`, {
      body: {
        metadata,
        rules: [{ apiGroups: [classrooms.group], resources: ['classrooms'], verbs: ['get', 'list'] }],
      },
    });
    await client.raw('POST', `${rbac}/rolebindings`, {
      body: {
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'viewer' },
        subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'vera' }],
      },
    });
    const { code, stdout, stderr } = await eventually('the rights of vera', async () => {
      const ended = await run('status', 'python-101', '--as', 'vera');
      return ended.code === 0 && ended;
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Students +<not yours to see>$/m);
    expect(stdout).toContain('Next: Nothing: the class is ready.');
    expect((await run('describe', 'python-101', '--as', 'vera')).stdout).toMatch(
      /Lately:\n {2}<not yours to see>\n$/,
    );
  });

  test('--wait comes back as soon as the class serves', async () => {
    const { status: _, ...object } = classroom({ metadata: { ...inNamespace, name: 'biology' } });
    await client.create(classrooms, object);
    await writeStatus('biology', false);
    // Chance decides how long a watch lasts: it is asked when one opens.
    const watching = Promise.withResolvers<void>();
    const random = () => {
      watching.resolve();
      return 0.5;
    };
    const argv = [
      'status',
      'biology',
      '--wait',
      '-n',
      namespace,
      '--kubeconfig',
      controlPlane.kubeconfigPath,
    ];
    const waiting = kubectlClassroom(argv, { random });
    await watching.promise;
    await writeStatus('biology', true);
    expect(await waiting).toMatchObject({ code: 0, stdout: expect.stringContaining('students are served') });
    await client.delete(classrooms, { namespace, name: 'biology' });
  });

  test('--wait gives up after --timeout, with what it waited for', async () => {
    const { status: _, ...object } = classroom({ metadata: { ...inNamespace, name: 'history' } });
    await client.create(classrooms, object);
    await writeStatus('history', false);
    const { code, stdout, stderr } = await run('status', 'history', '--wait', '--timeout', '100ms');
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('Class "history" is not there yet');
    expect(stderr).toContain('The engine loads the model.');
    await client.delete(classrooms, { namespace, name: 'history' });
  });

  test('a class must be named where there are several, and cannot be where there is none', async () => {
    const several = await controlPlane.createNamespace('cli-several');
    const argv = ['status', '-n', several, '--kubeconfig', controlPlane.kubeconfigPath];
    expect(await kubectlClassroom(argv)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`error: There is no class in namespace "${several}".`),
    });
    for (const name of ['biology', 'history']) {
      const { status: _, ...object } = classroom({ metadata: { ...inNamespace, namespace: several, name } });
      await client.create(classrooms, object);
    }
    expect(await kubectlClassroom(argv)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is biology, history.'),
    });
  });

  test('a class that is not there', async () => {
    const { code, stderr } = await run('status', 'python-102');
    expect(code).toBe(1);
    expect(stderr).toContain(
      `There is no class "python-102" in namespace "${namespace}".\n  There is python-101.`,
    );
  });
});

describe('describe', () => {
  test('tells of a class what status tells, its limits, its students and what happened', async () => {
    const { code, stdout, stderr } = await run('describe', 'python-101');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('students are served');
    expect(stdout).toMatch(/Limits of a student:\n {2}requests a minute +30\n/);
    expect(stdout).toMatch(/^ {2}alice +<none> +<none> +Active +1200 +9000 +<none>$/m);
    expect(stdout).toMatch(/^ {2}\S+ +Normal +EngineReady +Engine python-101-engine-1 answers\.$/m);
  });

  test('tells of a student the limits in force and what was used, never a key', async () => {
    const { stdout } = await run('describe', 'python-101', '--student', 'alice');
    expect(stdout).toMatch(/^alice in the class python-101$/m);
    expect(stdout).toMatch(/^ {2}tokens a minute +100000$/m);
    expect(stdout).toMatch(/^ {2}today +3 requests, 1200 tokens$/m);
  });

  test('a student who has no seat, and who was meant', async () => {
    const { code, stderr } = await run('describe', 'python-101', '--student', 'alcie');
    expect(code).toBe(1);
    expect(stderr).toContain('Did you mean alice?');
  });

  test('fields that somebody wrote as null are absent', async () => {
    const { status: _, ...object } = classroom({ metadata: { ...inNamespace, name: 'nulls' } });
    const spec = { ...object.spec, schedule: null, boost: null, exam: null, contact: null };
    await client.create<KubeObject>(classrooms, { ...object, ...{ spec } });
    const carol = studentQuota({
      metadata: inNamespace,
      spec: { classroomRef: { name: 'nulls' }, student: { id: 'carol' } },
    });
    const ofSeat = { ...carol.spec, limits: null, expiresAt: null, boost: null };
    await client.create<KubeObject>(studentQuotas, { ...carol, ...{ spec: ofSeat } });
    expect(await run('describe', 'nulls')).toMatchObject({ code: 0 });
    expect(await run('describe', 'nulls', '--student', 'carol')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ *Ends +never$/m),
    });
    await client.delete(classrooms, { namespace, name: 'nulls' });
  });
});
