import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { classrooms } from '../../../src/api/classroom.ts';
import { DEMAND_SELECTOR, readDemand } from '../../../src/api/demand.ts';
import { ANNOTATIONS, COMPONENTS, LABELS } from '../../../src/api/labels.ts';
import { studentQuotas } from '../../../src/api/student-quota.ts';
import { startVllmSimulator, type VllmSimulator } from '../../../src/demo/vllm/simulator.ts';
import { parseJson } from '../../../src/json/parse.ts';
import { createApplier } from '../../../src/kube/apply.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { instantOf } from '../../../src/kube/instant.ts';
import type { KubeObject, Resource } from '../../../src/kube/object.ts';
import { type Lease, leases, type Pod, pods } from '../../../src/kube/resources.ts';
import { GATEWAY_ACCOUNT } from '../../../src/rbac/accounts.ts';
import { rbacObjects } from '../../../src/rbac/manifest.ts';
import { STATUS_FIELD_MANAGER, USAGE_FIELD_MANAGER } from '../../../src/reconcile/field-managers.ts';
import { extractOf } from '../../../src/report/extract.ts';
import { generateApiKey, hashApiKey } from '../../../src/student/api-key.ts';
import { classroom, type StudentQuotaDifference, studentQuota } from '../../support/builders.ts';
import { type SharedControlPlane, sharedControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { type GatewayProcess, startGatewayProcess } from '../../support/gateway-process.ts';
import { clientOf } from '../../support/kube-client.ts';

/**
 * The gateway as a process with the rights of its ServiceAccount and no more, on a real API server. The operator's
 * part, keys in the status and ready pods, is written by hand.
 */
const FIELD_MANAGER = 'gateway-test';
const CLASSROOM = 'python-101';
const NOW = '2026-09-01T09:00:00Z';
const CHAT = { model: 'qwen', messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 5 };

let controlPlane: SharedControlPlane;
let client: KubeClient;
let engine: VllmSimulator;
let namespace: string;
let gateway: GatewayProcess;
let url: string;

beforeAll(async () => {
  controlPlane = await sharedControlPlane();
  client = await clientOf(controlPlane.kubeconfigPath);
  namespace = await controlPlane.createNamespace('gateway');
  engine = await startVllmSimulator({
    argv: ['Qwen/Qwen2.5-7B-Instruct', '--served-model-name', 'qwen', '--port', '0', '--host', '127.0.0.1'],
    env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0 }) },
  });
  await grantGatewayRights();
  const kubeconfig = await controlPlane.writeServiceAccountKubeconfig(GATEWAY_ACCOUNT);
  gateway = startGatewayProcess([
    `--kubeconfig=${kubeconfig}`,
    `--namespace=${namespace}`,
    '--engine-wait-timeout=2s',
  ]);
  url = await gateway.url();
  await apply(classrooms, classroomOf());
  await makeEngine('engine-0');
}, 120_000);

afterAll(async () => {
  const exitCode = await gateway?.stop();
  await engine?.close();
  await client.close();
  controlPlane.admin.close();
  expect(exitCode).toBe(0);
});

function classroomOf(spec: Parameters<typeof classroom>[0] = {}) {
  const { metadata: _, ...object } = classroom({
    ...spec,
    spec: { model: { servedName: 'qwen' }, contact: 'Ms Chen', ...spec.spec },
  });
  return { ...object, metadata: { name: CLASSROOM, namespace } };
}

/** A field that the test leaves out the next time goes away. */
async function apply<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
  await client.apply(resource, object, { fieldManager: FIELD_MANAGER });
}

/** What the manifests grant the gateway for one namespace. @param without a resource that it gets no right for */
async function grantGatewayRights(without?: string): Promise<void> {
  const rights = rbacObjects({ watchNamespace: namespace }).filter(
    ({ kind, metadata }) => kind === 'Namespace' || metadata.name === GATEWAY_ACCOUNT.name,
  );
  for (const { rules, ...rest } of rights) {
    const granted = rules?.filter(({ resources }) => without === undefined || !resources.includes(without));
    const object = { ...rest, ...(granted === undefined ? {} : { rules: granted }) };
    const group = object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
    await apply(
      {
        group,
        version: 'v1',
        kind: object.kind,
        plural: `${object.kind.toLowerCase()}s`,
        namespaced: object.kind !== 'Namespace',
      },
      object,
    );
  }
}

async function makeEngine(name: string): Promise<void> {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { [LABELS.component]: COMPONENTS.engine, [LABELS.classroom]: CLASSROOM },
    },
    spec: {
      containers: [{ name: 'vllm', image: 'vllm', ports: [{ name: 'http', containerPort: engine.port }] }],
    },
  };
  await client.create(pods, pod);
  await setReady(name, 'True');
}

async function setReady(name: string, status: 'True' | 'False'): Promise<void> {
  const conditions = [{ type: 'Ready', status }];
  const patch = { status: { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions } };
  await client.mergePatch(pods, { namespace, name }, patch, { subresource: 'status' });
}

let seats = 0;

/** A seat with a key in its status, as the operator publishes it. Resolves when the API server has it. */
async function makeSeat(
  differs: StudentQuotaDifference['spec'] = {},
): Promise<{ name: string; key: string }> {
  seats += 1;
  const key = generateApiKey(new Uint8Array(32).fill(seats));
  const name = `${CLASSROOM}-student-${seats}`;
  await publishSeat(name, differs);
  await publishKeys(name, [key]);
  return { name, key };
}

async function publishSeat(name: string, differs: StudentQuotaDifference['spec'] = {}): Promise<void> {
  const { metadata: _, ...object } = studentQuota({ spec: { student: { id: name }, ...differs } });
  await apply(studentQuotas, { ...object, metadata: { name, namespace } });
}

/** @param replaced keys, and until when they work */
async function publishKeys(
  name: string,
  keys: readonly string[],
  replaced: Readonly<Record<string, string>> = {},
): Promise<void> {
  const published = [...keys, ...Object.keys(replaced)].map((key, index) => ({
    generation: index + 1,
    sha256: hashApiKey(key),
    createdTime: NOW,
    expiresTime: replaced[key],
  }));
  await client.mergePatch(
    studentQuotas,
    { namespace, name },
    { status: { keys: published } },
    { subresource: 'status' },
  );
}

function post(key: string, body: object = CHAT, baseUrl = url): Promise<Response> {
  return fetch(`${baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
}

async function codeFor(key: string): Promise<string> {
  const answer = await post(key);
  const { error } = JSON.parse(await answer.text());
  return answer.ok ? 'served' : error.code;
}

async function becomes(key: string, want: string): Promise<void> {
  await eventually(`${want} for the key`, async () => (await codeFor(key)) === want);
}

async function aServedSeat() {
  const seat = await makeSeat();
  await becomes(seat.key, 'served');
  return seat;
}

describe('a key', () => {
  test('works as soon as its hash is published', async () => {
    const { key } = await makeSeat();
    await becomes(key, 'served');
  });

  test('stops when its seat is deleted, and with it what it was reading', async () => {
    const { name, key } = await aServedSeat();
    const stream = await post(key, { ...CHAT, max_tokens: 1000, stream: true });
    await client.delete(studentQuotas, { namespace, name });
    await becomes(key, 'invalid_api_key');
    expect(await stream.text()).toContain('"code":"invalid_api_key"');
  });

  test('stops when its seat is suspended, and works again afterwards', async () => {
    const { name, key } = await aServedSeat();
    await publishSeat(name, { access: 'Suspended' });
    await becomes(key, 'seat_suspended');
    await publishSeat(name);
    await becomes(key, 'served');
  });

  test('is replaced by a new one', async () => {
    const { name, key } = await aServedSeat();
    const newKey = generateApiKey(new Uint8Array(32).fill(200));
    await publishKeys(name, [newKey]);
    await becomes(newKey, 'served');
    expect(await codeFor(key)).toBe('invalid_api_key');
  });
});

describe('a class', () => {
  test('that closes refuses, and serves again when it opens', async () => {
    const { key } = await aServedSeat();
    await apply(classrooms, classroomOf({ spec: { access: 'Closed' } }));
    await becomes(key, 'class_closed');
    await apply(classrooms, classroomOf());
    await becomes(key, 'served');
  });

  test('without a ready engine says so, and serves when one is ready again', async () => {
    const { key } = await aServedSeat();
    await setReady('engine-0', 'False');
    await becomes(key, 'no_engine_ready');
    await setReady('engine-0', 'True');
    await becomes(key, 'served');
  });

  test('forgets an engine that is deleted, and finds its successor', async () => {
    const { key } = await aServedSeat();
    await client.delete(pods, { namespace, name: 'engine-0' }, { gracePeriodSeconds: 0 });
    await becomes(key, 'no_engine_ready');
    await makeEngine('engine-1');
    await becomes(key, 'served');
  });
});

describe('the life of a class', () => {
  const ref = () => ({ namespace, name: CLASSROOM });
  const patch = (change: Record<string, unknown>) => client.mergePatch(classrooms, ref(), change);
  const openUntil = (instant: string | null) =>
    patch({ metadata: { annotations: { [ANNOTATIONS.openUntil]: instant } } });

  afterEach(async () => {
    await openUntil(null);
    await apply(classrooms, classroomOf());
    // Another manager's than that of the apply.
    await patch({ spec: { access: 'Open' } });
  });

  test('an exam begins and ends with one field, for those on its list', async () => {
    const [listed, other] = [await aServedSeat(), await aServedSeat()];
    const exam = { students: [listed.name], maxOutputTokens: 2 };
    await patch({ spec: { access: 'Exam', exam } });
    await becomes(other.key, 'not_in_exam');
    const answer = await post(listed.key);
    expect(answer.headers.get('x-gateway-max-output-tokens')).toBe('2');
    await answer.text();
    await patch({ spec: { access: 'Open' } });
    await becomes(other.key, 'served');
    expect((await post(listed.key)).headers.get('x-gateway-max-output-tokens')).toBeNull();
  });

  test('in an exam no overlap ends, and none runs again that had ended before', async () => {
    const { name, key } = await aServedSeat();
    const [ending, ended] = [201, 202].map((byte) => generateApiKey(new Uint8Array(32).fill(byte)));
    if (ending === undefined || ended === undefined) throw new Error('no keys');
    await patch({ spec: { access: 'Exam', exam: { students: [] } } });
    const endsMs = Date.now() + 1000;
    await publishKeys(name, [key], { [ending]: instantOf(endsMs), [ended]: NOW });
    await becomes(ending, 'served');
    await eventually('the overlap to end', () => Promise.resolve(Date.now() > endsMs));
    expect([await codeFor(ending), await codeFor(ended)]).toEqual(['served', 'expired_api_key']);
    await patch({ spec: { access: 'Open' } });
    await becomes(ending, 'expired_api_key');
  });

  test('a timetable holds without an operator, and an extension of it ends by itself', async () => {
    const { key } = await aServedSeat();
    const sessions = [{ start: '10:00', end: '11:00' }];
    await apply(
      classrooms,
      classroomOf({ spec: { schedule: { exceptions: [{ date: '2020-02-29', sessions }] } } }),
    );
    await becomes(key, 'outside_session');
    await openUntil(new Date(Date.now() + 5_000).toISOString());
    await becomes(key, 'served');
    await becomes(key, 'outside_session');
  });

  test('a boost of a seat raises its limits for the next request', async () => {
    const { name, key } = await aServedSeat();
    const limitOf = async () => (await post(key)).headers.get('x-ratelimit-limit-requests');
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await client.mergePatch(studentQuotas, { namespace, name }, { spec: { boost: { factor: 3, until } } });
    await eventually('the limit to be raised', async () => (await limitOf()) === '90');
    await client.mergePatch(studentQuotas, { namespace, name }, { spec: { boost: null } });
    await eventually('the limit to be as it was', async () => (await limitOf()) === '30');
  });

  test('a class that sleeps is woken by a Lease, and its first request is held and served', async () => {
    const { key } = await aServedSeat();
    const engines = (await client.list(pods, { namespace })).items.map(({ metadata }) => metadata.name);
    for (const name of engines) await setReady(name, 'False');
    await becomes(key, 'no_engine_ready');
    await client.mergePatch(classrooms, ref(), { status: { replicas: 0 } }, { subresource: 'status' });
    const served = becomes(key, 'served');
    const labelSelector = DEMAND_SELECTOR;
    const demand = () =>
      eventually('somebody to wait', async () => {
        const { items } = await client.list(leases, { namespace, labelSelector });
        return items.find((lease) => (readDemand(lease)?.queued ?? 0) > 0);
      });
    const { uid } = (await client.get(classrooms, ref()))?.metadata ?? {};
    expect((await demand()).metadata.ownerReferences).toMatchObject([{ kind: 'Classroom', uid }]);
    for (const name of engines) await setReady(name, 'True');
    await served;
    await eventually('nobody to ask any more', async () => {
      const { items } = await client.list(leases, { namespace, labelSelector });
      return items.every((lease) => {
        const { inFlight, queued } = readDemand(lease) ?? { inFlight: 1, queued: 1 };
        return inFlight + queued === 0;
      });
    });
  });
});

describe('the process', () => {
  test('has no right to read Secrets', async () => {
    const kubeconfig = await controlPlane.writeServiceAccountKubeconfig(GATEWAY_ACCOUNT);
    const asGateway = await clientOf(kubeconfig);
    await expect(asGateway.raw('GET', `/api/v1/namespaces/${namespace}/secrets`)).rejects.toMatchObject({
      status: 403,
    });
    await asGateway.close();
  });

  test('serves without the right to write Leases, as beside roles of an older version, and says what is missing', async () => {
    const { key } = await aServedSeat();
    const kubeconfig = await controlPlane.writeServiceAccountKubeconfig(GATEWAY_ACCOUNT);
    const asGateway = await clientOf(kubeconfig);
    const lease: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'any', namespace },
    };
    const mayWrite = () =>
      asGateway.create(leases, lease, { dryRun: true }).then(
        () => true,
        () => false,
      );
    await grantGatewayRights('leases');
    await eventually('the right to be gone', async () => !(await mayWrite()));
    const flags = [`--kubeconfig=${kubeconfig}`, `--namespace=${namespace}`];
    const withoutRight = startGatewayProcess(flags);
    const itsUrl = await withoutRight.url();
    await eventually('it to serve', async () => (await post(key, CHAT, itsUrl)).ok);
    await withoutRight.logged('Demand cannot be published now: engines of this class may not be started');
    await grantGatewayRights();
    await withoutRight.logged('Demand can be published again');
    await asGateway.close();
    expect(await withoutRight.stop()).toBe(0);
  });

  test('logs who asked and no key', async () => {
    const { name, key } = await aServedSeat();
    await eventually('the line of the request', () => gateway.output().includes(`"student":"${name}"`));
    expect(gateway.output()).not.toContain(key);
    expect(gateway.output()).not.toContain('Say hello.');
  });
});

describe('the report of a class', () => {
  const publishReportKey = (key: string) => {
    const reportKey = { secretName: `${CLASSROOM}-report-key`, sha256: hashApiKey(key), createdTime: NOW };
    const ref = { namespace, name: CLASSROOM };
    return client.mergePatch(classrooms, ref, { status: { reportKey } }, { subresource: 'status' });
  };
  const get = (key: string) =>
    fetch(`${url}/v1/classroom/report`, { headers: { authorization: `Bearer ${key}` } });

  test('opens with its key as soon as the hash is published, and has what was used', async () => {
    const { name, key } = await aServedSeat();
    const [first, second] = [101, 102].map((fill) => generateApiKey(new Uint8Array(32).fill(fill)));
    await publishReportKey(first ?? '');
    const text = await eventually('the report', async () => {
      const answer = await get(first ?? '');
      const body = await answer.text();
      return answer.ok ? body : undefined;
    });
    const { classroom: named, students } = extractOf(text.trimEnd().split('\n').map(parseJson));
    const own = students.find(({ student }) => student === name);
    expect([named, own?.usage[0]?.outcome, own?.active.length]).toEqual([CLASSROOM, 'completed', 1]);
    expect((await get(key)).status).toBe(403);

    await publishReportKey(second ?? '');
    await eventually('the other key to open it', async () => (await get(second ?? '')).ok);
    expect((await get(first ?? '')).status).toBe(401);
  });
});

describe('what a student used', () => {
  test('stands in the status beside what the operator says there, and neither takes the other away', async () => {
    const { name, key } = await aServedSeat();
    const ref = { namespace, name };
    const operator = createApplier({ client, fieldManager: STATUS_FIELD_MANAGER });
    const say = async (message: string) => {
      const quota = await client.get(studentQuotas, ref);
      const ready = {
        type: 'Ready',
        status: 'True',
        lastTransitionTime: NOW,
        reason: 'Active',
        message,
      } as const;
      const status = { conditions: [ready], keys: quota?.status?.keys };
      const { apiVersion, kind, spec } = quota ?? studentQuota();
      await operator.apply(
        studentQuotas,
        { apiVersion, kind, metadata: ref, spec, status },
        { subresource: 'status' },
      );
    };
    await say('before');
    const published = await eventually('status.usage', async () => {
      const quota = await client.get(studentQuotas, ref);
      return quota?.status?.usage === undefined ? undefined : quota;
    });
    expect(published.status).toMatchObject({
      conditions: [{ message: 'before' }],
      keys: [{ generation: 1 }],
    });

    await say('after');
    const after = await client.get(studentQuotas, ref);
    expect(after?.status).toEqual({
      ...published.status,
      conditions: [expect.objectContaining({ message: 'after' })],
    });
    const answer = await fetch(`${url}/v1/usage`, { headers: { authorization: `Bearer ${key}` } });
    const told = JSON.parse(await answer.text());
    expect(after?.status?.usage).toMatchObject({
      requestsToday: 1,
      tokensToday: told.today.total_tokens,
      tokensTotal: told.total.total_tokens,
    });
    expect(told.total.total_tokens).toBeGreaterThan(0);
    const owned = after?.metadata.managedFields?.find(({ manager }) => manager === USAGE_FIELD_MANAGER);
    expect(Object.keys(owned?.fieldsV1?.['f:status'] ?? {})).toEqual(['f:usage']);
  }, 180_000);
});
