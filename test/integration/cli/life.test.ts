import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Classroom, classrooms } from '../../../src/api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../../src/api/student-quota.ts';
import type { Machine } from '../../../src/cli/machine.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';
import { type RunningOperator, startOperator } from '../../support/operator-process.ts';
import { personWithRole } from '../../support/person.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A trainer, with exactly a trainer's rights, opens and closes a class on a real API server; an operator looks on. */

// A busy machine is slow, not wrong.
jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-life');
const folder = await temporaryFolder();
const place = { namespace, uid: undefined, generation: undefined };
const NAME = 'python-101';
const COMMAND_PLACE = `${NAME} -n ${namespace}`;
let operator: RunningOperator;
let trainer: string;

/** Its only session is a year away, less a week: the class is closed. */
const FAR_AWAY = new Date(Date.now() + 358 * 86_400_000).toISOString().slice(0, 10);
const schedule = {
  timeZone: 'Asia/Shanghai',
  exceptions: [{ date: FAR_AWAY, sessions: [{ start: '09:00', end: '17:00' }] }],
};

beforeAll(async () => {
  operator = startOperator({ kubeconfig: controlPlane.kubeconfigPath, namespace });
  trainer = await personWithRole(client, namespace, 'trainer');
  const { status: _, ...object } = classroom({ metadata: { ...place, name: NAME }, spec: { schedule } });
  await client.create(classrooms, object);
  for (const id of ['alice', 'bob', 'carol']) {
    await client.create(studentQuotas, studentQuota({ metadata: place, spec: { student: { id } } }));
  }
  await operator.ready();
});

afterAll(async () => {
  await operator.stop();
  await folder[Symbol.asyncDispose]();
});

const runAs = (user: string, difference: Partial<Machine>, ...argv: string[]) =>
  kubectlClassroom(
    [...argv, '-n', namespace, '--as', user, '--kubeconfig', controlPlane.kubeconfigPath],
    difference,
  );
const run = (...argv: string[]) => runAs(trainer, {}, ...argv);

async function theClass(): Promise<Classroom> {
  const found = await client.get(classrooms, { namespace, name: NAME });
  if (found === undefined) throw new Error('the class is gone');
  return found;
}

async function seat(student: string): Promise<StudentQuota> {
  const found = await client.get(studentQuotas, { namespace, name: `${NAME}-${student}` });
  if (found === undefined) throw new Error(`the seat of ${student} is gone`);
  return found;
}

/** What of a class people write, and what is noted beside it. */
async function written(): Promise<Pick<Classroom, 'spec'> & { annotations: Record<string, string> }> {
  const { spec, metadata } = await theClass();
  return { spec, annotations: metadata.annotations ?? {} };
}

const noted = (annotation: string) => `gpu-classroom.io/${annotation}`;
const openUntilMs = async () => Date.parse((await written()).annotations[noted('open-until')] ?? '');
const HALF_AN_HOUR_MS = 1_800_000;

describe('open, extend and close', () => {
  test('what the timetable keeps closed is told, with the next session', async () => {
    const { code, stdout, stderr } = await run('open', NAME);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`It is closed until`);
    expect(stderr).toContain(`${FAR_AWAY} 09:00 (Asia/Shanghai)`);
    expect(stderr).toContain(`kubectl classroom open ${COMMAND_PLACE} --for 2h`);
  });

  test('a closed class has nothing to extend', async () => {
    expect(await run('extend', '30m')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Open it: kubectl classroom open ${COMMAND_PLACE} --for 30m`),
    });
  });

  test('a dry run is checked by the cluster and changes nothing', async () => {
    const before = await written();
    expect(await run('open', NAME, '--for', '2h', '--dry-run')).toEqual({
      code: 0,
      stdout: `classroom.gpu-classroom.io/${NAME} configured (server dry run)\n`,
      stderr: expect.stringMatching(/^Nothing was changed\. With it:\npython-101 is open until /),
    });
    expect(await written()).toEqual(before);
  });

  test('for two hours, then half an hour more, as the operator says too', async () => {
    const beforeMs = Date.now();
    const opened = await run('open', NAME, '--for', '2h');
    expect(opened).toMatchObject({ code: 0, stdout: `classroom.gpu-classroom.io/${NAME} configured\n` });
    expect(opened.stderr).toMatch(/^python-101 is open until \w{3} [-\d]+ \d\d:\d\d \(Asia\/Shanghai\)\.\n/);
    const untilMs = await openUntilMs();
    expect(untilMs - beforeMs).toBeGreaterThan(2 * 3_600_000 - 1000);
    expect(await run('extend', NAME, '30m', '--wait')).toMatchObject({ code: 0 });
    expect(await openUntilMs()).toBe(untilMs + HALF_AN_HOUR_MS);
    const { status } = await theClass();
    expect(Date.parse(status?.timetable?.openUntil ?? '')).toBe(untilMs + HALF_AN_HOUR_MS);
  });

  test('two who extend it at the same time both count', async () => {
    const beforeMs = await openUntilMs();
    const both = await Promise.all([run('extend', NAME, '30m'), run('extend', NAME, '30m')]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(await openUntilMs()).toBe(beforeMs + 2 * HALF_AN_HOUR_MS);
  });

  test('a class that is open is closed only when that is meant', async () => {
    const asked: string[] = [];
    const ask = (question: string) => Promise.resolve(asked.push(question) === 1 ? 'n' : 'y');
    expect(await runAs(trainer, { ask }, 'close', NAME)).toMatchObject({ code: 1, stdout: '' });
    expect((await theClass()).spec.access).toBe('Open');
    expect(asked).toEqual([expect.stringMatching(/^This closes python-101 for all .*taken back\. Go on\?/)]);
    expect(await run('close', NAME)).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await runAs(trainer, { ask }, 'close', NAME, '--wait')).toMatchObject({ code: 0 });
    const { spec, metadata, status } = await theClass();
    expect(spec.access).toBe('Closed');
    expect(metadata.annotations).toEqual({ [noted('access-changed-by')]: trainer });
    expect(status?.access).toMatchObject({ mode: 'Closed', changedBy: trainer });
  });

  test('who opens it again is in the status, whoever closed it', async () => {
    const another = 'another-trainer';
    await client.mergePatch(
      classrooms,
      { namespace, name: NAME },
      {
        metadata: { annotations: { [noted('access-changed-by')]: another } },
      },
    );
    expect(await run('open', NAME, '-o', 'name')).toMatchObject({
      code: 0,
      stdout: `classroom.gpu-classroom.io/${NAME}\n`,
    });
    expect(await run('close', NAME, '--wait')).toMatchObject({ code: 0 });
    expect((await theClass()).status?.access).toMatchObject({ mode: 'Closed', changedBy: trainer });
    expect(await run('close', NAME)).toMatchObject({ stdout: expect.stringMatching(/ unchanged\n$/) });
  });
});

describe('exam', () => {
  test('whoever has no seat is named before anything is written', async () => {
    const before = await written();
    const refused = await run('exam', 'start', NAME, '--students', 'alice,bop');
    expect(refused).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Did you mean bob?'),
    });
    expect(await written()).toEqual(before);
  });

  test('a list without a student is refused, and says nothing of enrolling', async () => {
    const list = join(folder.path, 'empty.csv');
    await writeFile(list, 'id,name\n');
    const { code, stderr } = await run('exam', 'start', NAME, '-f', list);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/no student\n {2}Correct that and try again; nothing was changed\.\n$/),
    });
  });

  test('starts once, and stops once, with everything as it was before', async () => {
    await run('open', NAME, '--for', '2h');
    const before = await written();
    const list = join(folder.path, 'exam.csv');
    await writeFile(list, 'id,name\nalice,Alice Zhang\nbob,Bob Li\n');
    const started = await run('exam', 'start', NAME, '-f', list, '--max-output-tokens', '64', '--wait');
    expect(started).toMatchObject({
      code: 0,
      stdout: `classroom.gpu-classroom.io/${NAME} configured\n`,
      stderr: expect.stringContaining('2 students (alice, bob); answers have at most 64 tokens, no adapters'),
    });
    const during = await theClass();
    expect(during.spec.exam).toEqual({
      students: ['alice', 'bob'],
      maxOutputTokens: 64,
      allowAdapters: false,
      allowTools: false,
    });
    expect(during.status?.access).toMatchObject({ mode: 'Exam', changedBy: trainer });
    expect(await run('exam', 'start', NAME)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`begun by ${trainer}.`),
    });
    expect(await run('open', NAME)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('use exam stop'),
    });
    expect(await run('exam', 'stop', NAME)).toMatchObject({ code: 0 });
    expect(await written()).toEqual(before);
    expect(await run('exam', 'stop', NAME)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is in no exam: its access is Open.'),
    });
  });
});

test('an exam begun by the field alone has no notes: the list that was written for it stays', async () => {
  const byField = (spec: object) => client.mergePatch(classrooms, { namespace, name: NAME }, { spec });
  await run('exam', 'start', NAME, '--all');
  await byField({ access: 'Open' });
  await byField({ access: 'Exam', exam: { students: ['carol'] } });
  expect(await run('exam', 'stop', NAME)).toMatchObject({ code: 0 });
  const { spec, annotations } = await written();
  expect(spec).toMatchObject({ access: 'Open', exam: { students: ['carol'] } });
  expect(annotations).not.toHaveProperty([noted('exam-before')]);
});

describe('boost', () => {
  test('of the class, ended before its time', async () => {
    expect(await run('boost', NAME, '--for', '30m')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^The limits of python-101 are multiplied by 2 until \w{3} .*\(Asia\/Shanghai\)\.\n$/,
      ),
    });
    expect((await theClass()).spec.boost).toEqual({
      factor: 2,
      until: expect.stringMatching(/\+08:00$/),
    });
    await run('boost', NAME, '--stop');
    expect((await theClass()).spec.boost).toBeUndefined();
    expect(await run('boost', NAME, '--stop')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ unchanged\n$/),
    });
  });

  test('of one student', async () => {
    const boosted = await run('boost', NAME, 'alice', '--factor', '5', '--for', '1h', '-o', 'json');
    expect(JSON.parse(boosted.stdout)).toMatchObject({
      kind: 'StudentQuota',
      spec: { boost: { factor: 5 } },
    });
    expect((await seat('alice')).spec.boost).toMatchObject({ factor: 5 });
    expect((await seat('bob')).spec.boost).toBeUndefined();
    expect(await run('boost', NAME, 'alcie', '--stop')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean alice?'),
    });
  });
});

describe('suspend and resume', () => {
  test('some students', async () => {
    expect(await run('suspend', NAME, 'alice,bob')).toEqual({
      code: 0,
      stdout:
        'studentquota.gpu-classroom.io/python-101-alice configured\nstudentquota.gpu-classroom.io/python-101-bob configured\n',
      stderr: 'Refused until resumed: alice, bob. Seats, keys and what was used stay.\n',
    });
    expect((await seat('bob')).spec.access).toBe('Suspended');
    expect((await seat('carol')).spec.access).toBe('Active');
    const resumed = await run('resume', NAME, 'bob', 'carol', '-o', 'name');
    expect(resumed.stdout.split('\n')).toEqual([
      'studentquota.gpu-classroom.io/python-101-bob',
      'studentquota.gpu-classroom.io/python-101-carol',
      '',
    ]);
    expect((await seat('bob')).spec.access).toBe('Active');
  });

  test('a student whom nobody knows: nobody is suspended', async () => {
    expect(await run('suspend', NAME, 'carol', 'nobody')).toMatchObject({ code: 1 });
    expect((await seat('carol')).spec.access).toBe('Active');
  });
});

describe('refused', () => {
  test.each([
    ['a duration without a unit', ['open', NAME, '--for', '2'], '--for must be a number with a unit'],
    ['a time that is none', ['open', NAME, '--until', '6pm'], "--until must be a time of the class's clock"],
    ['a time that has passed', ['open', NAME, '--until', '2020-01-01T00:00'], 'has passed'],
    ['no duration', ['extend', NAME], 'what must be a class and by how much, such as python-101 30m'],
    ['too short', ['extend', NAME, '20s'], 'such as python-101 30m: 20s must be at least 1m'],
    ['nobody', ['suspend', NAME], 'students must be set'],
    ['nobody between commas', ['suspend', NAME, ','], 'students must be ids of students, such as alice bob'],
    [
      'some and all',
      ['exam', 'start', '--all', '--students', 'bob'],
      '--students and --all must not be used',
    ],
  ])('%s', async (_, argv, words) => {
    const before = await written();
    expect(await run(...argv)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
    expect(await written()).toEqual(before);
  });

  test('whoever may only look', async () => {
    const elsewhere = await controlPlane.createNamespace('cli-life-viewer');
    const viewer = await personWithRole(client, elsewhere, 'student-viewer');
    const { status: _, ...object } = classroom({ metadata: { ...place, namespace: elsewhere, name: NAME } });
    await client.create(classrooms, object);
    const argv = ['close', NAME, '--yes', '-n', elsewhere, '--as', viewer];
    expect(await kubectlClassroom([...argv, '--kubeconfig', controlPlane.kubeconfigPath])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('You may not do that on this cluster.'),
    });
  });
});
