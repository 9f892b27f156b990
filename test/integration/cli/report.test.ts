import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { classrooms } from '../../../src/api/classroom.ts';
import { studentQuotas } from '../../../src/api/student-quota.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { secrets } from '../../../src/kube/resources.ts';
import { minutesBetween } from '../../../src/report/hour-minutes.ts';
import { hashApiKey } from '../../../src/student/api-key.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { aClassroom, keyNumber } from '../../unit/gateway/builders.ts';
import { startWorld, type World } from '../../unit/gateway/gateway-world.ts';
import { anEntry } from '../../unit/gateway/ledger/builders.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-report');
const place = { namespace, uid: undefined, generation: undefined };

const KEY = keyNumber(77);
const CLASS_KEY = `${namespace}/python-101`;
const LESSON_MS = Date.parse('2026-09-01T07:00:00Z');
const MINUTE_MS = 60_000;
const schedule = {
  timeZone: 'Europe/Berlin',
  sessions: [{ days: ['Tue' as const], start: '09:00', end: '10:30' }],
};

let gateway: World;

async function makeClass(): Promise<void> {
  const made = await client.create(classrooms, classroom({ metadata: place, spec: { schedule } }));
  const reportKey = {
    secretName: 'python-101-report-key',
    sha256: hashApiKey(KEY),
    createdTime: '2026-08-31T08:00:00Z',
  };
  await client.replace(classrooms, { ...made, status: { reportKey } }, { subresource: 'status' });
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: reportKey.secretName, namespace },
    data: { REPORT_KEY: Buffer.from(KEY).toString('base64') },
  });
  // With the bell: what a terminal takes for a command is in no report.
  const student = { id: 'alice', displayName: '=Alice\u0007 <Zhang>', group: 'Tuesday' };
  await client.create(studentQuotas, studentQuota({ metadata: place, spec: { student } }));
  const dora = { id: 'dora', displayName: 'Dora', group: 'Tuesday' };
  await client.create(studentQuotas, studentQuota({ metadata: place, spec: { student: dora } }));
  const expired = { student: { id: 'emil' }, expiresAt: '2026-08-31T21:59:59Z' };
  await client.create(studentQuotas, studentQuota({ metadata: place, spec: expired }));
}

/** A lesson of an hour and a half on one GPU, in which Alice and Bob ask; Bob once more at home. */
async function teach(): Promise<void> {
  const { ledger } = gateway;
  const at = (minute: number) => LESSON_MS + minute * MINUTE_MS;
  const shared = { classroomKey: CLASS_KEY, sessionStartMs: LESSON_MS };
  for (const [number, studentId] of ['alice', 'bob'].entries()) {
    const active = { fromMs: at(10), toMs: at(19 + number) };
    await ledger.settled(studentId, [], anEntry({ ...shared, studentId, active }));
  }
  ledger.throttled(
    anEntry({ ...shared, studentId: 'bob', outcome: 'throttled', promptTokens: 0, completionTokens: 0 }),
  );
  const { sessionStartMs: _, ...atHome } = shared;
  const model = 'qwen:bobs-own';
  await ledger.settled('home', [], anEntry({ ...atHome, studentId: 'bob', model, promptTokens: 1_000 }));
  const nothing = { early: 0, late: 0 };
  await ledger.engineHours(
    minutesBetween(at(0), at(89)).map(({ hour, ...running }) => ({
      classroomKey: CLASS_KEY,
      engine: 'engine-1',
      hour,
      gpus: 1,
      running,
      used: nothing,
    })),
  );
}

beforeAll(async () => {
  gateway = await startWorld({
    classroom: aClassroom({ key: CLASS_KEY, timeZone: 'Europe/Berlin', reportKeySha256: hashApiKey(KEY) }),
  });
  await makeClass();
  await teach();
});
afterAll(() => gateway.stop());

/** The class and the key of its report, and nothing else. */
async function mayRead(user: string): Promise<void> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name: 'reader' };
  const rules = [
    { apiGroups: [classrooms.group], resources: ['classrooms'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
  ];
  await client.raw('POST', `${rbac}/roles`, { body: { metadata, rules } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' };
  const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }];
  await client.raw('POST', `${rbac}/rolebindings`, { body: { metadata, roleRef, subjects } });
}

function run(...argv: string[]) {
  const way = [
    '--kubeconfig',
    controlPlane.kubeconfigPath,
    '-n',
    namespace,
    '--gateway-url',
    `${gateway.url}/v1`,
  ];
  return kubectlClassroom(['report', 'python-101', ...argv, ...way]);
}

describe('kubectl classroom report', () => {
  test('tells all figures as JSON, by session', async () => {
    const { code, stdout, stderr } = await run('--by', 'session', '--format', 'json');
    expect([code, stderr]).toEqual([0, '']);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      classroom: 'python-101',
      from: '2026-09-01',
      total: { requests: 3, throttled: 1, promptTokens: 1_200, completionTokens: 150, activeMinutes: 21 },
      students: [
        { student: 'alice', name: '=Alice <Zhang>', group: 'Tuesday', requests: 1, activeMinutes: 10 },
        { student: 'bob', requests: 2, throttled: 1, activeMinutes: 11 },
      ],
      periods: [
        { session: '2026-09-01T07:00:00Z', requests: 2, gpu: { gpuHours: 1.5, tokensPerGpuHour: 200 } },
        { day: '2026-09-01', session: null, requests: 1, gpu: { gpuHours: 0 } },
      ],
      gpu: { gpuHours: 1.5, gpuHoursOnePerStudent: 3, timesWhatRan: 2 },
    });
  });

  test('says the same in words', async () => {
    const { stdout } = await run('--by', 'session');
    expect(stdout).toContain('| Tue 2026-09-01 09:00');
    expect(stdout).toContain('| Tue 2026-09-01, outside of sessions |');
    expect(stdout).toMatch(
      /\| One GPU for each student, in GPU hours +\| +3\.00 \(2\.00 times what ran\) \|/,
    );
    expect(stdout).toContain('=Alice \\<Zhang\\> (alice)');
  });

  test('writes a table in which no name is a formula', async () => {
    const { stdout } = await run('--format', 'csv');
    const [head, first] = stdout.split('\r\n');
    expect(head).toMatch(/^day,session,student,name,requests,/);
    expect(first).toMatch(/^2026-09-01,,alice,'=Alice <Zhang>,1,/);
    expect([head?.split(',').at(-1), first?.split(',').at(-1)]).toEqual(['group', 'Tuesday']);
  });

  test('writes a page that only its owner can read, asks before it replaces one, and runs nothing', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'report.html');
    expect(await run('--format', 'html', '--to', path)).toMatchObject({ code: 0, stdout: `${path}\n` });
    const page = await readFile(path, 'utf8');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(page.match(/<svg/g)).toHaveLength(3);
    expect(page).toContain('=Alice &lt;Zhang&gt; (alice)');
    expect(page).not.toMatch(/<script|<link|<img|<Zhang>| src=|url\(/i);
    expect((await run('--format', 'html', '--to', path)).code).not.toBe(0);
    expect((await run('--format', 'html', '--to', path, '--yes')).code).toBe(0);
  });

  test.each(['markdown', 'csv', 'json', 'html'])('names nobody with pseudonyms, as %s', async (format) => {
    const { stdout } = await run('--pseudonyms', '--format', format);
    expect(stdout).toMatch(/Student 0[123]/);
    expect(stdout).not.toMatch(/alice|bob|Zhang|Tuesday/i);
    expect(stdout).toContain('qwen:adapter-01');
  });

  describe('of a time in which there were seats', () => {
    /** Whatever day it is: they were made today. */
    const TIME = ['--since', '2026-09-01', '--until', '2199-12-31', '--by', 'course'];

    test('names who has not asked', async () => {
      expect((await run(...TIME)).stdout).toContain('\nHave not asked: Tuesday: Dora (dora)\n');
      const { notAsked, students } = JSON.parse((await run(...TIME, '--format', 'json')).stdout);
      expect(notAsked).toMatchObject([{ student: 'dora', name: 'Dora', requests: 0, totalTokens: 0 }]);
      expect(students).toHaveLength(2);
      const { stdout } = await run(...TIME, '--format', 'csv');
      expect(stdout.split('\r\n').slice(1)).toEqual([
        expect.stringMatching(/^,,alice,/),
        expect.stringMatching(/^,,bob,/),
        expect.stringMatching(/^,,dora,Dora,0,/),
        '',
      ]);
    });

    test('counts them with pseudonyms, which are drawn of all', async () => {
      const { stdout } = await run(...TIME, '--pseudonyms');
      expect(stdout).toMatch(/\| Students who have not asked +\| +1 \|/);
      expect(stdout).not.toMatch(/dora/i);
      const table = (await run(...TIME, '--pseudonyms', '--format', 'csv')).stdout.split('\r\n');
      expect(table.slice(1, -1).map((row) => row.split(',')[2])).toEqual(
        expect.arrayContaining(['Student 01', 'Student 02', 'Student 03']),
      );
    });

    test('says that it does not know them, to who may not list seats', async () => {
      await mayRead('vera');
      const as = [...TIME, '--as', 'vera'];
      const { stdout } = await eventually('the rights of vera', async () => {
        const ended = await run(...as);
        return ended.code === 0 && ended;
      });
      expect(stdout).toContain('Who has not asked is not known');
      expect(stdout).toMatch(/\| Students who asked +\| +2 \|/);
      const table = await run(...as, '--format', 'csv');
      expect(table.stdout.split('\r\n')).toHaveLength(4);
      expect(table.stderr).toContain('who has not asked is not in the table');
    });
  });

  test('leaves out seats that are younger than its days', async () => {
    const { stdout } = await run('--since', '2020-01-01', '--until', '2020-01-02', '--format', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ students: [], notAsked: [] });
  });

  test('leaves out other days', async () => {
    const { stdout } = await run('--since', '2026-09-02', '--until', '2026-09-03', '--format', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      from: '2026-09-02',
      to: '2026-09-03',
      students: [],
      gpu: null,
    });
  });

  test('says what is wrong with the days, before anything is asked', async () => {
    const { code, stderr } = await run('--since', '2026-09-03', '--until', 'tomorrow');
    expect(code).not.toBe(0);
    expect(stderr).toContain('--until');
  });

  test('says what to do where there is no key yet', async () => {
    await client.create(classrooms, classroom({ metadata: { ...place, name: 'biology' } }));
    const way = ['--kubeconfig', controlPlane.kubeconfigPath, '-n', namespace];
    const { code, stderr } = await kubectlClassroom(['report', 'biology', ...way]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('has no key for its report yet');
  });

  test('by session also where somebody wrote the timetable as null', async () => {
    const found = await client.get<KubeObject>(classrooms, { namespace, name: 'python-101' });
    if (found === undefined) throw new Error('the class is gone');
    const model = { id: 'Qwen/Qwen2.5-7B-Instruct' };
    await client.replace<KubeObject>(classrooms, { ...found, ...{ spec: { model, schedule: null } } });
    const { code, stdout, stderr } = await run('--by', 'session', '--format', 'json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ total: { requests: 3 } });
  });
});
