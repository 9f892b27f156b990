import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { classrooms } from '../../../src/api/classroom.ts';
import { studentQuotas } from '../../../src/api/student-quota.ts';
import type { Machine } from '../../../src/cli/machine.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { secrets } from '../../../src/kube/resources.ts';
import { hashApiKey } from '../../../src/student/api-key.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';
import { personWithRole } from '../../support/person.ts';
import { runStudentController, STUDENT_BASE_URL } from '../../support/student-controller.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-keys');
const withoutOperator = await controlPlane.createNamespace('cli-keys-missing');
const folder = await temporaryFolder();
const stop = new AbortController();
const stopped = runStudentController(namespace, client, stop.signal);
let trainer: string;

beforeAll(async () => {
  trainer = await personWithRole(client, namespace, 'trainer');
  for (const place of [namespace, withoutOperator]) {
    const inPlace = { namespace: place, uid: undefined, generation: undefined };
    const { status: _, ...object } = classroom({ metadata: inPlace });
    await client.create(classrooms, object);
    for (const id of ['alice', 'bob']) {
      await client.create(studentQuotas, studentQuota({ metadata: inPlace, spec: { student: { id } } }));
    }
  }
  // The keys are made by the operator.
  expect(await keys('export', '--wait')).toMatchObject({ code: 0 });
});

afterAll(async () => {
  stop.abort();
  await stopped;
  await folder[Symbol.asyncDispose]();
});

const connection = ['--kubeconfig', controlPlane.kubeconfigPath];
/** With exactly the rights of a trainer. */
const keysAs = (difference: Partial<Machine>, ...argv: string[]) =>
  kubectlClassroom(['keys', ...argv, '-n', namespace, '--as', trainer, ...connection], difference);
const keys = (...argv: string[]) => keysAs({}, ...argv);

const KEY = /gpc_[0-9A-Za-z]{49}/g;
const keysIn = (text: string): string[] => [...text.matchAll(KEY)].map(([key]) => key);

/** The one key of a student, as it would be handed out now. */
async function keyOf(student: string): Promise<string> {
  const { stdout } = await keys('export', '--students', student, '--wait');
  return keysIn(stdout).join();
}

/** Hashes that the gateway takes of a student, the newest first, and whether they end. */
async function accepted(student: string): Promise<{ sha256: string; ends: boolean }[]> {
  const seat = await client.get(studentQuotas, { namespace, name: `python-101-${student}` });
  return (seat?.status?.keys ?? []).map(({ sha256, expiresTime }) => ({
    sha256,
    ends: expiresTime !== undefined,
  }));
}

describe('export', () => {
  test('prints a table for programs, with a warning beside it', async () => {
    const { code, stdout, stderr } = await keys('export');
    expect(code).toBe(0);
    const rows = stdout.trimEnd().split('\r\n');
    expect(rows).toEqual([
      'id,name,group,key,base_url,model',
      expect.stringMatching(/^alice,,,gpc_\w{49},https:\/\/gateway\.example\/v1,Qwen\/Qwen2\.5-7B-Instruct$/),
      expect.stringMatching(/^bob,,,gpc_\w{49},/),
    ]);
    expect(stderr).toMatch(/^warning: This output holds the keys of 2 students\./);
    expect(keysIn(stderr)).toEqual([]);
  });

  test('writes a .env file for each student that nobody else can read', async () => {
    const to = join(folder.path, 'env');
    const { code, stdout } = await keys('export', '--format', 'env', '--to', to);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${to}/python-101-alice.env\n${to}/python-101-bob.env\n`,
    });
    expect((await stat(to)).mode & 0o777).toBe(0o700);
    expect(await readdir(to)).toEqual(['python-101-alice.env', 'python-101-bob.env']);
    const file = join(to, 'python-101-alice.env');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toBe(
      `OPENAI_API_KEY=${await keyOf('alice')}\nOPENAI_BASE_URL=${STUDENT_BASE_URL}\nOPENAI_MODEL=Qwen/Qwen2.5-7B-Instruct\n`,
    );
  });

  test('writes a handout for each student, with no key but their own, and all in one to print', async () => {
    const to = join(folder.path, 'handouts');
    const outside = 'https://gpu.school.example/v1';
    const argv = ['--format', 'handout', '--to', to, '--base-url', outside, '--language', 'zh'];
    expect(await keys('export', ...argv)).toMatchObject({ code: 0 });
    const [alice, bob] = [await keyOf('alice'), await keyOf('bob')];
    const distinct = async (name: string) => [...new Set(keysIn(await readFile(join(to, name), 'utf8')))];
    expect(await distinct('python-101-alice.html')).toEqual([alice]);
    expect(await distinct('python-101-bob.html')).toEqual([bob]);
    expect(await distinct('_all.html')).toEqual([alice, bob]);
    const page = await readFile(join(to, 'python-101-alice.html'), 'utf8');
    expect(page).toContain('<html lang="zh">');
    expect(page).toContain(`OPENAI_BASE_URL=${outside}`);
  });

  test('replaces files only when that is meant', async () => {
    const to = join(folder.path, 'keys.csv');
    expect(await keys('export', '--to', to)).toMatchObject({ code: 0 });
    const before = await readFile(to, 'utf8');
    expect(before).toMatch(/^\uFEFFid,/);
    const refused = await keysAs(
      { ask: () => Promise.resolve('n') },
      ...['export', '--to', to, '--students', 'alice'],
    );
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(await readFile(to, 'utf8')).toBe(before);
    expect(await keys('export', '--to', to, '--students', 'alice', '--yes')).toMatchObject({ code: 0 });
    expect(keysIn(await readFile(to, 'utf8'))).toEqual([await keyOf('alice')]);
  });

  test('says where it could not write', async () => {
    const to = join(folder.path, 'keys.csv', 'below-a-file');
    expect(await keys('export', '--format', 'env', '--to', to)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/The file .*keys\.csv.* cannot be written\./),
    });
  });

  test('hands out nothing while a key is missing, unless that is meant', async () => {
    const argv = ['keys', 'export', '-n', withoutOperator, ...connection];
    const { code, stdout, stderr } = await kubectlClassroom(argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('alice: the operator has not looked at the seat yet\n');
    expect(stderr).toContain('--wait; or hand out those there are: --skip-missing');
    const waited = await kubectlClassroom([...argv, '--wait', '--timeout', '100ms']);
    expect(waited).toMatchObject({ code: 4, stdout: '' });
  });

  test('leaves out whose key cannot be made, if that is meant, and says why', async () => {
    const inPlace = { namespace, uid: undefined, generation: undefined };
    const metadata = { namespace, name: 'python-101-carol-api-key' };
    await client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata, data: {} });
    const carol = studentQuota({ metadata: inPlace, spec: { student: { id: 'carol' } } });
    await client.create(studentQuotas, carol);
    await eventually('the operator to have looked at the seat', async () => {
      const seat = await client.get(studentQuotas, carol.metadata);
      return seat?.status?.conditions?.some(({ reason }) => reason === 'NameConflict') ?? false;
    });
    const why = 'carol: Secret python-101-carol-api-key does not belong to this seat';
    const refused = await keys('export');
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(why) });
    const { code, stdout, stderr } = await keys('export', '--skip-missing');
    expect({ code, keys: keysIn(stdout) }).toEqual({
      code: 0,
      keys: [await keyOf('alice'), await keyOf('bob')],
    });
    expect(stderr).toContain(`left out: ${why}`);
    await client.delete(studentQuotas, carol.metadata);
    await client.delete(secrets, metadata);
  });

  test.each([
    ['a student who has no seat', ['--students', 'alice,boc'], 1, 'Did you mean bob?'],
    ['no folder for files', ['--format', 'env'], 2, '--to must name a folder'],
    ['an address that is none', ['--base-url', 'gpu.school'], 2, '--base-url must be a URL'],
  ])('refuses %s', async (_, argv, code, words) => {
    const ended = await keys('export', ...argv);
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(words) });
  });
});

describe('rotate', () => {
  test('makes a new key, and the old one works until the overlap ends', async () => {
    const before = await keyOf('alice');
    const others = await keyOf('bob');
    const rotated = await keys('rotate', '--students', 'alice', '--overlap', '24h', '--yes', '--wait');
    expect(rotated).toEqual({
      code: 0,
      stdout: 'studentquota.gpu-classroom.io/python-101-alice configured\n',
      stderr: `Next: kubectl classroom keys export python-101 -n ${namespace} --students alice\n`,
    });
    const after = await keyOf('alice');
    expect(after).not.toBe(before);
    expect(await accepted('alice')).toEqual([
      { sha256: hashApiKey(after), ends: false },
      { sha256: hashApiKey(before), ends: true },
    ]);
    expect(await keyOf('bob')).toBe(others);
  });

  test('asks first, and says what will happen', async () => {
    const before = await keyOf('bob');
    const asked: string[] = [];
    const ask = (question: string) => Promise.resolve(asked.push(question) === 1 ? '' : 'y');
    expect(await keysAs({ ask }, 'rotate', '--all')).toMatchObject({ code: 1, stdout: '' });
    expect(asked).toEqual([
      'This makes new keys for 2 students (alice, bob). Their present keys work for 60 more minutes. Go on? [y/N] ',
    ]);
    expect(await keyOf('bob')).toBe(before);
  });

  test('goes on after an interrupt with those who have no new key yet', async () => {
    const none = await keys('rotate', '--all', '--older-than', '24h', '--yes');
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('nothing to do') });
    const before = await keyOf('bob');
    // Times of keys are told to the second; Alice's is to be the newer one.
    const bob = await client.get(studentQuotas, { namespace, name: 'python-101-bob' });
    const nextSecondMs = Date.parse(bob?.status?.keys?.[0]?.createdTime ?? '') + 1000;
    await eventually('the next second', async () => Date.now() >= nextSecondMs);
    await keys('rotate', '--students', 'alice', '--yes', '--wait');
    const done = await keyOf('alice');
    const seat = await client.get(studentQuotas, { namespace, name: 'python-101-alice' });
    const madeMs = Date.parse(seat?.status?.keys?.[0]?.createdTime ?? '');
    const clock = { ...systemClock, now: () => madeMs + 3_600_000 };
    const rotated = await keysAs({ clock }, 'rotate', '--all', '--older-than', '1h', '--yes', '--wait');
    expect(rotated).toMatchObject({
      code: 0,
      stdout: 'studentquota.gpu-classroom.io/python-101-bob configured\n',
    });
    expect(await keyOf('alice')).toBe(done);
    expect(await keyOf('bob')).not.toBe(before);
  });

  test('in an exam waits until it is over, and says so', async () => {
    const before = await keyOf('alice');
    const exam = { students: [], maxOutputTokens: 512 };
    const setAccess = (spec: object) =>
      client.mergePatch(classrooms, { namespace, name: 'python-101' }, { spec });
    await setAccess({ access: 'Exam', exam });
    const rotated = await keys('rotate', '--students', 'alice', '--yes');
    expect(rotated).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^The class is in an exam: the new keys are made when it is over/),
    });
    const waited = await keys('rotate', '--students', 'alice', '--yes', '--wait', '--timeout', '1s');
    expect(waited).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('in an exam no key is replaced'),
    });
    expect((await accepted('alice')).map(({ sha256 }) => sha256)).toContain(hashApiKey(before));

    await setAccess({ access: 'Open' });
    await eventually('the new key', async () => (await accepted('alice'))[0]?.sha256 !== hashApiKey(before));
    expect(await accepted('alice')).toContainEqual({ sha256: hashApiKey(before), ends: true });
  });

  test.each([
    ['nobody', [], '--students or --all must say whose keys are meant'],
    ['some and all', ['--all', '--students', 'bob'], '--students and --all must not be used together'],
    ['half a minute', ['--all', '--overlap', '30s'], '--overlap must be whole minutes'],
    ['more than a week', ['--all', '--overlap', '169h'], '--overlap must not be more than 168h'],
  ])('refuses %s', async (_, argv, words) => {
    const ended = await keys('rotate', ...argv, '--yes');
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
  });
});

describe('revoke', () => {
  test('ends a key and those before it at once, and there is a new one', async () => {
    await keys('rotate', '--students', 'bob', '--yes', '--wait');
    expect((await accepted('bob')).length).toBeGreaterThan(1);
    const leaked = await keyOf('bob');
    expect(await keys('revoke', '--students', 'bob', '--yes', '--wait')).toMatchObject({ code: 0 });
    const after = await keyOf('bob');
    expect(after).not.toBe(leaked);
    expect(await accepted('bob')).toEqual([{ sha256: hashApiKey(after), ends: false }]);
  });

  test('needs a yes', async () => {
    const before = await accepted('bob');
    expect(await keys('revoke', '--all')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Add --yes if it is meant; nothing was changed.'),
    });
    expect(await accepted('bob')).toEqual(before);
  });
});
