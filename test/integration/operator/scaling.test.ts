import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type ClassroomSpecInput, classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { LABELS } from '../../../src/api/labels.ts';
import { studentQuotas } from '../../../src/api/student-quota.ts';
import { DELETION_COST_ANNOTATION } from '../../../src/classroom/scaling/deletion-cost.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { deployments, nodes, type Pod, pods } from '../../../src/kube/resources.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectlAt } from '../../support/kubectl.ts';
import { type RunningOperator, startOperator } from '../../support/operator-process.ts';
import { startTellingEngine } from '../../support/telling-engine.ts';

/** How many engines a class has, on a real API server with its controllers. Nodes and engines are played. */

jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
const kubectl = kubectlAt(controlPlane.binaries.kubectl, controlPlane.kubeconfigPath);
let namespace: string;
let operator: RunningOperator;

beforeAll(async () => {
  namespace = await controlPlane.createNamespace('scaling');
  operator = startOperator({ kubeconfig: controlPlane.kubeconfigPath, namespace });
  await operator.ready();
});
afterAll(() => operator.stop());

function makeClass(name: string, spec: Partial<ClassroomSpecInput>): Promise<KubeObject> {
  return client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name, namespace },
    ...{ spec: { model: { id: 'a/b' }, ...spec } },
  });
}

function untilReplicas(name: string, want: number): Promise<unknown> {
  return eventually(`class ${name} to have ${want} engines`, async () => {
    const deployment = await client.get(deployments, { namespace, name: `${name}-engine` });
    return deployment?.spec?.replicas === want;
  });
}

function untilReady(name: string, reason: string): Promise<unknown> {
  return eventually(`class ${name} to be ${reason}`, async () => {
    const { status } = (await client.get(classrooms, { namespace, name })) ?? {};
    return findCondition(status?.conditions, 'Ready')?.reason === reason;
  });
}

test('a class has engines while it is open, and none at other times, whatever `min` says', async () => {
  const farAway = new Date(Date.now() + 300 * 86_400_000).toISOString().slice(0, 10);
  const exceptions = [{ date: farAway, sessions: [{ start: '09:00', end: '17:00' }] }];
  await makeClass('evening', { schedule: { exceptions } });
  await untilReady('evening', 'Closed');
  await untilReplicas('evening', 0);

  const openUntil = (ms: number) => {
    const annotation = `gpu-classroom.io/open-until=${new Date(Date.now() + ms).toISOString()}`;
    return kubectl(['annotate', 'classroom', 'evening', '--overwrite', annotation, '-n', namespace]);
  };
  await openUntil(3_600_000);
  await untilReplicas('evening', 1);
  await openUntil(1000);
  await untilReplicas('evening', 0);
  await untilReady('evening', 'Closed');
});

test('of two engines the one that has requests stays when a person allows only one', async () => {
  await using engines = new AsyncDisposableStack();
  const node = `${namespace}-node`;
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
  engines.defer(async () => void (await client.delete(nodes, { name: node })));
  await makeClass('busy', { engine: { replicas: { min: 1, max: 2, studentsPerReplica: 1 } } });
  for (const id of ['alice', 'bob']) await enrol('busy', id);
  const [idle, busy] = await untilPods('busy', 2);
  await play(idle, node, engines.use(await startTellingEngine({ running: 0 })).ip);
  await play(busy, node, engines.use(await startTellingEngine({ running: 3 })).ip);
  await untilAsked('busy', 2);

  await kubectl(['scale', 'classroom', 'busy', '--replicas=1', '-n', namespace]);

  const [left] = await untilPods('busy', 1);
  expect(left?.metadata.name).toBe(busy?.metadata.name);
  expect(left?.metadata.annotations?.[DELETION_COST_ANNOTATION]).toBe('3');
});

function enrol(classroom: string, id: string): Promise<KubeObject> {
  return client.create<KubeObject>(studentQuotas, {
    apiVersion: API_GROUP_VERSION,
    kind: 'StudentQuota',
    metadata: { name: `${classroom}-${id}`, namespace },
    ...{ spec: { classroomRef: { name: classroom }, student: { id } } },
  });
}

/** Does what scheduler and kubelet do with an engine that has loaded. */
async function play(pod: Pod | undefined, node: string, podIP: string): Promise<void> {
  const { name = '' } = pod?.metadata ?? {};
  await client.raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
    body: { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: node } },
  });
  const lastTransitionTime = new Date().toISOString();
  const container = { name: 'vllm', image: '', imageID: '', restartCount: 0, ready: true, started: true };
  const status = {
    podIP,
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }],
    containerStatuses: [{ ...container, state: { running: { startedAt: lastTransitionTime } } }],
  };
  await client.mergePatch(pods, { namespace, name }, { status }, { subresource: 'status' });
}

/** What the caches of engines hold is known when they have been asked. */
function untilAsked(name: string, count: number): Promise<unknown> {
  return eventually(`${count} engines to have been asked`, async () => {
    const { status } = (await client.get(classrooms, { namespace, name })) ?? {};
    return status?.engines?.filter(({ kvCacheTokens }) => kvCacheTokens !== undefined).length === count;
  });
}

function untilPods(classroom: string, count: number): Promise<Pod[]> {
  return eventually(`${count} engines`, async () => {
    const labelSelector = `${LABELS.classroom}=${classroom}`;
    const { items } = await client.list(pods, { namespace, labelSelector });
    const alive = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return alive.length === count ? alive : undefined;
  });
}
