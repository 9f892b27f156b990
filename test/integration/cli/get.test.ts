import { beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { classrooms } from '../../../src/api/classroom.ts';
import { LABELS } from '../../../src/api/labels.ts';
import { studentQuotas } from '../../../src/api/student-quota.ts';
import { pods } from '../../../src/kube/resources.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-get');
const empty = await controlPlane.createNamespace('cli-empty');

const get = (...argv: string[]) =>
  kubectlClassroom(['get', ...argv, '-n', namespace, '--kubeconfig', controlPlane.kubeconfigPath]);

beforeAll(async () => {
  const inNamespace = { namespace, uid: undefined, generation: undefined };
  const { status: _, ...python } = classroom({ metadata: { ...inNamespace, labels: { course: 'python' } } });
  const { status: __, ...biology } = classroom({ metadata: { ...inNamespace, name: 'biology' } });
  await client.create(classrooms, python);
  await client.create(classrooms, biology);
  for (const id of ['alice', 'bob']) {
    await client.create(studentQuotas, studentQuota({ metadata: inNamespace, spec: { student: { id } } }));
  }
  await client.create(
    studentQuotas,
    studentQuota({
      metadata: inNamespace,
      spec: { classroomRef: { name: 'biology' }, student: { id: 'carol' } },
    }),
  );
  await client.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'python-101-engine-1',
      namespace,
      labels: { [LABELS.component]: 'engine', [LABELS.classroom]: 'python-101' },
    },
    spec: { containers: [{ name: 'vllm', image: 'vllm/vllm-openai:v0.32.0' }] },
  });
});

/** The first word of each line. */
const firstWords = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ +/)[0] ?? '');

describe('a table has the columns that the API server prints', () => {
  test('of all classes of the namespace', async () => {
    const { code, stdout, stderr } = await get();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')[0]).toMatch(/^NAME {2,}READY {2,}REASON {2,}MODEL {2,}STUDENTS .* AGE$/);
    expect(firstWords(stdout)).toEqual(['NAME', 'biology', 'python-101']);
  });

  test('of one that is named', async () => {
    expect(firstWords((await get('python-101')).stdout)).toEqual(['NAME', 'python-101']);
    expect(firstWords((await get('classrooms', 'python-101')).stdout)).toEqual(['NAME', 'python-101']);
    expect(firstWords((await get('--class', 'python-101')).stdout)).toEqual(['NAME', 'python-101']);
  });

  test('with more columns when it is wide', async () => {
    expect((await get('-o', 'wide')).stdout).toMatch(/^NAME .* URL +AGE$/m);
    expect((await get()).stdout).not.toContain('URL');
  });

  test('with the namespace first when all are looked at', async () => {
    const { stdout } = await get('-A');
    expect(stdout).toMatch(/^NAMESPACE +NAME +READY/);
    expect(firstWords(stdout)).toContain(namespace);
  });

  test('of those with a label', async () => {
    expect(firstWords((await get('-l', 'course=python')).stdout)).toEqual(['NAME', 'python-101']);
  });

  test('of students, of one class, and by their ids', async () => {
    expect(firstWords((await get('students')).stdout)).toHaveLength(4);
    expect((await get('students', '--class', 'biology')).stdout).toMatch(/^biology-carol +carol +biology/m);
    expect(firstWords((await get('students', 'alice', 'python-101-bob')).stdout)).toEqual([
      'NAME',
      'python-101-alice',
      'python-101-bob',
    ]);
  });

  test('of the engines of a class', async () => {
    const { stdout } = await get('engines', '--class', 'python-101');
    expect(firstWords(stdout)).toEqual(['NAME', 'python-101-engine-1']);
  });
});

describe('for programs', () => {
  test('one object is itself, without what managers own', async () => {
    const object = JSON.parse((await get('python-101', '-o', 'json')).stdout);
    expect(object).toMatchObject({ kind: 'Classroom', metadata: { name: 'python-101', namespace } });
    expect(object.metadata).not.toHaveProperty('managedFields');
    expect(Object.keys(object).slice(0, 3)).toEqual(['apiVersion', 'kind', 'metadata']);
  });

  test('several are a List that kubectl apply takes', async () => {
    const list = parse((await get('students', '-o', 'yaml')).stdout);
    expect(list).toMatchObject({ apiVersion: 'v1', kind: 'List' });
    expect(list.items).toHaveLength(3);
    expect(list.items[0]).toMatchObject({ kind: 'StudentQuota' });
  });

  test('names are what kubectl takes', async () => {
    expect((await get('-o', 'name')).stdout).toBe(
      'classroom.gpu-classroom.io/biology\nclassroom.gpu-classroom.io/python-101\n',
    );
  });
});

describe("columns of one's own", () => {
  test('show what their paths lead to', async () => {
    const columns =
      'custom-columns=STUDENT:.spec.student.id,CLASS:.spec.classroomRef.name,KEY:.status.secretName';
    expect((await get('students', '-o', columns, 'alice')).stdout).toBe(
      'STUDENT   CLASS        KEY\nalice     python-101   <none>\n',
    );
  });

  test('with a path that cannot be read are told of, before anything is shown', async () => {
    const { code, stdout, stderr } = await get('-o', 'custom-columns=A:.spec[?(@.x==)]');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('error: The path ".spec[?(@.x==)]" of a column cannot be read.');
  });
});

describe('get --watch', () => {
  /** Types Ctrl-C when `change` has led to a text. */
  async function watched(argv: string[], change: () => Promise<unknown>, until: string) {
    const interrupt = new AbortController();
    let stdout = '';
    const command = ['get', ...argv, '--watch', '-n', watchedNamespace];
    const running = kubectlClassroom([...command, '--kubeconfig', controlPlane.kubeconfigPath], {
      signal: interrupt.signal,
      stdout: {
        write: (text) => {
          stdout += text;
        },
      },
    });
    await eventually('the beginning', () => stdout !== '');
    await change();
    await eventually(until, () => stdout.includes(until));
    interrupt.abort(new Error('Interrupted'));
    return { ...(await running), stdout };
  }
  const seat = (id: string) =>
    studentQuota({
      metadata: { namespace: watchedNamespace, uid: undefined, generation: undefined },
      spec: { student: { id } },
    });
  const suspend = (id: string) =>
    client.mergePatch(
      studentQuotas,
      { namespace: watchedNamespace, name: `python-101-${id}` },
      { spec: { access: 'Suspended' } },
    );
  let watchedNamespace: string;
  beforeEach(async () => {
    watchedNamespace = await controlPlane.createNamespace('cli-watch');
    await client.create(studentQuotas, seat('alice'));
  });

  test('begins with the table, and goes on with what changes and what comes, until Ctrl-C', async () => {
    const { code, stdout, stderr } = await watched(
      ['students'],
      async () => {
        await suspend('alice');
        await client.create(studentQuotas, seat('bob'));
      },
      'python-101-bob',
    );
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(stdout.replaceAll(/ +/g, ' ').trimEnd().split('\n')).toEqual([
      'NAME STUDENT CLASS READY ACCESS AGE',
      expect.stringMatching(/^python-101-alice alice python-101 <none> Active /),
      expect.stringMatching(/^python-101-alice alice python-101 <none> Suspended /),
      expect.stringMatching(/^python-101-bob bob python-101 <none> Active /),
    ]);
  });

  test('tells only of those that are named', async () => {
    const { stdout } = await watched(
      ['students', 'alice', '-o', 'name'],
      async () => {
        await client.create(studentQuotas, seat('bob'));
        await suspend('alice');
      },
      'python-101-alice\nstudentquota.gpu-classroom.io/python-101-alice\n',
    );
    expect(stdout).not.toContain('bob');
  });

  test('ends with the next change when nobody reads it any more, as before `head`', async () => {
    const stdout = { destroyed: false, write: () => true };
    const ended = kubectlClassroom(
      ['get', 'students', '-w', '-n', watchedNamespace, '--kubeconfig', controlPlane.kubeconfigPath],
      { stdout },
    );
    stdout.destroyed = true;
    // Only a change that it is told of ends it, and it may not watch yet.
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    await eventually('the end', async () => {
      await suspend('alice');
      await client.mergePatch(
        studentQuotas,
        { namespace: watchedNamespace, name: 'python-101-alice' },
        { spec: { access: 'Active' } },
      );
      return isOver;
    });
    expect((await ended).code).toBe(0);
  });

  test('gives programs one object after the other', async () => {
    const { stdout } = await watched(['students', '-o', 'yaml'], () => suspend('alice'), 'Suspended');
    const documents = parseAllDocuments(stdout).map((document) => document.toJS());
    expect(documents).toMatchObject([
      { kind: 'StudentQuota', spec: { access: 'Active' } },
      { kind: 'StudentQuota', spec: { access: 'Suspended' } },
    ]);
    expect(documents[0].metadata).not.toHaveProperty('managedFields');
  });

  test("may show columns of one's own", async () => {
    const columns = 'custom-columns=STUDENT:.spec.student.id,ACCESS:.spec.access';
    const { stdout } = await watched(['students', '-o', columns], () => suspend('alice'), 'Suspended');
    expect(stdout).toBe('STUDENT   ACCESS\nalice     Active\nalice     Suspended\n');
  });
});

describe('what is not there', () => {
  test('nothing in the namespace: said on standard error, as kubectl does, and no failure', async () => {
    const argv = ['get', '-n', empty, '--kubeconfig', controlPlane.kubeconfigPath];
    expect(await kubectlClassroom(argv)).toEqual({
      code: 0,
      stdout: '',
      stderr: `No classes found in namespace "${empty}".\n`,
    });
  });

  test('nothing of a class: said with its name, which may be misspelled', async () => {
    expect(await get('students', '--class', 'pyhton-101')).toMatchObject({
      code: 0,
      stderr: `No students of class "pyhton-101" found in namespace "${namespace}".\n`,
    });
  });

  test('a name that nothing has is a failure that tells what there is', async () => {
    const { code, stdout, stderr } = await get('python-102');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(
      `error: There is no "python-102" among the classes of namespace "${namespace}".`,
    );
    expect(stderr).toContain('biology, python-101');
    expect((await get('python-102', '-A')).stderr).toContain('among the classes of all namespaces');
  });
});

describe('the way to the cluster', () => {
  test('acts as somebody else, who is told what is missing', async () => {
    const { code, stderr } = await get('--as', 'mallory');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error: You may not do that on this cluster\.\n.*"mallory" cannot list resource "classrooms"/,
    );
  });

  test('is found in KUBECONFIG', async () => {
    const ended = await kubectlClassroom(['get', '-n', namespace, '-o', 'name'], {
      env: { KUBECONFIG: controlPlane.kubeconfigPath },
    });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('a context that is not there', async () => {
    const { code, stderr } = await get('--context', 'nowhere');
    expect(code).toBe(1);
    expect(stderr).toContain('has no context "nowhere"');
    expect(stderr).toContain('kubectl config get-contexts');
  });
});
