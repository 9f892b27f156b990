import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Classroom, classrooms } from '../../src/api/classroom.ts';
import { findCondition } from '../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../src/api/group.ts';
import { LABELS } from '../../src/api/labels.ts';
import { PREPARATION_ANNOTATION } from '../../src/api/node-preparation.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import type { DemoCluster, DemoProcess } from '../../src/demo/cluster.ts';
import { MIG_MANAGER_ANNOTATION } from '../../src/demo/node-agent/nodes/mig-manager.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { clusterRoleBindings, type Node, nodes, pods } from '../../src/kube/resources.ts';
import { OPERATOR_ACCOUNT } from '../../src/rbac/accounts.ts';
import { NAMESPACE_PLACEHOLDER } from '../../src/rbac/manifest.ts';
import { NODE_PREPARATION_RIGHTS, type Right } from '../../src/rbac/rights.ts';
import { type ApiServerProxy, startApiServerProxy } from '../support/api-server-proxy.ts';
import { createNamespace } from '../support/control-plane.ts';
import { kubeconfigThrough, startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';

/**
 * One node with two H100, whose MIG manager is played by the node agent, and an operator with the rights of its
 * ServiceAccount and no more, behind a proxy that sees its requests.
 */

const BOOT_TIMEOUT_MS = 240_000;
const TEST_TIMEOUT_MS = 300_000;
const NODE = { name: 'h100' };
const RIGHTS = 'manifests/rbac-node-preparation.yaml';
const LAYOUT = 'nvidia.com/mig.config';
const STATE = 'nvidia.com/mig.config.state';

let cluster: DemoCluster;
let proxy: ApiServerProxy;
let operator: DemoProcess;
let kubectlPath: string;
let namespace: string;

beforeAll(async () => {
  kubectlPath = (await ensureBinaries(ensureOptionsOf(process))).kubectl;
  cluster = await startTestCluster({
    nodes: 'nodes: [{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, count: 2}}]',
  });
  proxy = await startApiServerProxy(cluster.controlPlane);
  const kubeconfig = await kubeconfigThrough(proxy, cluster, OPERATOR_ACCOUNT);
  operator = await cluster.startOperator({ name: 'operator', kubeconfig });
}, BOOT_TIMEOUT_MS);

afterAll(async () => {
  await cluster?.stop();
  await proxy?.close();
}, 60_000);

/** Whole GPUs, no class, no rights to change nodes. */
beforeEach(async () => {
  await kubectl('delete', 'classrooms', '--all', '--all-namespaces');
  await kubectl('delete', '--ignore-not-found', '-f', RIGHTS);
  await eventually('no engine is left', async () => {
    const { items } = await cluster.client.list(pods, { labelSelector: LABELS.classroom });
    return items.length === 0 && cluster.nodeAgent.pods().length === 0;
  });
  const annotations = { [PREPARATION_ANNOTATION]: null, [MIG_MANAGER_ANNOTATION]: '{seconds: 1}' };
  await cluster.client.mergePatch(nodes, NODE, { metadata: { annotations }, spec: { unschedulable: null } });
  await cluster.client.mergePatch(nodes, NODE, { metadata: { labels: { [LAYOUT]: 'all-disabled' } } });
  await eventually('whole GPUs', async () => (await node()).status?.allocatable?.['nvidia.com/gpu'] === '2');
  namespace = await createNamespace(cluster.controlPlane.admin, 'class');
}, BOOT_TIMEOUT_MS);

const CHECKOUT_ROOT = join(import.meta.dirname, '../..');

const tools = () => ({
  cwd: CHECKOUT_ROOT,
  env: {
    ...process.env,
    KUBECONFIG: cluster.controlPlane.kubeconfigPath,
    PATH: `${dirname(kubectlPath)}:${process.env.PATH ?? ''}`,
  },
});

async function kubectl(...args: string[]): Promise<string> {
  return (await promisify(execFile)(kubectlPath, args, tools())).stdout;
}

/** What a person does with commands that the status gives. */
async function shell(commands: string): Promise<void> {
  await promisify(execFile)('sh', ['-e', '-c', commands], tools());
}

async function node(): Promise<Node> {
  const found = await cluster.client.get(nodes, NODE);
  if (found === undefined) throw new Error('the node is gone');
  return found;
}

const ref = () => ({ namespace, name: 'python' });

async function getClass(): Promise<Classroom | undefined> {
  return cluster.client.get(classrooms, ref());
}

function createClass(gpu: object, engine: object = {}): Promise<KubeObject> {
  const object = {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: ref(),
    spec: {
      model: { id: 'Qwen/Qwen2.5-1.5B-Instruct', servedName: 'qwen', maxModelLen: 4096 },
      gpu: { product: 'NVIDIA-H100-80GB-HBM3', ...gpu },
      engine: { replicas: { min: 1, max: 2 }, ...engine },
    },
  };
  return cluster.client.create<KubeObject>(classrooms, object);
}

const MIG = { sharing: 'MIG', migProfile: '1g.10gb' };

async function untilPrepared(reason: string): Promise<string> {
  return eventually(`NodesPrepared to be ${reason}`, async () => {
    const classroom = await getClass();
    const condition = findCondition(classroom?.status?.conditions, 'NodesPrepared');
    const isOfThisSpec = condition?.observedGeneration === classroom?.metadata.generation;
    return isOfThisSpec && condition?.reason === reason && condition.message;
  });
}

async function untilReady(engines = 1): Promise<void> {
  try {
    await eventually(
      `${engines} engines that answer`,
      async () => (await getClass())?.status?.readyReplicas === engines,
    );
  } catch (error) {
    const found = await getClass();
    throw new Error(JSON.stringify([found?.status?.conditions, found?.status?.engines]), { cause: error });
  }
}

const writesToNodes = async () => {
  const writes = await cluster.controlPlane.auditedWrites();
  return writes.filter(
    ({ resource, user }) => resource === 'nodes' && user.endsWith(':gpu-classroom-operator'),
  );
};

describe('a class that wants a report', () => {
  test(
    'gets commands that prepare the node as they stand, and the operator writes to no node',
    async () => {
      const before = await writesToNodes();
      await createClass({}, { replicas: { min: 2, max: 2 } });
      await untilReady(2);
      await cluster.client.mergePatch(classrooms, ref(), { spec: { gpu: MIG } });
      const message = await untilPrepared('PreparationNeeded');
      expect(message).toContain('`kubectl label node h100 nvidia.com/mig.config=all-1g.10gb');
      const commands = (await getClass())?.status?.nodePreparation?.commands ?? '';
      await shell(commands);
      expect(await untilPrepared('Prepared')).toBe(
        'h100 offers 14 × nvidia.com/mig-1g.10gb; all engines that the class may have need 2.',
      );
      await untilReady(2);
      expect((await getClass())?.status?.nodePreparation).toBeUndefined();
      expect(await writesToNodes()).toEqual(before);
    },
    TEST_TIMEOUT_MS,
  );
});

describe('a class that wants its nodes managed', () => {
  test(
    'is told which rights are missing, and served as soon as they are there',
    async () => {
      await createClass({ ...MIG, nodePreparation: 'Manage' });
      expect(await untilPrepared('RightsMissing')).toContain(`apply \`${RIGHTS}\``);
      expect((await node()).spec?.unschedulable).toBeUndefined();
      await kubectl('apply', '-f', RIGHTS);
      await eventually('the binding', () =>
        cluster.client.get(clusterRoleBindings, { name: 'gpu-classroom-operator-node-preparation' }),
      );
      await nudge();
      await untilPrepared('Prepared');
      await untilReady();
      const after = await node();
      expect(after.spec?.unschedulable).toBeUndefined();
      expect(after.metadata.annotations?.[PREPARATION_ANNOTATION]).toBeUndefined();
      expect(after.metadata.labels).toMatchObject({ [LAYOUT]: 'all-1g.10gb', [STATE]: 'success' });
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'gives way with its own engines, though their disruption budget lets one go at a time otherwise',
    async () => {
      await kubectl('apply', '-f', RIGHTS);
      await createClass({}, { rollout: 'Immediately', replicas: { min: 2, max: 2 } });
      await untilReady(2);
      const gpu = { ...MIG, nodePreparation: 'Manage' };
      await cluster.client.mergePatch(classrooms, ref(), { spec: { gpu } });
      await untilPrepared('Prepared');
      await eventually('two engines, on slices', async () => {
        const { items } = await cluster.client.list(pods, { namespace });
        const onSlices = items.filter(
          ({ spec }) => spec?.containers[0]?.resources?.limits?.['nvidia.com/mig-1g.10gb'] === '1',
        );
        return items.length === 2 && onSlices.length === 2;
      });
      await untilReady(2);
      expect(carriedOut(/^POST \/api\/v1\/namespaces\/[^/]+\/pods\/[^/]+\/eviction$/)).toBe(true);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'waits while somebody else uses the GPU, whom it names and leaves alone',
    async () => {
      await kubectl('apply', '-f', RIGHTS);
      const elsewhere = await createNamespace(cluster.controlPlane.admin, 'research');
      const notebook = { namespace: elsewhere, name: 'notebook' };
      await cluster.client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: notebook,
        spec: {
          containers: [
            { name: 'notebook', image: 'notebook', resources: { limits: { 'nvidia.com/gpu': '1' } } },
          ],
        },
      });
      await eventually(
        'the notebook has the GPU',
        async () => (await cluster.client.get(pods, notebook))?.spec?.nodeName === 'h100',
      );
      const before = await writesToNodes();
      await createClass({ ...MIG, nodePreparation: 'Manage' });
      expect(await untilPrepared('ForeignGPUPods')).toContain(
        `Node h100 has GPU pods that are not of this class: ${elsewhere}/notebook.`,
      );
      expect(await writesToNodes()).toEqual(before);
      expect((await cluster.client.get(pods, notebook))?.metadata.deletionTimestamp).toBeUndefined();

      await cluster.client.delete(pods, notebook, { gracePeriodSeconds: 0 });
      await untilPrepared('Prepared');
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'is left with a cordoned node when the MIG manager fails, and with commands that lead back',
    async () => {
      await kubectl('apply', '-f', RIGHTS);
      await playMigManager('Failed');
      await createClass({ ...MIG, nodePreparation: 'Manage' });
      expect(await untilPrepared('PreparationFailed')).toMatch(
        /^The MIG manager could not give node h100 the layout all-1g\.10gb: .* It stays cordoned\. The way back: /,
      );
      const failed = await node();
      expect(failed.spec?.unschedulable).toBe(true);
      expect(failed.metadata.labels?.[STATE]).toBe('failed');
      expect((await getClass())?.status?.nodePreparation?.nodes).toMatchObject([
        { name: 'h100', step: 'Failed', layout: 'all-1g.10gb' },
      ]);

      await playMigManager('{seconds: 1}');
      await cluster.client.mergePatch(classrooms, ref(), { spec: { gpu: { nodePreparation: 'Report' } } });
      await shell((await getClass())?.status?.nodePreparation?.commands ?? 'false');
      await untilPrepared('PreparationNeeded');
      const back = await node();
      expect(back.spec?.unschedulable).toBeUndefined();
      expect(back.metadata.labels).toMatchObject({ [LAYOUT]: 'all-disabled', [STATE]: 'success' });

      await cluster.client.mergePatch(classrooms, ref(), { spec: { gpu: { nodePreparation: 'Manage' } } });
      await untilPrepared('Prepared');
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'is followed through a reboot of the node',
    async () => {
      await kubectl('apply', '-f', RIGHTS);
      await playMigManager('{seconds: 1, rebootSeconds: 3}');
      await createClass({ ...MIG, nodePreparation: 'Manage' });
      await eventually('the message names the reboot', async () =>
        findCondition((await getClass())?.status?.conditions, 'NodesPrepared')?.message.includes(
          '(rebooting)',
        ),
      );
      await untilPrepared('Prepared');
    },
    TEST_TIMEOUT_MS,
  );
});

test('every right of the manifest was used, and nothing else was asked for that is not granted', () => {
  const wanted = new Set(grants(NODE_PREPARATION_RIGHTS));
  expect([...wanted].filter((grant) => !usedRights().has(grant))).toEqual([]);
  const refused = proxy.requests.filter(({ status }) => status === 403).map(rightFor);
  // Before the rights were given, in the test that says which are missing.
  expect(new Set(refused)).toEqual(new Set(['patch nodes']));
});

test(
  'an operator for one namespace needs no more than this manifest besides its own',
  async () => {
    await operator.stop('SIGTERM');
    const { name } = OPERATOR_ACCOUNT;
    await kubectl('delete', 'clusterrolebinding', name);
    const manifest = await readFile(join(CHECKOUT_ROOT, 'manifests/rbac-one-namespace.yaml'), 'utf8');
    const path = join(cluster.controlPlane.run.path, 'rbac-one-namespace.yaml');
    await writeFile(path, manifest.replaceAll(NAMESPACE_PLACEHOLDER, namespace));
    await kubectl('apply', '-f', path, '-f', RIGHTS);
    await cluster.startOperator({ name: 'operator-one', flags: [`--namespace=${namespace}`] });
    await createClass({ ...MIG, nodePreparation: 'Manage' });
    await untilPrepared('Prepared');
    await untilReady();
  },
  TEST_TIMEOUT_MS,
);

function grants(rights: readonly Right[]): string[] {
  return rights.flatMap(({ resource, verbs }) => verbs.map((verb) => `${verb} ${resource}`));
}

function usedRights(): Set<string> {
  return new Set(proxy.requests.filter(({ status }) => status < 300).map(rightFor));
}

function carriedOut(request: RegExp): boolean {
  return proxy.requests.some(({ method, path, status }) => status < 300 && request.test(`${method} ${path}`));
}

/** Of requests to nodes and pods; others have none that this test knows of. */
function rightFor({ method, path, watch }: ApiServerProxy['requests'][number]): string {
  const [, resource = 'other', name, subresource] =
    /^\/api\/v1(?:\/namespaces\/[^/]+)?\/(nodes|pods)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
  const read = watch ? 'watch' : name === undefined ? 'list' : 'get';
  const verbs: Record<string, string> = { GET: read, POST: 'create', PATCH: 'patch', DELETE: 'delete' };
  return `${verbs[method]} ${[resource, subresource].filter(Boolean).join('/')}`;
}

/** The node agent hears of it with the next change of the node, which is this one. */
async function playMigManager(play: string): Promise<void> {
  await cluster.client.mergePatch(nodes, NODE, {
    metadata: { annotations: { [MIG_MANAGER_ANNOTATION]: play } },
  });
}

/** Rights are not watched: without a change the operator tries again after a minute. */
async function nudge(): Promise<void> {
  await cluster.client.mergePatch(classrooms, ref(), { spec: { contact: 'Ms Chen' } });
}
