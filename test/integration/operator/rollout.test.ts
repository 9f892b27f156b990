import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { z } from 'zod';
import { type Classroom, classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { LABELS } from '../../../src/api/labels.ts';
import { ROLLED_OUT_ANNOTATION } from '../../../src/classroom/rollout/rolled-out.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { type Deployment, deployments, pods } from '../../../src/kube/resources.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { type RunningOperator, startOperator } from '../../support/operator-process.ts';

/** What the API server makes of the Deployments that a class has one after the other. There are no nodes here. */

jest.setTimeout(120_000);

const scaleSchema = z.looseObject({ status: z.object({ replicas: z.int(), selector: z.string() }) });

const { controlPlane, client } = await connectToControlPlane();
let namespace: string;
let operator: RunningOperator;

beforeEach(async () => {
  namespace = await controlPlane.createNamespace('rollout');
  operator = startOperator({ kubeconfig: controlPlane.kubeconfigPath, namespace });
  await operator.ready();
});
afterEach(() => operator.stop());

const room = () => ({ namespace, name: 'python-101' });

function openClass(spec: object): Promise<KubeObject> {
  return client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: room(),
    ...{ spec: { model: { id: 'a/b' }, engine: { replicas: { min: 2, max: 2 } }, ...spec } },
  });
}

const change = (spec: object) => client.mergePatch<Classroom>(classrooms, room(), { spec });

function untilDeployment(what: string, holds: (deployment: Deployment) => boolean): Promise<Deployment> {
  return eventually(what, async () => {
    const deployment = await client.get(deployments, { namespace, name: 'python-101-engine' });
    return deployment !== undefined && holds(deployment) ? deployment : undefined;
  });
}

const engineOf = ({ spec }: Deployment) => spec?.template.spec?.containers[0];
const strategyOf = ({ spec }: Deployment) => spec?.strategy;

async function untilEngines(model: string): Promise<string[]> {
  return eventually('the pods of two engines', async () => {
    const { items } = await client.list(pods, { namespace, labelSelector: LABELS.classroom });
    const own = items.filter(({ spec }) => spec?.containers[0]?.args?.[0] === model);
    return own.length === 2 ? own.map(({ metadata }) => metadata.name) : undefined;
  });
}

/** There is no scheduler's node and no kubelet here: the test says what they would say of an engine. */
async function play(name: string, answers: boolean): Promise<void> {
  const lastTransitionTime = new Date().toISOString();
  const container = {
    name: 'vllm',
    ready: answers,
    started: answers,
    restartCount: 0,
    image: '',
    imageID: '',
  };
  const status = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: answers ? 'True' : 'False', lastTransitionTime }],
    containerStatuses: [{ ...container, state: { running: { startedAt: lastTransitionTime } } }],
  };
  await controlPlane.admin.json('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { namespace, name },
    target: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
  });
  await client.mergePatch(pods, { namespace, name }, { status }, { subresource: 'status' });
}

function untilReady(engines: number): Promise<unknown> {
  return eventually('the operator to see the engines', async () => {
    const { status: seen } = (await client.get(classrooms, room())) ?? {};
    return seen?.readyReplicas === engines ? seen : undefined;
  });
}

test('a Deployment goes from one way of being replaced to the other and back', async () => {
  const oneByOne = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
  await openClass({ engine: { replicas: { min: 2, max: 2 }, rollout: 'Immediately' } });
  expect(strategyOf(await untilDeployment('the engines', () => true))).toEqual(oneByOne);

  await change({ model: { id: 'c/d' } });
  const recreated = await untilDeployment('another model', (it) => engineOf(it)?.args?.[0] === 'c/d');
  expect(strategyOf(recreated)).toEqual({ type: 'Recreate' });

  for (const name of await untilEngines('c/d')) await play(name, true);
  await untilReady(2);
  await change({ engine: { image: 'vllm/vllm-openai:v0.32.1' } });
  const again = await untilDeployment('another image', (it) => engineOf(it)?.image?.endsWith('.1') === true);
  expect(strategyOf(again)).toEqual(oneByOne);
});

test('of the engines that are replaced, one that still loads is given less time to end than one that serves', async () => {
  await openClass({ engine: { replicas: { min: 2, max: 2 }, rollout: 'Immediately' } });
  const [serves = '', loads = ''] = await untilEngines('a/b');
  await play(serves, true);
  await play(loads, false);
  await untilReady(1);

  await change({ model: { id: 'c/d' } });
  const secondsOf = async (name: string) =>
    (await client.get(pods, { namespace, name }))?.metadata.deletionGracePeriodSeconds;
  await eventually('the one that loads to be given 5 s', async () => (await secondsOf(loads)) === 5);
  expect(await secondsOf(serves)).toBe(80);
});

test('the record that keeps what runs is written with it, in one request', async () => {
  await openClass({});
  const deployment = await untilDeployment('the engines', () => true);
  const { template } = JSON.parse(deployment.metadata.annotations?.[ROLLED_OUT_ANNOTATION] ?? '{}');
  expect(deployment.spec?.template).toMatchObject(template);
});

test('what does not fit never reaches the API server as a Deployment', async () => {
  await openClass({ model: { id: 'Qwen/Qwen2.5-14B-Instruct' }, gpu: { product: 'NVIDIA-A10' } });
  const fits = await eventually('the plan to be refused', async () => {
    const { status } = (await client.get(classrooms, room())) ?? {};
    const condition = findCondition(status?.conditions, 'Fits');
    return condition?.status === 'False' ? condition : undefined;
  });
  expect(fits.message).toContain('What would fit');
  expect(await client.get(deployments, { namespace, name: 'python-101-engine' })).toBeUndefined();

  await change({ model: { id: 'Qwen/Qwen2.5-7B-Instruct' } });
  const deployment = await untilDeployment('the engines, once they fit', () => true);
  expect(engineOf(deployment)?.args).toContain('--kv-cache-memory-bytes');
});

test('kubectl scale bounds the engines, and the operator follows', async () => {
  await openClass({ engine: { replicas: { min: 1, max: 4, studentsPerReplica: 1 } } });
  await untilDeployment('one engine', ({ spec }) => spec?.replicas === 1);
  await change({ engine: { replicas: { min: 3 } } });
  await untilDeployment('three engines', ({ spec }) => spec?.replicas === 3);

  const path = `/apis/${API_GROUP_VERSION}/namespaces/${namespace}/classrooms/python-101/scale`;
  const scale = await eventually('the figures of the scale subresource', async () => {
    const read = scaleSchema.parse(await controlPlane.admin.json('GET', path));
    return read.status.replicas === 3 ? read : undefined;
  });
  expect(scale.status.selector).toContain('gpu-classroom.io/classroom=python-101');

  await change({ engine: { replicas: { min: 0 } } });
  await untilDeployment('no engine, for nobody is enrolled', ({ spec }) => spec?.replicas === 0);
  await controlPlane.admin.json('PATCH', path, { spec: { replicas: 2 } }, 'application/merge-patch+json');
  const bounds = (await client.get(classrooms, room()))?.spec.engine.replicas;
  expect(bounds).toMatchObject({ min: 0, max: 2 });
});
