import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type Classroom, type ClassroomStatus, classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { events } from '../../../src/kube/resources.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectlAt } from '../../support/kubectl.ts';
import { type RunningOperator, startOperator } from '../../support/operator-process.ts';

/** What a trainer sees of a class that opens and closes, on a real API server. */

jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
const kubectl = kubectlAt(controlPlane.binaries.kubectl, controlPlane.kubeconfigPath);
let namespace: string;
let operator: RunningOperator;

beforeAll(async () => {
  namespace = await controlPlane.createNamespace('timetable');
  operator = startOperator({ kubeconfig: controlPlane.kubeconfigPath, namespace });
  await operator.ready();
});
afterAll(() => operator.stop());

/** Its only session is a year away, less a week. */
const FAR_AWAY = new Date(Date.now() + 358 * 86_400_000).toISOString().slice(0, 10);
const onceAYear = {
  timeZone: 'Asia/Shanghai',
  exceptions: [{ date: FAR_AWAY, sessions: [{ start: '09:00', end: '17:00' }] }],
};

function open(name: string, spec: object): Promise<KubeObject> {
  return client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name, namespace },
    ...{ spec: { model: { id: 'a/b' }, engine: { replicas: { min: 0, max: 1 } }, ...spec } },
  });
}

function untilStatus(
  what: string,
  name: string,
  holds: (status: ClassroomStatus) => boolean,
): Promise<Classroom> {
  return eventually(what, async () => {
    const classroom = await client.get(classrooms, { namespace, name });
    return classroom?.status !== undefined && holds(classroom.status) ? classroom : undefined;
  });
}

const openReason = ({ conditions }: ClassroomStatus) => findCondition(conditions, 'Open')?.reason;

/** The notes of the events of a class that have this reason. */
async function told(name: string, reason: string): Promise<string[]> {
  const { items } = await client.list(events, { namespace });
  return items
    .filter(({ regarding }) => regarding?.name === name)
    .filter((event) => event.reason === reason)
    .map(({ note = '' }) => note);
}

test('a class that is closed says when it opens, in its local time', async () => {
  await open('closed', { schedule: onceAYear });
  const { status } = await untilStatus(
    'a closed class',
    'closed',
    (now) => openReason(now) === 'OutsideSessions',
  );
  expect(status?.timetable).toEqual({
    timeZone: 'Asia/Shanghai',
    nextSession: { start: `${FAR_AWAY}T09:00:00+08:00`, end: `${FAR_AWAY}T17:00:00+08:00` },
    nextChangeTime: `${FAR_AWAY}T09:00:00+08:00`,
    nextChange: expect.stringMatching(new RegExp(`^opens \\w{3} ${FAR_AWAY} 09:00$`)),
  });
  const shown = await kubectl(['get', 'classroom', 'closed', '-n', namespace]);
  expect(shown).toMatch(new RegExp(` OPEN +NEXT CHANGE .*\\n.* False +opens \\w{3} ${FAR_AWAY} 09:00 `));
});

test('one annotation opens it for a while, and it closes by itself', async () => {
  await open('extended', { schedule: onceAYear });
  await untilStatus('a closed class', 'extended', (now) => openReason(now) === 'OutsideSessions');
  const openUntil = (until: string) => {
    const annotation = `gpu-classroom.io/open-until=${until}`;
    return kubectl(['annotate', 'classroom', 'extended', '--overwrite', annotation, '-n', namespace]);
  };
  await openUntil(new Date(Date.now() + 3_600_000).toISOString());
  await untilStatus('an open class', 'extended', (now) => openReason(now) === 'Extended');
  const until = new Date(Date.now() + 3000).toISOString();
  await openUntil(until);
  await untilStatus('a closed class', 'extended', (now) => openReason(now) === 'OutsideSessions');
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(until));
  await eventually('both events', async () => {
    const both = [await told('extended', 'ClassOpened'), await told('extended', 'ClassClosed')];
    return both.every(({ length }) => length === 1) ? both : undefined;
  });
});

test('whoever changes access is named, whichever way it is done', async () => {
  await open('exam', { exam: { students: ['alice'] } });
  await untilStatus('the access', 'exam', ({ access }) => access?.mode === 'Open');
  const patch = (change: object, manager: string) =>
    kubectl([
      ...['patch', 'classroom', 'exam', '--type=merge', `-p=${JSON.stringify(change)}`],
      ...[`--field-manager=${manager}`, '-n', namespace],
    ]);

  await patch({ spec: { access: 'Closed' } }, 'kubectl-patch');
  await untilStatus('who closed it', 'exam', ({ access }) => access?.changedBy === 'kubectl-patch');

  const annotations = { 'gpu-classroom.io/access-changed-by': 'ms-chen' };
  await patch({ metadata: { annotations }, spec: { access: 'Exam' } }, 'kubectl-classroom');
  await untilStatus('who began the exam', 'exam', ({ access }) => access?.changedBy === 'ms-chen');

  // The annotation still stands there, and is about another change.
  await patch({ spec: { access: 'Open' } }, 'kubectl-edit');
  const { status } = await untilStatus(
    'who ended it',
    'exam',
    ({ access }) => access?.changedBy === 'kubectl-edit',
  );

  expect(status?.access).toMatchObject({ mode: 'Open', changedTime: expect.stringMatching(/Z$/) });
  const notes = await eventually('three events', async () => {
    const all = await told('exam', 'AccessChanged');
    return all.length === 3 ? all.toSorted() : undefined;
  });
  expect(notes).toEqual([
    expect.stringMatching(/^`access` was changed from Closed to Exam by ms-chen at /),
    expect.stringMatching(/^`access` was changed from Exam to Open by kubectl-edit at /),
    expect.stringMatching(/^`access` was changed from Open to Closed by kubectl-patch at /),
  ]);
});
