import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { classrooms } from '../../../src/api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../../src/api/student-quota.ts';
import type { Machine } from '../../../src/cli/machine.ts';
import { currentKey } from '../../../src/student/key-record.ts';
import { classroom } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';
import { personWithRole } from '../../support/person.ts';
import { runStudentController } from '../../support/student-controller.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-enroll');
const folder = await temporaryFolder();
const stop = new AbortController();
const stopped = runStudentController(namespace, client, stop.signal);
let trainer: string;

beforeAll(async () => {
  trainer = await personWithRole(client, namespace, 'trainer');
  const { status: _, ...object } = classroom({
    metadata: { namespace, uid: undefined, generation: undefined },
  });
  await client.create(classrooms, object);
});

afterAll(async () => {
  stop.abort();
  await stopped;
  await folder[Symbol.asyncDispose]();
});

/** With exactly the rights of a trainer. */
async function enroll(roster: string, argv: readonly string[] = [], difference: Partial<Machine> = {}) {
  const file = join(folder.path, 'roster.csv');
  await writeFile(file, roster);
  const connection = ['-n', namespace, '--as', trainer, '--kubeconfig', controlPlane.kubeconfigPath];
  return kubectlClassroom(['enroll', '-f', file, ...argv, ...connection], difference);
}

async function seats(): Promise<StudentQuota[]> {
  const { items } = await client.list(studentQuotas, { namespace });
  return items.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}

const idsOf = (all: readonly StudentQuota[]): string[] => all.map(({ spec }) => spec.student.id);

/** What was there before a test is of no concern to it. */
async function freshClass(roster: string): Promise<void> {
  for (const { metadata } of await seats()) await client.delete(studentQuotas, metadata);
  expect(await enroll(roster)).toMatchObject({ code: 0 });
}

describe('a roster', () => {
  test('of thirty, as Excel saves it in German, becomes thirty seats with keys', async () => {
    const students = Array.from({ length: 30 }, (_, n) => `s${String(n + 1).padStart(2, '0')}`);
    const rows = students.map((id) => `${id};"Zhang; ${id}";blau;${id === 's05' ? '900000' : ''}`);
    const roster = `\uFEFF${['id;Name;Group;Tokens per day', ...rows].join('\r\n')}\r\n`;
    const { code, stdout, stderr } = await enroll(roster, ['--wait']);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `Next: kubectl classroom keys export python-101 -n ${namespace}\n`,
    });
    expect(stdout).toMatch(/^CHANGE +STUDENT +DETAILS\nnew +s01 +Zhang; s01, group blau\n/);
    expect(stdout).toMatch(/^new +s05 +Zhang; s05, group blau, tokensPerDay 900000$/m);
    expect(stdout).toMatch(/^Class python-101: 30 new\.\n$/m);
    const made = await seats();
    expect(idsOf(made)).toEqual(students);
    expect(made.every(({ status }) => currentKey(status?.keys ?? []) !== undefined)).toBe(true);
  });

  test('that was enrolled already changes nothing', async () => {
    await freshClass('id,name\nalice,Alice\nbob,Bob\n');
    const before = (await seats()).map(({ metadata }) => metadata.generation);
    expect(await enroll('id,name\nalice,Alice\nbob,Bob\n')).toMatchObject({
      code: 0,
      stdout: 'Class python-101: 2 as before.\n',
    });
    expect((await seats()).map(({ metadata }) => metadata.generation)).toEqual(before);
  });

  test('from the standard input', async () => {
    await freshClass('id\nalice\n');
    const argv = ['enroll', '-f', '-', '-n', namespace, '--kubeconfig', controlPlane.kubeconfigPath];
    const ended = await kubectlClassroom(argv, { readText: () => 'id\nalice\ndora\n' });
    expect(ended).toMatchObject({ code: 0 });
    expect(idsOf(await seats())).toEqual(['alice', 'dora']);
  });
});

describe('a roster that differs', () => {
  const BEFORE = 'id,name,tokensPerDay\nalice,Alice,1000\nbob,Bob,1000\ncarol,Carol,\n';

  test('changes only what it says; who is missing stays', async () => {
    await freshClass(BEFORE);
    const { stdout } = await enroll('id,tokensPerDay\nalice,2000\nbob,1000\ndora,\n');
    expect(stdout).toMatch(/^new +dora +<none>$/m);
    expect(stdout).toMatch(/^changed +alice +tokensPerDay 1000 → 2000$/m);
    expect(stdout).toMatch(/^unlisted +carol +not in the roster; stays without --prune$/m);
    expect(stdout).toContain('Class python-101: 1 new, 1 changed, 1 as before, 1 not in the roster.\n');
    const made = await seats();
    expect(idsOf(made)).toEqual(['alice', 'bob', 'carol', 'dora']);
    expect(made[0]?.spec).toMatchObject({
      student: { displayName: 'Alice' },
      limits: { tokensPerDay: 2000 },
    });
  });

  test('with --dry-run shows the difference and changes nothing', async () => {
    await freshClass(BEFORE);
    const { code, stdout } = await enroll('id\nalice\ndora\n', ['--dry-run', '--prune']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^removed +bob +Bob, tokensPerDay 1000$/m);
    expect(stdout).toContain('(dry run: nothing was changed)');
    expect(idsOf(await seats())).toEqual(['alice', 'bob', 'carol']);
  });

  test('with --prune asks before it takes seats away', async () => {
    await freshClass(BEFORE);
    const asked: string[] = [];
    const refused = await enroll('id\nalice\ndora\n', ['--prune'], {
      ask: (question) => Promise.resolve(String(asked.push(question))),
    });
    expect(asked).toEqual(['This takes the seats and the keys of 2 students: bob, carol. Go on? [y/N] ']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was changed.') });
    expect(idsOf(await seats())).toEqual(['alice', 'bob', 'carol']);
    expect(await enroll('id\nalice\ndora\n', ['--prune', '--yes'])).toMatchObject({ code: 0 });
    expect(idsOf(await seats())).toEqual(['alice', 'dora']);
  });

  test('is told to programs as JSON', async () => {
    await freshClass(BEFORE);
    const { stdout } = await enroll('id,tokensPerDay\nalice,\n', ['-o', 'json', '--dry-run']);
    expect(JSON.parse(stdout)).toEqual({
      class: 'python-101',
      namespace,
      applied: false,
      added: [],
      changed: [
        {
          id: 'alice',
          name: 'Alice',
          seat: 'python-101-alice',
          own: { tokensPerDay: 1000 },
          changes: [{ field: 'tokensPerDay', from: 1000, to: null }],
        },
      ],
      removed: [],
      unlisted: [
        { id: 'bob', name: 'Bob', seat: 'python-101-bob', own: { tokensPerDay: 1000 } },
        { id: 'carol', name: 'Carol', seat: 'python-101-carol', own: {} },
      ],
      unchanged: 0,
    });
  });
});

describe('a roster that cannot be used enrols nobody', () => {
  test('bad rows are named with line and column', async () => {
    await freshClass('id\nalice\n');
    const { code, stdout, stderr } = await enroll('id,tokensPerDay\nbob,1000\ncarol,0\nd ora,1.000\n');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("line 3, column B (tokensPerDay): must not be less than 1, not '0'\n");
    expect(stderr).toContain('line 4, column A (id): must have only letters');
    expect(stderr).toContain('Correct that and try again; nothing was changed.');
    expect(idsOf(await seats())).toEqual(['alice']);
  });

  test('a file that is not there', async () => {
    const argv = ['enroll', '-f', 'nowhere.csv', '-n', namespace];
    const ended = await kubectlClassroom([...argv, '--kubeconfig', controlPlane.kubeconfigPath]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('nowhere.csv cannot be read') });
  });

  test('a class that is not there', async () => {
    const ended = await enroll('id\nalice\n', ['python-102']);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('There is python-101.') });
  });
});
