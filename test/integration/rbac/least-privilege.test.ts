import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { z } from 'zod';
import { classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { demandLease } from '../../../src/api/demand.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { LABELS, MANAGED_BY } from '../../../src/api/labels.ts';
import { studentQuotas } from '../../../src/api/student-quota.ts';
import type { Binaries } from '../../../src/demo/binaries/versions.ts';
import { type ControlPlane, startControlPlane } from '../../../src/demo/control-plane/control-plane.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../../src/kube/object.ts';
import {
  clusterRoleBindings,
  deployments,
  leases,
  networkPolicies,
  nodes,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  secrets,
  serviceAccounts,
  services,
} from '../../../src/kube/resources.ts';
import { GATEWAY_ACCOUNT, OPERATOR_ACCOUNT } from '../../../src/rbac/accounts.ts';
import { NAMESPACE_PLACEHOLDER, rbacObjects } from '../../../src/rbac/manifest.ts';
import { GATEWAY_RIGHTS, OPERATOR_RIGHTS, type Right } from '../../../src/rbac/rights.ts';
import { generateApiKey, hashApiKey } from '../../../src/student/api-key.ts';
import { type ApiServerProxy, rightFor, startApiServerProxy } from '../../support/api-server-proxy.ts';
import { createNamespace, sharedControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { clientOf } from '../../support/kube-client.ts';
import { type Program, startProgram } from '../../support/program.ts';
import { startTellingEngine } from '../../support/telling-engine.ts';

/**
 * Operator and gateway run as what they are: programs with the token of their ServiceAccount and the rights of the
 * manifest. A proxy between them and the API server sees every request. The cluster is one of our own, because an
 * operator for all namespaces would work on the classes of other tests too.
 */

const root = join(import.meta.dirname, '../../..');

interface WatchedProgram extends Program {
  proxy: ApiServerProxy;
}

let controlPlane: ControlPlane;
let binaries: Binaries;
let client: KubeClient;
const programs: WatchedProgram[] = [];

beforeAll(async () => {
  const shared = await sharedControlPlane();
  shared.admin.close();
  ({ binaries } = shared);
  controlPlane = await startControlPlane({
    binaries,
    scheduler: false,
    crdFolder: join(root, 'crds'),
  });
  client = await clientOf(controlPlane.kubeconfigPath);
}, 120_000);

afterAll(async () => {
  await Promise.all(programs.map(stop));
  await client?.close();
  await controlPlane?.stop();
});

async function temporary(content: string): Promise<string> {
  const path = join(controlPlane.run.path, 'objects.yaml');
  await writeFile(path, content);
  return path;
}

async function kubectlApply(path: string): Promise<void> {
  await promisify(execFile)(binaries.kubectl, [
    `--kubeconfig=${controlPlane.kubeconfigPath}`,
    'apply',
    '-f',
    path,
  ]);
}

/** Starts a program as a ServiceAccount, with a proxy of its own before the API server. */
async function start(
  main: string,
  account: { namespace: string; name: string },
  flags: string[],
): Promise<WatchedProgram> {
  const proxy = await startApiServerProxy(controlPlane);
  const direct = await readFile(await controlPlane.writeServiceAccountKubeconfig(account), 'utf8');
  const kubeconfig = join(controlPlane.run.path, `${account.name}-${programs.length}.kubeconfig`);
  await writeFile(kubeconfig, direct.replace(/server: .*/, `server: ${proxy.url}`), { mode: 0o600 });
  const program = { ...startProgram(main, [`--kubeconfig=${kubeconfig}`, ...flags]), proxy };
  programs.push(program);
  return program;
}

function startOperator(flags: string[] = []): Promise<WatchedProgram> {
  const always = [
    '--gateway-base-url=https://gateway.example/v1',
    '--health-address=127.0.0.1:0',
    `--operator-namespace=${OPERATOR_ACCOUNT.namespace}`,
  ];
  return start('src/operator/main.ts', OPERATOR_ACCOUNT, [...always, ...flags]);
}

function startGateway(flags: string[] = []): Promise<WatchedProgram> {
  const always = [
    '--listen=127.0.0.1:0',
    '--health-address=127.0.0.1:0',
    '--ledger=memory',
    '--engine-wait-timeout=3s',
    '--wake-timeout=3s',
  ];
  return start('src/gateway/main.ts', GATEWAY_ACCOUNT, [...always, ...flags]);
}

async function stop(program: WatchedProgram): Promise<void> {
  await program.stop();
  await program.proxy.close();
}

/** What a program said last goes into the error, when what it was to do did not happen. */
async function explained(program: WatchedProgram, expected: () => Promise<void>): Promise<void> {
  try {
    await expected();
  } catch (error) {
    const refused = program.proxy.requests.filter(({ status }) => status >= 400).slice(-20);
    throw new Error(`${program.output().slice(-4000)}\n${JSON.stringify(refused)}`, { cause: error });
  }
}

/** `patch gpu-classroom.io/classrooms/status`, as the table has it. */
function grantsOf(rights: readonly Right[]): string[] {
  return rights
    .flatMap(({ apiGroup, resource, verbs }) => verbs.map((verb) => `${verb} ${apiGroup}/${resource}`))
    .sort();
}

/**
 * The rights that a request needs: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb.
 * A patch that makes an object needs two. Neither program asks for what is no resource.
 */
function rightsFor(request: ApiServerProxy['requests'][number]): string[] {
  const right = rightFor(request);
  if (right === undefined) throw new Error(`a path that is no resource: ${request.method} ${request.path}`);
  return request.status === 201 ? [right, right.replace('patch ', 'create ')] : [right];
}

function used({ proxy }: WatchedProgram): string[] {
  return [...new Set(proxy.requests.flatMap(rightsFor))].sort();
}

function forbidden({ proxy }: WatchedProgram): string[] {
  return proxy.requests.filter(({ status }) => status === 403 || status === 401).flatMap(rightsFor);
}

const MODEL = { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen', storage: { size: '50Gi' } };

async function makeClassroom(namespace: string, name: string): Promise<KubeObject> {
  const metadata = { name, namespace };
  return client.create<KubeObject>(classrooms, {
    ...{ apiVersion: API_GROUP_VERSION, kind: 'Classroom', metadata, spec: { model: MODEL } },
  });
}

async function makeSeat(namespace: string, classroom: string, student: string): Promise<void> {
  const metadata = { name: `${classroom}-${student}`, namespace };
  const spec = { classroomRef: { name: classroom }, student: { id: student } };
  await client.create<KubeObject>(studentQuotas, {
    ...{ apiVersion: API_GROUP_VERSION, kind: 'StudentQuota', metadata, spec },
  });
}

const DAVES_KEY = generateApiKey(new Uint8Array(32).fill(7));

/** A seat with a key, whose status shows a use that the gateway knows nothing of: it corrects that. */
async function makeUsedSeat(namespace: string): Promise<void> {
  await makeClassroom(namespace, 'history');
  await makeSeat(namespace, 'history', 'dave');
  const usage = { asOf: '2026-09-01T09:00:00Z', requestsToday: 1, tokensToday: 2, tokensTotal: 3 };
  const ref = { namespace, name: 'history-dave' };
  const keys = [{ generation: 1, sha256: hashApiKey(DAVES_KEY), createdTime: '2026-09-01T09:00:00Z' }];
  await client.mergePatch(studentQuotas, ref, { status: { usage, keys } }, { subresource: 'status' });
}

/** Dave asks, in a class that has no engine: the gateway tells of that in a Lease. */
async function askInVain(gateway: WatchedProgram, key: string): Promise<void> {
  const { address } = addressSchema.parse(await gateway.logged('The gateway takes requests'));
  await eventually('Dave to have waited for an engine', async () => {
    const answer = await fetch(`http://${address}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'qwen', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    return answer.status === 503 && /no_engine_ready|engine_starting/.test(await answer.text());
  });
}

const addressSchema = z.object({ address: z.string() });

/** The key that the operator has made for a seat. */
function keyOf(namespace: string, seat: string): Promise<string> {
  return eventually(`${seat} to have a key`, async () => {
    const secret = await client.get(secrets, { namespace, name: `${seat}-api-key` });
    const key = secret?.data?.OPENAI_API_KEY;
    return key === undefined ? undefined : Buffer.from(key, 'base64').toString('utf8');
  });
}

function conditionOf(object: KubeObject | undefined, type: string) {
  const status = object !== undefined && 'status' in object ? object.status : undefined;
  const conditions =
    typeof status === 'object' && status !== null && 'conditions' in status ? status.conditions : [];
  return findCondition(conditions as Parameters<typeof findCondition>[0], type);
}

async function until(
  resource: Resource<KubeObject>,
  namespace: string,
  name: string,
  type: string,
  reason: string,
) {
  await eventually(`${type} of ${name} to be ${reason}`, async () => {
    return conditionOf(await client.get(resource, { namespace, name }), type)?.reason === reason;
  });
}

const CHILDREN: readonly {
  resource: Resource<KubeObject>;
  name: (classroom: string) => string;
  spec?: object;
}[] = [
  { resource: serviceAccounts, name: (classroom) => `${classroom}-engine` },
  {
    resource: persistentVolumeClaims,
    name: (classroom) => `${classroom}-models`,
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
  { resource: networkPolicies, name: (classroom) => `${classroom}-engine`, spec: { podSelector: {} } },
  { resource: services, name: (classroom) => `${classroom}-engine`, spec: { clusterIP: 'None' } },
  {
    resource: podDisruptionBudgets,
    name: (classroom) => `${classroom}-engine`,
    spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } },
  },
  {
    resource: deployments,
    name: (classroom) => `${classroom}-engine`,
    spec: {
      replicas: 0,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
    },
  },
];

/** An object of a child's kind that the operator did not make. */
async function makeByHand(child: (typeof CHILDREN)[number], metadata: KubeObject['metadata']): Promise<void> {
  const { resource, spec } = child;
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  await client.create<KubeObject>(resource, {
    apiVersion,
    kind: resource.kind,
    metadata,
    ...(spec && { spec }),
  });
}

/** A class and its seats, and everything that may happen to them: edits, deletions, foreign objects, leftovers. */
async function livelyClass(namespace: string): Promise<void> {
  const classroom = await makeClassroom(namespace, 'python');
  for (const student of ['alice', 'bob', 'carol']) await makeSeat(namespace, 'python', student);
  await until(classrooms, namespace, 'python', 'ChildrenApplied', 'Applied');
  for (const student of ['alice', 'bob', 'carol']) {
    await until(studentQuotas, namespace, `python-${student}`, 'Ready', 'Active');
  }
  await editEverything(namespace);
  await leaveOldObjects(namespace, classroom);
  await leaveOldLease(namespace, classroom);
  await repeatAnEvent(namespace);
}

async function editEverything(namespace: string): Promise<void> {
  for (const { resource, name } of CHILDREN) {
    const ref = { namespace, name: name('python') };
    await client.mergePatch(resource, ref, { metadata: { labels: { [LABELS.partOf]: 'something-else' } } });
    await eventually(`${resource.kind} is healed`, async () => {
      return (await client.get(resource, ref))?.metadata.labels?.[LABELS.partOf] === 'gpu-classroom';
    });
  }
  await client.mergePatch(
    secrets,
    { namespace, name: 'python-bob-api-key' },
    { data: { OPENAI_BASE_URL: 'eA==' } },
  );
  await client.delete(secrets, { namespace, name: 'python-carol-api-key' });
  await until(studentQuotas, namespace, 'python-carol', 'KeyIssued', 'KeyReplaced');
}

/** Objects that the class controls under names that this version does not use, as an earlier version may leave them. */
async function leaveOldObjects(namespace: string, { metadata }: KubeObject): Promise<void> {
  const owner = {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    name: metadata.name,
    uid: metadata.uid ?? '',
  };
  const labels = { [LABELS.managedBy]: MANAGED_BY, [LABELS.classroom]: metadata.name };
  const pruned = CHILDREN.filter(({ resource }) => resource !== persistentVolumeClaims);
  for (const child of pruned) {
    await makeByHand(child, {
      name: 'python-old',
      namespace,
      labels,
      ownerReferences: [{ ...owner, controller: true }],
    });
  }
  for (const { resource } of pruned) {
    await eventually(`${resource.kind} python-old is deleted`, async () => {
      return (await client.get(resource, { namespace, name: 'python-old' })) === undefined;
    });
  }
}

/** Of a gateway that has been gone for days. */
async function leaveOldLease(namespace: string, { metadata: { name, uid = '' } }: KubeObject): Promise<void> {
  const lastAskedMs = Date.now() - 48 * 60 * 60_000;
  const said = { lastAskedMs, inFlight: 1, queued: 1, trustedSeconds: 60 };
  const { metadata } = await client.create(
    leases,
    demandLease({ namespace, name, uid }, '0a1b2c3d', 'gone', said),
  );
  const ref = { namespace, name: metadata.name };
  await eventually('the Lease is deleted', async () => (await client.get(leases, ref)) === undefined);
}

const SHARED_NODE = 'node-1';

/** Two engines share a GPU: they get their turns to start, and one of them has lost a race when both started anew. */
async function sharingEngines(namespace: string): Promise<void> {
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: SHARED_NODE } });
  await client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name: 'sharing', namespace },
    ...{
      spec: {
        model: MODEL,
        gpu: { sharing: 'TimeSliced', slicesPerGPU: 2 },
        engine: { replicas: { min: 2, max: 2 } },
      },
    },
  });
  await using engines = new AsyncDisposableStack();
  let lost = '';
  for (const tokens of [1000, 100]) {
    const { ip } = engines.use(await startTellingEngine({ kvCacheTokens: tokens }));
    lost = await startNextEngine(namespace, ip);
  }
  await eventually('the engine that lost to be started anew', async () => {
    const pod = await client.get(pods, { namespace, name: lost });
    return pod === undefined || pod.metadata.deletionTimestamp !== undefined;
  });
}

/** Does what scheduler and kubelet do with the engine whose turn it is. @returns its name */
async function startNextEngine(namespace: string, podIP: string): Promise<string> {
  const labelSelector = `${LABELS.classroom}=sharing`;
  const { name } = await eventually('an engine to get its turn', async () => {
    const { items } = await client.list(pods, { namespace, labelSelector });
    return items.find(({ spec }) => spec?.schedulingGates === undefined && spec?.nodeName === undefined)
      ?.metadata;
  });
  await client.raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name },
      target: { kind: 'Node', name: SHARED_NODE },
    },
  });
  await client.mergePatch(
    pods,
    { namespace, name },
    { status: { ...STARTED, podIP } },
    { subresource: 'status' },
  );
  return name;
}

/** An engine that answers since 09:01:00. */
const STARTED = {
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-09-01T09:01:00Z' }],
  containerStatuses: [
    {
      ...{ name: 'vllm', image: '', imageID: '', restartCount: 0, ready: true, started: true },
      state: { running: { startedAt: '2026-09-01T09:00:00Z' } },
    },
  ],
};

/** The second of two equal events is written as a series. */
async function repeatAnEvent(namespace: string): Promise<void> {
  const ref = { namespace, name: 'python-alice' };
  for (const _ of [1, 2]) {
    await client.mergePatch(studentQuotas, ref, { spec: { access: 'Suspended' } });
    await until(studentQuotas, namespace, ref.name, 'Ready', 'Suspended');
    await client.mergePatch(studentQuotas, ref, { spec: { access: 'Active' } });
    await until(studentQuotas, namespace, ref.name, 'Ready', 'Active');
  }
}

/** Two classes find foreign objects in their places: one all that engines stand on, the other the engines. */
async function occupiedClasses(namespace: string): Promise<void> {
  for (const child of CHILDREN) {
    const classroom = child.resource === deployments ? 'physics' : 'biology';
    await makeByHand(child, { name: child.name(classroom), namespace });
  }
  for (const name of ['biology', 'physics']) {
    await makeClassroom(namespace, name);
    await until(classrooms, namespace, name, 'ChildrenApplied', 'NameConflict');
  }
}

describe('in all namespaces', () => {
  let namespace: string;

  beforeAll(async () => {
    await kubectlApply(join(root, 'manifests/rbac.yaml'));
    namespace = await createNamespace(controlPlane.admin, 'school');
  });

  test('the operator uses every right that it has, and misses none', async () => {
    const operator = await startOperator(['--leader-elect']);
    await explained(operator, async () => {
      await livelyClass(namespace);
      await sharingEngines(namespace);
      await occupiedClasses(namespace);
    });
    await eventually('the Lease was renewed', () =>
      used(operator).includes('update coordination.k8s.io/leases'),
    );
    await stop(operator);

    expect(forbidden(operator)).toEqual([]);
    // Finalizers are no request of their own: the API server checks that right when an owner is named.
    const requested = grantsOf(OPERATOR_RIGHTS).filter((grant) => !grant.endsWith('/finalizers'));
    expect(used(operator)).toEqual(requested);
  }, 180_000);

  test('the gateway uses every right that it has, and misses none', async () => {
    await makeUsedSeat(namespace);
    const gateway = await startGateway();
    await askInVain(gateway, DAVES_KEY);
    await eventually('every right is used', () => used(gateway).length >= grantsOf(GATEWAY_RIGHTS).length);
    await stop(gateway);
    expect(forbidden(gateway)).toEqual([]);
    expect(used(gateway)).toEqual(grantsOf(GATEWAY_RIGHTS));
  }, 120_000);

  test.each(OPERATOR_RIGHTS.filter(({ resource }) => resource.endsWith('/finalizers')))(
    'without $resource the API server refuses the objects that the operator owns',
    async ({ resource }) => {
      const kind = resource === 'classrooms/finalizers' ? 'Classroom' : 'StudentQuota';
      const account = { namespace, name: kind.toLowerCase() };
      await accountWithout(account, resource);
      const poorer = await clientOf(await controlPlane.writeServiceAccountKubeconfig(account));
      const owner = {
        apiVersion: API_GROUP_VERSION,
        kind,
        name: 'x',
        uid: 'x',
        controller: true,
        blockOwnerDeletion: true,
      };
      const owned = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'owned', namespace, ownerReferences: [owner] },
      };
      await expect(poorer.create(secrets, owned)).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
      await poorer.close();
    },
  );
});

describe('in one namespace', () => {
  let namespace: string;
  let elsewhere: string;

  beforeAll(async () => {
    namespace = await createNamespace(controlPlane.admin, 'school');
    elsewhere = await createNamespace(controlPlane.admin, 'other-school');
    for (const { name } of [OPERATOR_ACCOUNT, GATEWAY_ACCOUNT]) {
      await client.delete(clusterRoleBindings, { name });
    }
    const manifest = await readFile(join(root, 'manifests/rbac-one-namespace.yaml'), 'utf8');
    await kubectlApply(await temporary(manifest.replaceAll(NAMESPACE_PLACEHOLDER, namespace)));
  });

  test('operator and gateway need no right in any other', async () => {
    const operator = await startOperator([`--namespace=${namespace}`]);
    await makeUsedSeat(namespace);
    const gateway = await startGateway([`--namespace=${namespace}`]);
    await makeClassroom(elsewhere, 'python');
    await makeSeat(elsewhere, 'python', 'alice');
    await explained(operator, () => livelyClass(namespace));
    await askInVain(gateway, await keyOf(namespace, 'history-dave'));
    await eventually('every right is used', () => used(gateway).length >= grantsOf(GATEWAY_RIGHTS).length);
    await stop(operator);
    await stop(gateway);

    // It asks whether it may read nodes, and gets along without.
    expect(new Set(forbidden(operator))).toEqual(new Set(['list /nodes']));
    expect(forbidden(gateway)).toEqual([]);
    expect(await client.get(secrets, { namespace: elsewhere, name: 'python-alice-api-key' })).toBeUndefined();
    expect(await client.get(deployments, { namespace: elsewhere, name: 'python-engine' })).toBeUndefined();
  }, 180_000);
});

/** A ServiceAccount with the operator's rights in its namespace but one. */
async function accountWithout(account: { namespace: string; name: string }, resource: string): Promise<void> {
  const { name } = account;
  const rules = rbacObjects()
    .filter(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === OPERATOR_ACCOUNT.name)
    .flatMap((role) => role.rules ?? [])
    .filter((rule) => !rule.resources.includes(resource));
  const group = 'rbac.authorization.k8s.io';
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
    { apiVersion: `${group}/v1`, kind: 'Role', metadata: account, rules },
    {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata: account,
      roleRef: { apiGroup: group, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
  ];
  await kubectlApply(await temporary(objects.map((object) => stringify(object)).join('---\n')));
}
