import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { classrooms } from '../../../src/api/classroom.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { ENGINE_POD_SELECTOR } from '../../../src/api/labels.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { deployments, namespaces, pods } from '../../../src/kube/resources.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { type RunningOperator, startOperator } from '../../support/operator-process.ts';

/** What the API server's own admission says of engines: https://kubernetes.io/docs/concepts/security/pod-security-admission/ */

jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
let namespace: string;
let operator: RunningOperator;

beforeEach(async () => {
  namespace = await controlPlane.createNamespace('secure');
  operator = startOperator({ kubeconfig: controlPlane.kubeconfigPath, namespace });
  await operator.ready();
});
afterEach(() => operator.stop());

async function enforce(standard: 'baseline' | 'restricted'): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': standard };
  await client.mergePatch(namespaces, { name: namespace }, { metadata: { labels } });
}

function openClass(engine: object): Promise<KubeObject> {
  return client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { namespace, name: 'python-101' },
    ...{ spec: { model: { id: 'a/b' }, engine } },
  });
}

const untilPod = () =>
  eventually('the pod of an engine', async () => {
    const { items } = await client.list(pods, { namespace, labelSelector: ENGINE_POD_SELECTOR });
    return items[0];
  });

test('an engine that does not run as root may live under the standard "restricted"', async () => {
  await enforce('restricted');
  await openClass({ podSecurity: 'Restricted' });
  expect((await untilPod()).spec?.securityContext).toMatchObject({ runAsNonRoot: true });
});

test('one of the default image may not, for that reason alone; the class says so', async () => {
  await enforce('restricted');
  await openClass({});
  const ready = await eventually('the refusal in the status', async () => {
    const room = await client.get(classrooms, { namespace, name: 'python-101' });
    const condition = room?.status?.conditions?.find(({ type }) => type === 'Ready');
    return condition?.message.includes('violates PodSecurity') === true ? condition : undefined;
  });
  expect(ready.message).toContain('runAsNonRoot != true');
  expect(ready.message).not.toMatch(/capabilities|seccomp|allowPrivilegeEscalation|volumes/);
  expect(await client.get(deployments, { namespace, name: 'python-101-engine' })).toBeDefined();
});

test('it may under "baseline"', async () => {
  await enforce('baseline');
  await openClass({});
  expect(await untilPod()).toBeDefined();
});
