import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { z } from 'zod';
import { createApiClient } from '../../src/demo/control-plane/api-client.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from '../../src/demo/control-plane/control-plane.ts';
import { isRunning, type ProcessIdentity, parseIdentity } from '../../src/demo/process/identity.ts';
import { createNamespace, type SharedControlPlane, sharedControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

jest.setTimeout(180_000);

const ALL_PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const podListSchema = z.object({
  items: z.array(z.object({ spec: z.object({ nodeName: z.string().optional() }) })),
});
const uidSchema = z.object({ metadata: z.object({ uid: z.string() }) });

let shared: SharedControlPlane;
beforeAll(async () => {
  shared = await sharedControlPlane();
});
afterAll(() => shared.admin.close());

describe('the control plane that integration tests share', () => {
  test('gives each test a namespace of its own, ready for pods', async () => {
    const [one, other] = await Promise.all([shared.createNamespace('room'), shared.createNamespace('room')]);
    expect(one).toMatch(/^room-[0-9a-f]{8}$/);
    expect(other).not.toBe(one);
    await shared.admin.json('POST', `/api/v1/namespaces/${one}/pods`, {
      metadata: { name: 'waits-for-a-scheduler' },
      spec: { containers: [{ name: 'main', image: 'none' }] },
    });
  });

  test('lets a ServiceAccount log in with the rights that it has', async () => {
    const namespace = await shared.createNamespace('rights');
    const token = await shared.serviceAccountToken({ namespace, name: 'default' });
    const client = createApiClient({ url: shared.url, ca: shared.ca, token });
    const answer = await client.request('GET', `/api/v1/namespaces/${namespace}/secrets`);
    client.close();
    expect(answer.status).toBe(403);
    expect(answer.body).toContain(`system:serviceaccount:${namespace}:default`);
  });

  test('writes a kubeconfig of a ServiceAccount that kubectl understands', async () => {
    const namespace = await shared.createNamespace('kubectl');
    const file = await shared.writeServiceAccountKubeconfig({ namespace, name: 'default' });
    const whoAmI = ['auth', 'whoami', '--output=jsonpath={.status.userInfo.username}'];
    const { stdout } = await promisify(execFile)(shared.binaries.kubectl, [
      `--kubeconfig=${file}`,
      ...whoAmI,
    ]);
    expect(stdout).toBe(`system:serviceaccount:${namespace}:default`);
  });

  test('tells who wrote what, and nothing about reads', async () => {
    const namespace = await shared.createNamespace('audit');
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await shared.admin.json('GET', path);
    await shared.admin.json('POST', path, { metadata: { name: 'first' } });
    await shared.admin.json('DELETE', `${path}/first`);
    const writes = await eventually('both writes in the audit log', async () => {
      const all = await shared.auditedWrites();
      const found = all.filter((write) => write.namespace === namespace && write.name === 'first');
      return found.length >= 2 && found;
    });
    expect(writes).toMatchObject([
      { verb: 'create', user: 'admin', resource: 'configmaps', code: 201 },
      { verb: 'delete', user: 'admin', resource: 'configmaps', code: 200 },
    ]);
  });
});

describe('a whole control plane', () => {
  let controlPlane: ControlPlane;
  let crdFolder: AsyncDisposable & { readonly path: string };
  beforeAll(async () => {
    crdFolder = await temporaryFolder();
    await writeFile(join(crdFolder.path, 'lessons.yaml'), LESSON_CRD);
    controlPlane = await startControlPlane({
      binaries: shared.binaries,
      crdFolder: crdFolder.path,
      users: [{ name: 'ms-chen', groups: ['trainers'] }],
    });
  });
  afterAll(async () => {
    await controlPlane.stop();
    await crdFolder[Symbol.asyncDispose]();
  });

  test('a Deployment becomes pods, and the scheduler binds them to a Node with free GPUs', async () => {
    const { admin } = controlPlane;
    await registerNode(controlPlane, 'gpu-node', 2);
    const namespace = await createNamespace(admin, 'deployment');
    await admin.json('POST', `/apis/apps/v1/namespaces/${namespace}/deployments`, deployment('engine', 2));
    await eventually('both pods bound to gpu-node', async () => {
      const pods = podListSchema.parse(await admin.json('GET', `/api/v1/namespaces/${namespace}/pods`));
      return pods.items.filter(({ spec }) => spec.nodeName === 'gpu-node').length === 2;
    });
  });

  test('what a custom resource owns is collected with it', async () => {
    const { admin } = controlPlane;
    const namespace = await createNamespace(admin, 'collection');
    const lessons = `/apis/test.gpu-classroom.io/v1/namespaces/${namespace}/lessons`;
    const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
    const owner = { apiVersion: 'test.gpu-classroom.io/v1', kind: 'Lesson' };
    const lesson = uidSchema.parse(
      await admin.json('POST', lessons, { ...owner, metadata: { name: 'monday' } }),
    );
    const ownerReferences = [{ ...owner, name: 'monday', uid: lesson.metadata.uid, controller: true }];
    await admin.json('POST', configMaps, { metadata: { name: 'notes', ownerReferences } });

    await admin.json('DELETE', `${lessons}/monday`);
    await eventually('the ConfigMap gone', async () => {
      return (await admin.request('GET', `${configMaps}/notes`)).status === 404;
    });
  });

  test('a deleted namespace goes away with everything in it', async () => {
    const { admin } = controlPlane;
    const namespace = await createNamespace(admin, 'short-lived');
    await admin.json('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: 'notes' } });
    await admin.json('DELETE', `/api/v1/namespaces/${namespace}`);
    await eventually('the namespace gone', async () => {
      return (await admin.request('GET', `/api/v1/namespaces/${namespace}`)).status === 404;
    });
  });

  test('a user is who the options say, and may do what RBAC says: nothing yet', async () => {
    const { url, ca } = controlPlane;
    const client = createApiClient({ url, ca, token: controlPlane.token('ms-chen') });
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const self = await client.json('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review);
    const refused = await client.request('GET', '/api/v1/namespaces');
    client.close();
    expect(self).toMatchObject({
      status: { userInfo: { username: 'ms-chen', groups: ['trainers', 'system:authenticated'] } },
    });
    expect(refused.status).toBe(403);
    expect(() => controlPlane.token('mr-smith')).toThrow(/there is no user mr-smith here/);
  });

  test('an outage of the API server ends with the same address, rights and data', async () => {
    const { admin } = controlPlane;
    const namespace = await createNamespace(admin, 'outage');
    await controlPlane.stopApiServer();
    await expect(admin.request('GET', '/readyz')).rejects.toThrow(/ECONNREFUSED|socket hang up|ECONNRESET/);
    await controlPlane.startApiServer();
    expect(await admin.json('GET', `/api/v1/namespaces/${namespace}`)).toMatchObject({
      metadata: { name: namespace },
    });
  });
});

describe('nothing stays behind', () => {
  test('after stop() all processes and files are gone', async () => {
    await using folder = await temporaryFolder();
    const runsRoot = join(folder.path, 'runs');
    const controlPlane = await startControlPlane({ binaries: shared.binaries, runsRoot });
    const children = await childrenOf(controlPlane.run.path);
    expect([...children.keys()].sort()).toEqual(ALL_PROGRAMS);
    expect([...children.values()].every(isRunning)).toBe(true);

    await controlPlane.stop();
    expect([...children.values()].some(isRunning)).toBe(false);
    expect(await readdir(runsRoot)).toEqual([]);
    await expect(controlPlane.stop()).resolves.toBeUndefined();
    await expect(controlPlane.startApiServer()).rejects.toThrow(/has been stopped/);
  });

  test('what a killed owner leaves is removed by the next start', async () => {
    await using folder = await temporaryFolder();
    const options: ControlPlaneOptions = { binaries: shared.binaries, runsRoot: join(folder.path, 'runs') };
    const killed = await startOwner(options);
    const orphans = [...(await childrenOf(killed.folder)).values()];
    expect(orphans).toHaveLength(ALL_PROGRAMS.length);

    killed.process.kill('SIGKILL');
    await killed.exited;
    expect(orphans.every(isRunning)).toBe(true);

    await using next = await startControlPlane({ ...options, controllerManager: false, scheduler: false });
    expect(orphans.some(isRunning)).toBe(false);
    expect(await readdir(join(folder.path, 'runs'))).toEqual([next.run.path.split('/').at(-1)]);
  });

  test('an owner that exits without stop() takes everything with it', async () => {
    await using folder = await temporaryFolder();
    const runsRoot = join(folder.path, 'runs');
    const owner = await startOwner({
      binaries: shared.binaries,
      controllerManager: false,
      scheduler: false,
      runsRoot,
    });
    const children = [...(await childrenOf(owner.folder)).values()];
    expect(children).toHaveLength(2);

    owner.process.stdin.end();
    expect(await owner.exited).toEqual([0, null]);
    await eventually('its processes gone', () => !children.some(isRunning));
    expect(await readdir(runsRoot)).toEqual([]);
  });
});

test('a manifest that the API server refuses ends the start with its words', async () => {
  await using folder = await temporaryFolder();
  const crdFolder = join(folder.path, 'crds');
  await mkdir(crdFolder);
  await writeFile(join(crdFolder, 'wrong.yaml'), LESSON_CRD.replace('scope: Namespaced', 'scope: Galaxy'));
  const runsRoot = join(folder.path, 'runs');
  const start = startControlPlane({ binaries: shared.binaries, crdFolder, runsRoot });
  await expect(start).rejects.toThrow(/answered with 422: .*Galaxy/);
  expect(await readdir(runsRoot)).toEqual([]);
});

/** Starts a process that owns a control plane. */
async function startOwner(options: ControlPlaneOptions) {
  const program = join(import.meta.dirname, '../support/control-plane-owner.ts');
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error('the owner ended before its control plane was up');
  return { process: child, exited, folder: first.value };
}

async function childrenOf(run: string): Promise<Map<string, ProcessIdentity>> {
  const children = new Map<string, ProcessIdentity>();
  for (const file of await readdir(join(run, 'children'))) {
    const identity = parseIdentity(await readFile(join(run, 'children', file), 'utf8'));
    if (identity !== undefined) children.set(file.replace('.pid', ''), identity);
  }
  return children;
}

/** A Node as a kubelet would register it: ready, with GPUs, and with a Lease that says that it is alive. */
async function registerNode({ admin }: ControlPlane, name: string, gpus: number): Promise<void> {
  const capacity = { cpu: '8', memory: '32Gi', pods: '110', 'nvidia.com/gpu': String(gpus) };
  await admin.json('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {
    metadata: { name },
    spec: {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  });
  await admin.json('POST', '/api/v1/nodes', {
    metadata: { name },
    status: {
      capacity,
      allocatable: capacity,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready' }],
    },
  });
}

function deployment(name: string, replicas: number) {
  const labels = { app: name };
  const resources = { limits: { 'nvidia.com/gpu': '1' } };
  return {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'none', resources }] },
      },
    },
  };
}

const LESSON_CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lessons.test.gpu-classroom.io}
spec:
  group: test.gpu-classroom.io
  scope: Namespaced
  names: {plural: lessons, singular: lesson, kind: Lesson, listKind: LessonList}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object}}
`;
