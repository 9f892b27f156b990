import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { type ApiClient, createApiClient } from '../../../src/demo/control-plane/api-client.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { CHARTS, helmAt } from '../../support/helm.ts';
import { kubectlAt } from '../../support/kubectl.ts';

/**
 * The policies of the chart on a real API server. They are bound to the namespace of this file, because other tests
 * write what they like into statuses.
 */

const { controlPlane } = await connectToControlPlane();
const { binaries, kubeconfigPath, admin } = controlPlane;
const kubectl = kubectlAt(binaries.kubectl, kubeconfigPath);

const namespace = await controlPlane.createNamespace('policy');
const fullname = `${namespace}-gpu-classroom`;
const seat = `/apis/${API_GROUP_VERSION}/namespaces/${namespace}/studentquotas/python-101-alice`;
const classroom = `/apis/${API_GROUP_VERSION}/namespaces/${namespace}/classrooms/python-101`;

const KEY = { generation: 1, sha256: '0'.repeat(64), createdTime: '2026-09-01T09:00:00Z' };
const USAGE = { asOf: '2026-09-01T09:00:00Z', requestsToday: 1, tokensToday: 2, tokensTotal: 3 };

async function clientOf(account: string): Promise<ApiClient> {
  const token = await controlPlane.serviceAccountToken({ namespace, name: account });
  return createApiClient({ url: controlPlane.url, ca: controlPlane.ca, token });
}

/** Applies the status of an object as the programs do; `ok`, or why not. */
async function applyStatus(
  client: ApiClient,
  path: string,
  manager: string,
  status: object,
): Promise<string> {
  const [kind, name] = path === seat ? ['StudentQuota', 'python-101-alice'] : ['Classroom', 'python-101'];
  const object = { apiVersion: API_GROUP_VERSION, kind, metadata: { name, namespace }, status };
  const query = `?fieldManager=${manager}&force=true`;
  return outcome(client.request('PATCH', `${path}/status${query}`, object, 'application/apply-patch+yaml'));
}

async function patchSpec(client: ApiClient, spec: object, query = ''): Promise<string> {
  return outcome(client.request('PATCH', `${classroom}${query}`, { spec }, 'application/merge-patch+json'));
}

async function outcome(answer: ReturnType<ApiClient['request']>): Promise<string> {
  const { status, body } = await answer;
  return status === 200 ? 'ok' : `${status}: ${body}`;
}

let operator: ApiClient;
let gateway: ApiClient;
let trainer: ApiClient;

beforeAll(async () => {
  const objects = await helmAt(binaries.helm).template(CHARTS.gpuClassroom, {
    release: namespace,
    namespace,
    values: {
      watchNamespace: namespace,
      crds: { install: false },
      admissionPolicy: { enabled: true },
      extraObjects: [
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'trainer', namespace },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: `${fullname}-trainer` },
          subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
        },
      ],
    },
  });
  const wanted = /^(ServiceAccount|Role|RoleBinding|ValidatingAdmissionPolicy.*)$/;
  const items = objects.filter(({ kind }) => wanted.test(kind));
  await admin.json('POST', `/apis/${API_GROUP_VERSION}/namespaces/${namespace}/classrooms`, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name: 'python-101' },
    spec: { model: { id: 'Qwen/Qwen2.5-7B-Instruct' } },
  });
  await admin.json('POST', `/apis/${API_GROUP_VERSION}/namespaces/${namespace}/studentquotas`, {
    apiVersion: API_GROUP_VERSION,
    kind: 'StudentQuota',
    metadata: { name: 'python-101-alice' },
    spec: { classroomRef: { name: 'python-101' }, student: { id: 'alice' } },
  });
  await kubectl(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  );
  operator = await clientOf(`${fullname}-operator`);
  gateway = await clientOf(`${fullname}-gateway`);
  trainer = await clientOf('default');
  await eventually('the policies to be in force', async () =>
    (await applyStatus(admin, seat, 'admin', { usage: USAGE })).startsWith('403'),
  );
  await eventually('the policy on Leases to be in force', async () => {
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'probe' } };
    const leasesPath = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases?dryRun=All`;
    return (await outcome(gateway.request('POST', leasesPath, lease))).startsWith('403');
  });
  await eventually('the policy on nodes to be in force', async () =>
    // Not for good: what is stored once is no change any more, which the policy lets pass.
    (await patchSpec(trainer, { gpu: { nodePreparation: 'Manage' } }, '?dryRun=All')).startsWith('403'),
  );
});

afterAll(() => {
  for (const client of [operator, gateway, trainer]) client?.close();
});

describe('the status of seats and classes', () => {
  test('is written by the operator', async () => {
    expect(await applyStatus(operator, seat, 'operator', { keys: [KEY], secretName: 's' })).toBe('ok');
    expect(await applyStatus(operator, classroom, 'operator', { students: 1 })).toBe('ok');
  });

  test('is written by the gateway, as far as it says what was used', async () => {
    expect(await applyStatus(gateway, seat, 'gateway', { usage: USAGE })).toBe('ok');
    expect(await applyStatus(gateway, seat, 'gateway', { usage: { ...USAGE, tokensToday: 5 } })).toBe('ok');
  });

  test.each([
    ['a key of its own', { usage: USAGE, keys: [{ ...KEY, sha256: '1'.repeat(64) }] }],
    ['no key any more', { usage: USAGE, keys: [] }],
    ['something new', { usage: USAGE, observedGeneration: 7 }],
  ])('keeps what the operator wrote when the gateway writes %s', async (_what, status) => {
    await applyStatus(operator, seat, 'operator', { keys: [KEY], secretName: 's' });
    expect(await applyStatus(gateway, seat, 'gateway', status)).toContain(
      'must not change more of a status than `usage`',
    );
  });

  test('is not written by an administrator: a hash there would be a key', async () => {
    expect(await applyStatus(admin, seat, 'admin', { keys: [KEY] })).toContain(
      'written by the operator and the gateway alone',
    );
  });
});

describe('Leases', () => {
  const LEASES = '/apis/coordination.k8s.io/v1';
  const path = (name: string) => `${LEASES}/namespaces/${namespace}/leases/${name}`;

  function applyLease(client: ApiClient, name: string, labels: object): Promise<string> {
    const object = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, labels },
      spec: {},
    };
    const query = '?fieldManager=test&force=true';
    return outcome(client.request('PATCH', path(name) + query, object, 'application/apply-patch+yaml'));
  }

  const demand = { 'app.kubernetes.io/component': 'demand' };

  test('that say who asks are written by the gateway', async () => {
    expect(await applyLease(gateway, 'python-101-demand-a', demand)).toMatch(/^(ok|201)/);
    expect(await applyLease(gateway, 'python-101-demand-a', { ...demand, more: 'x' })).toBe('ok');
  });

  test('of others are not, also not by making them its own', async () => {
    await applyLease(admin, 'some-leader', {});
    for (const labels of [{}, demand]) {
      expect(await applyLease(gateway, 'some-leader', labels)).toContain('must not write other Leases');
    }
    expect(await applyLease(gateway, 'another-leader', {})).toContain('must not write other Leases');
    expect(await applyLease(admin, 'some-leader', { free: 'yes' })).toBe('ok');
  });
});

describe('a class whose nodes the operator cuts', () => {
  const managed = { gpu: { nodePreparation: 'Manage' } };
  const reported = { gpu: { nodePreparation: 'Report', sharing: 'None', migProfile: null } };

  test('is made so by who may change nodes, and not by its trainer', async () => {
    expect(await patchSpec(trainer, managed)).toContain('only be set by who may patch nodes');
    expect(await patchSpec(admin, managed)).toBe('ok');
  });

  test('is still run by its trainer, but for its GPUs', async () => {
    await patchSpec(admin, managed);
    expect(await patchSpec(trainer, { access: 'Closed' })).toBe('ok');
    expect(await patchSpec(trainer, { gpu: { sharing: 'MIG', migProfile: '1g.10gb' } })).toContain(
      'only be set by who may patch nodes',
    );
  });

  test('is taken back by its trainer', async () => {
    await patchSpec(admin, managed);
    expect(await patchSpec(trainer, reported)).toBe('ok');
  });
});
