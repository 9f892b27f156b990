import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Classroom, classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { LABELS } from '../../../src/api/labels.ts';
import { childLabels } from '../../../src/classroom/children/metadata.ts';
import type { KubeObject, OwnerReference } from '../../../src/kube/object.ts';
import {
  deployments,
  networkPolicies,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  serviceAccounts,
  services,
} from '../../../src/kube/resources.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { type RunningOperator, runOnce, startOperator } from '../../support/operator-process.ts';

jest.setTimeout(120_000);

const OWNED = [serviceAccounts, networkPolicies, services, podDisruptionBudgets, deployments];

let namespace: string;

const { controlPlane: shared, client } = await connectToControlPlane();
beforeEach(async () => {
  namespace = await shared.createNamespace('class');
});

const run = () => ({ kubeconfig: shared.kubeconfigPath, namespace });

function createClass(spec: object = {}): Promise<KubeObject> {
  const object = {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name: 'python-101', namespace },
    spec: { model: { id: 'Qwen/Qwen2.5-7B-Instruct' }, ...spec },
  };
  return client.create<KubeObject>(classrooms, object);
}

function getClass(): Promise<Classroom | undefined> {
  return client.get(classrooms, { namespace, name: 'python-101' });
}

const engine = () => ({ namespace, name: 'python-101-engine' });

/** Writes of the operator in this test's namespace, events and leases aside. */
async function operatorWrites() {
  const writes = await shared.auditedWrites();
  return writes.filter(
    (write) =>
      write.namespace === namespace &&
      write.userAgent === 'gpu-classroom-operator' &&
      !['events', 'leases'].includes(write.resource),
  );
}

async function allObjects(): Promise<string[]> {
  const lists = await Promise.all(
    [...OWNED, persistentVolumeClaims, pods].map((resource) =>
      client.list<KubeObject>(resource, { namespace, labelSelector: LABELS.classroom }),
    ),
  );
  return lists.flatMap((list, index) =>
    list.items.map(
      (item) => `${[...OWNED, persistentVolumeClaims, pods][index]?.kind} ${item.metadata.name}`,
    ),
  );
}

describe('an operator that runs', () => {
  let operator: RunningOperator;
  beforeEach(async () => {
    operator = startOperator(run());
    await operator.ready();
  });
  afterEach(() => operator.stop());

  test('gives a class its engines and all they need', async () => {
    await createClass({
      engine: { replicas: { min: 2, max: 4 } },
      model: { id: 'a/b', storage: { size: '5Gi' } },
    });
    const deployment = await eventually('the Deployment', () => client.get(deployments, engine()));
    expect(deployment.spec?.replicas).toBe(2);
    expect(deployment.spec?.template.spec?.containers[0]?.args?.slice(0, 3)).toEqual([
      'a/b',
      '--served-model-name',
      'a/b',
    ]);
    const owner = (await getClass())?.metadata.uid;
    for (const resource of OWNED) {
      const child = await client.get<KubeObject>(resource, engine());
      expect(child?.metadata.ownerReferences).toMatchObject([{ uid: owner, controller: true }]);
    }
    const claim = await client.get(persistentVolumeClaims, { namespace, name: 'python-101-models' });
    expect(claim?.metadata.ownerReferences).toBeUndefined();
    expect(claim?.spec?.resources?.requests).toEqual({ storage: '5Gi' });
  });

  test('says that the engines wait for a node, and that the class is ready once they answer', async () => {
    await createClass();
    await eventually('an engine that waits', async () =>
      (await getClass())?.status?.engines?.some(({ state }) => state === 'Scheduling'),
    );
    expect(findCondition((await getClass())?.status?.conditions, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'Scheduling',
      message: expect.stringMatching(/^0 of 1 engine answers: engine python-101-engine-\S+ waits for a node/),
    });

    await playReadyPods();
    const ready = await eventually('a class that is ready', async () => {
      const conditions = (await getClass())?.status?.conditions;
      const condition = findCondition(conditions, 'Ready');
      return condition?.status === 'True' ? condition : undefined;
    });
    expect(ready.message).toBe(
      '1 of 1 engine answers; no student is enrolled yet: enrol some with kubectl classroom enroll.',
    );
  });

  test('brings back what was edited or deleted by hand', async () => {
    await createClass();
    const before = await eventually('the Deployment', () => client.get(deployments, engine()));
    await eventually('the first pass', async () => (await getClass())?.status?.observedGeneration === 1);

    await client.mergePatch(deployments, engine(), { spec: { replicas: 7 } });
    await client.delete(services, engine());
    await client.mergePatch(networkPolicies, engine(), { spec: { ingress: [{}] } });

    await eventually('replicas as wanted', async () => {
      const deployment = await client.get(deployments, engine());
      return deployment?.spec?.replicas === before.spec?.replicas;
    });
    await eventually('the Service again', () => client.get(services, engine()));
    await eventually('the ingress rules again', async () => {
      const policy = await client.get(networkPolicies, engine());
      return policy?.spec?.ingress?.[0]?.from?.length === 2;
    });
  });

  test('leaves a foreign object of its name alone, says so, and goes on when it is gone', async () => {
    await client.create<KubeObject>(services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...engine(), annotations: { owner: 'somebody else' } },
      ...{ spec: { ports: [{ port: 80 }], selector: { app: 'other' } } },
    });
    const before = await client.get(services, engine());
    await createClass();
    const condition = await eventually('the conflict in the status', async () => {
      const found = findCondition((await getClass())?.status?.conditions, 'ChildrenApplied');
      return found?.reason === 'NameConflict' ? found : undefined;
    });
    expect(condition.message).toContain('Service python-101-engine exists and does not belong to this class');
    expect(findCondition((await getClass())?.status?.conditions, 'Ready')?.reason).toBe('NameConflict');
    expect(await client.get(services, engine())).toEqual(before);
    expect(await client.get(deployments, engine())).toBeUndefined();

    await client.delete(services, engine());
    await eventually('the engines, once the name is free', () => client.get(deployments, engine()));
  });

  test('leaves nothing but the model cache when the class is deleted, and a new class takes it over', async () => {
    const storage = { model: { id: 'a/b', storage: { size: '5Gi' } } };
    await createClass(storage);
    await eventually('the Deployment', () => client.get(deployments, engine()));
    await client.delete(classrooms, { namespace, name: 'python-101' });
    await eventually('nothing but the claim', async () => {
      const objects = await allObjects();
      return objects.length === 1 && objects[0] === 'PersistentVolumeClaim python-101-models';
    });
    const claim = await client.get(persistentVolumeClaims, { namespace, name: 'python-101-models' });

    await createClass(storage);
    await eventually('the new Deployment', () => client.get(deployments, engine()));
    const adopted = await client.get(persistentVolumeClaims, { namespace, name: 'python-101-models' });
    expect(adopted?.metadata.uid).toBe(claim?.metadata.uid);
  });

  /** There is no kubelet here: the test says what it would say. */
  async function playReadyPods(): Promise<void> {
    const { items } = await client.list(pods, { namespace, labelSelector: LABELS.classroom });
    for (const { metadata } of items) {
      const ref = { namespace, name: metadata.name };
      await shared.admin.json('POST', `/api/v1/namespaces/${namespace}/pods/${metadata.name}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: ref,
        target: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
      });
      const now = new Date().toISOString();
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: now }];
      const container = { name: 'vllm', ready: true, started: true, restartCount: 0, image: '', imageID: '' };
      const containerStatuses = [{ ...container, state: { running: { startedAt: now } } }];
      const status = { phase: 'Running', conditions, containerStatuses };
      await client.mergePatch(pods, ref, { status }, { subresource: 'status' });
    }
  }
});

describe('operator --once', () => {
  test('makes everything and ends with 0; on a settled cluster it writes nothing', async () => {
    await createClass({
      engine: {
        replicas: { min: 2, max: 2 },
        // The API server stores other spellings, and no empty text.
        resources: { requests: { cpu: '0.5', memory: '1024Mi' }, limits: { cpu: '2000m', memory: '3000M' } },
        env: [
          { name: 'HTTPS_PROXY', value: 'http://proxy.school.example:3128' },
          { name: 'NO_PROXY', value: '' },
        ],
      },
      model: { id: 'a/b', storage: { size: '5Gi' } },
    });
    expect(await runOnce(run())).toEqual({ code: 0, output: '' });
    expect(await client.get(deployments, engine())).toBeDefined();
    await eventually('two pods that wait, as the cluster has seen them', async () => {
      const { items } = await client.list(pods, { namespace, labelSelector: LABELS.classroom });
      const deployment = await client.get(deployments, engine());
      return items.length === 2 && deployment?.status?.unavailableReplicas === 2;
    });
    expect(await runOnce(run())).toEqual({ code: 0, output: '' });

    const before = await operatorWrites();
    expect(before.length).toBeGreaterThan(6);
    expect(await runOnce(run())).toEqual({ code: 0, output: '' });
    expect(await operatorWrites()).toEqual(before);
  });

  test('ends with 1 and says what is in the way', async () => {
    await client.create<KubeObject>(serviceAccounts, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: engine(),
    });
    await createClass();
    const { code, output } = await runOnce(run());
    expect(code).toBe(1);
    expect(output).toContain(`classroom ${namespace}/python-101: ServiceAccount python-101-engine exists`);
  });

  test('ends with 1 and passes on why the API server refuses an object', async () => {
    await shared.admin.json('POST', `/api/v1/namespaces/${namespace}/resourcequotas`, {
      metadata: { name: 'no-claims' },
      spec: { hard: { persistentvolumeclaims: '0' } },
    });
    await createClass({ model: { id: 'a/b', storage: { size: '5Gi' } } });
    const refused = await eventually('a quota that is in force', async () => {
      const result = await runOnce(run());
      return result.code === 1 ? result : undefined;
    });
    expect(refused.output).toContain('refused PersistentVolumeClaim python-101-models');
    expect(refused.output).toContain('exceeded quota: no-claims');
    expect(await client.get(deployments, engine())).toBeUndefined();
  });

  test('deletes what the class controls and no longer wants, and nothing else', async () => {
    const { uid = '' } = (await createClass()).metadata;
    const owner = { apiVersion: API_GROUP_VERSION, kind: 'Classroom', name: 'python-101', uid };
    const service = (name: string, ownerReferences: OwnerReference[]) =>
      client.create<KubeObject>(services, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace, labels: childLabels('python-101', 'engine'), ownerReferences },
        ...{ spec: { ports: [{ port: 80 }] } },
      });
    await service('of-an-older-version', [{ ...owner, controller: true }]);
    await service('of-somebody-else', []);
    expect((await runOnce(run())).code).toBe(0);
    expect(await client.get(services, { namespace, name: 'of-an-older-version' })).toBeUndefined();
    expect(await client.get(services, { namespace, name: 'of-somebody-else' })).toBeDefined();
  });
});
