import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Classroom, type ClassroomStatus, classrooms } from '../../src/api/classroom.ts';
import { findCondition } from '../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../src/api/group.ts';
import { LABELS } from '../../src/api/labels.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import type { Failure } from '../../src/demo/node-agent/failures.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { deployments, events, namespaces, nodes, type Pod, pods } from '../../src/kube/resources.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';

/** Engines fail in every way that the node agent can play; the operator is a process with its own rights. */

jest.setTimeout(300_000);

const BOOT_TIMEOUT_MS = 240_000;
/** The control plane removes the pods of a node that is gone a minute after it. */
const NODE_LOSS_TIMEOUT_MS = 200_000;
const CLASS = 'python-101';

let cluster: DemoCluster;
let namespace: string;
let count = 0;
let played: { cancel(): void } | undefined;

beforeAll(async () => {
  cluster = await startTestCluster({ nodes: 'nodes: [{name: a10, count: 2, gpu: {product: NVIDIA-A10}}]' });
  await cluster.startOperator({ name: 'operator' });
}, BOOT_TIMEOUT_MS);
afterAll(() => cluster?.stop(), 60_000);

beforeEach(async () => {
  count += 1;
  namespace = `failures-${count}`;
  await cluster.client.create<KubeObject>(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
});
afterEach(async () => {
  played?.cancel();
  played = undefined;
  await cluster.client.delete(classrooms, { namespace, name: CLASS });
  await eventually('no engine left', async () => (await enginePods()).length === 0);
});

function play(failure: Failure): void {
  played = cluster.nodeAgent.fail({ namespace }, failure);
}

function createClass(engine: object = {}): Promise<KubeObject> {
  return cluster.client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name: CLASS, namespace },
    ...{
      spec: {
        model: { id: 'Qwen/Qwen2.5-7B-Instruct' },
        gpu: { product: 'NVIDIA-A10' },
        engine: { maxNumSeqs: 16, ...engine },
      },
    },
  });
}

async function enginePods(): Promise<Pod[]> {
  return (await cluster.client.list(pods, { namespace, labelSelector: LABELS.classroom })).items;
}

async function statusOf(): Promise<ClassroomStatus> {
  const found = await cluster.client.get<Classroom>(classrooms, { namespace, name: CLASS });
  return found?.status ?? {};
}

const conditionOf = (status: ClassroomStatus, type = 'EnginesReady') =>
  findCondition(status.conditions, type);

/** Waits until the status is so, and tells what it was last when it never is. */
function untilStatus(what: string, isSo: (status: ClassroomStatus) => boolean): Promise<ClassroomStatus> {
  return eventually(what, async () => {
    const status = await statusOf();
    return isSo(status) ? status : undefined;
  });
}

const untilReady = () =>
  untilStatus('a class that is ready', (status) => conditionOf(status, 'Ready')?.status === 'True');
const untilHeld = () => untilStatus('engines that are held', ({ failures }) => failures?.held !== undefined);

async function replicasWanted(): Promise<number | undefined> {
  const name = `${CLASS}-engine`;
  return (await cluster.client.get(deployments, { namespace, name }))?.spec?.replicas;
}

async function eventReasons(): Promise<string[]> {
  const { items } = await cluster.client.list(events, { namespace });
  return items.filter(({ regarding }) => regarding?.kind === 'Classroom').map(({ reason }) => reason ?? '');
}

describe('engines that run out of GPU memory at their start', () => {
  test('are started with less and less, until they work', async () => {
    play({ kind: 'OutOfMemoryAtStart' });
    await createClass();
    await untilStatus('two steps down', ({ failures }) => (failures?.memorySteps.length ?? 0) >= 2);
    played?.cancel();

    const { failures, plan } = await untilReady();
    const lowered = failures?.memorySteps.filter(({ setting }) => setting === 'MaxNumBatchedTokens') ?? [];
    expect(plan?.maxNumBatchedTokens).toBe(Number(lowered.at(-1)?.to));
    expect(plan?.basis).toContain('Lowered, because engines ran out of GPU memory: MaxNumBatchedTokens');
    const [pod] = await enginePods();
    const args = pod?.spec?.containers[0]?.args ?? [];
    expect(args[args.indexOf('--max-num-batched-tokens') + 1]).toBe(lowered.at(-1)?.to);
    expect(await eventReasons()).toContain('MemoryStepTaken');
  });

  test('stop for good after the last step, with advice; a change of the spec begins anew', async () => {
    play({ kind: 'OutOfMemoryAtStart' });
    await createClass();
    const status = await untilHeld();
    expect(conditionOf(status)).toMatchObject({ status: 'False', reason: 'OutOfGPUMemoryAtStart' });
    expect(conditionOf(status)?.message).toContain('nothing is left to lower');
    await eventually('no engine that takes a GPU', async () => (await enginePods()).length === 0);
    expect(await replicasWanted()).toBe(0);
    expect(await eventReasons()).toContain('EnginesHeld');

    played?.cancel();
    await cluster.client.mergePatch(
      classrooms,
      { namespace, name: CLASS },
      { spec: { model: { maxModelLen: 2048 } } },
    );
    const { failures, plan } = await untilReady();
    expect(failures?.memorySteps ?? []).toEqual([]);
    expect(plan).toMatchObject({ maxModelLen: 2048, maxNumSeqs: 16 });
  });
});

test('an argument that vLLM refuses is named, and the GPU is free after the second start', async () => {
  await createClass({ extraArgs: ['--no-such-flag'] });
  const status = await untilHeld();
  expect(conditionOf(status)).toMatchObject({ status: 'False', reason: 'ArgumentRefused' });
  expect(conditionOf(status)?.message).toContain('--no-such-flag');
  await eventually('no engine that takes a GPU', async () => (await enginePods()).length === 0);

  await cluster.client.mergePatch(
    classrooms,
    { namespace, name: CLASS },
    { spec: { engine: { extraArgs: [] } } },
  );
  await untilReady();
});

test('an image that cannot be pulled is said, and nothing is held: the engine starts when it can be', async () => {
  play({ kind: 'ImagePull' });
  await createClass();
  const status = await untilStatus(
    'an engine without its image',
    (found) => conditionOf(found)?.reason === 'ImageNotPulled',
  );
  expect(conditionOf(status)?.message).toContain('Check `engine.image`');
  played?.cancel();
  expect((await untilReady()).failures).toBeUndefined();
});

test('an engine that dies while it serves says why, although its exit code is 0', async () => {
  await createClass();
  await untilReady();
  play({ kind: 'EngineDeath', afterSeconds: 0, times: 1 });
  const { engines } = await untilStatus('the end of the engine', (status) =>
    (status.engines ?? []).some(({ reason }) => reason === 'EngineDied'),
  );
  expect(engines?.[0]?.message).toContain('illegal memory access');
  await untilReady();
  const [pod] = await enginePods();
  expect(pod?.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 0 });
});

test('an engine whose node does not answer is made on another one; what is left goes with the node', async () => {
  await createClass();
  await untilReady();
  const [before] = await enginePods();
  const name = before?.spec?.nodeName ?? '';
  await cluster.nodeAgent.loseNode(name);
  const { engines } = await eventually(
    'the loss of the node in the status',
    async () => {
      const status = await statusOf();
      return (status.engines ?? []).some(({ reason }) => reason === 'NodeLost') ? status : undefined;
    },
    NODE_LOSS_TIMEOUT_MS,
  );
  expect(engines?.[0]?.message).toContain(`node ${name} does not answer`);

  await eventually(
    'an engine that answers on another node',
    async () => (await statusOf()).engines?.some(({ state, node }) => state === 'Ready' && node !== name),
    NODE_LOSS_TIMEOUT_MS,
  );
  await cluster.client.delete(nodes, { name });
  await eventually(
    'nothing left of the node',
    async () => (await enginePods()).every(({ spec }) => spec?.nodeName !== name),
    NODE_LOSS_TIMEOUT_MS,
  );
  await untilReady();
});
