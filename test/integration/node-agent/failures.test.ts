import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ENGINE_LOG } from '../../../src/classroom/failures/engine-log.ts';
import { FAILURE_ANNOTATION, type Failure } from '../../../src/demo/node-agent/failures.ts';
import { vllmSimulator } from '../../../src/demo/node-agent/runtimes/vllm-simulator.ts';
import { isReady } from '../../../src/kube/readiness.ts';
import { type Deployment, events, nodes, type Pod, pods } from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { type Cluster, deploy, type EngineOptions, startCluster, vllmStatus } from './cluster.ts';

jest.setTimeout(180_000);

const NODE = 'l4';
const simulator = vllmSimulator({
  entryPoint: join(import.meta.dirname, '../../../src/demo/vllm/main.ts'),
  loadSeconds: 0.1,
});

let cluster: Cluster;
let namespace: string;
beforeAll(async () => {
  cluster = await startCluster(`nodes: [{name: ${NODE}, gpu: {product: NVIDIA-L4}}]`, {
    runtimes: [simulator],
  });
});
afterAll(async () => cluster[Symbol.asyncDispose]());
beforeEach(async () => {
  namespace = await cluster.createNamespace();
});
let played: { cancel(): void } | undefined;
afterEach(async () => {
  played?.cancel();
  played = undefined;
  await cluster.clear(namespace);
});

/** One vLLM engine that says why it ends, as the operator's do; a liveness probe notices when it hangs. */
function deployEngine(options: Partial<EngineOptions> = {}): Promise<Deployment> {
  return deploy(cluster, {
    name: 'engine',
    namespace,
    ...options,
    annotations: { ...ENGINE_LOG.annotations, ...options.annotations },
    container: {
      ...ENGINE_LOG.terminationMessage,
      env: [ENGINE_LOG.env],
      volumeMounts: [ENGINE_LOG.volumeMount],
      image: 'vllm/vllm-openai:v0.32.0',
      args: ['Qwen/Qwen2.5-0.5B-Instruct', '--max-model-len', '4096'],
      livenessProbe: { httpGet: { path: '/health', port: 'http' }, periodSeconds: 10 },
      ...options.container,
    },
    pod: { terminationGracePeriodSeconds: 1, volumes: [ENGINE_LOG.volume] },
  });
}

const waitsFor = (reason: string) => (pod: Pod) => vllmStatus(pod)?.state?.waiting?.reason === reason;
const restartedAndReady = (pod: Pod) => isReady(pod) && (vllmStatus(pod)?.restartCount ?? 0) > 0;
const lastEnd = (pod: Pod) => vllmStatus(pod)?.lastState?.terminated;

test('without a failure the engine gets ready and knows its model', async () => {
  const deployment = await deployEngine();
  const { status } = await cluster.podWhere('a ready engine', deployment, isReady);
  const answer = await fetch(`http://${status?.podIP}:8000/v1/models`);
  expect(await answer.json()).toMatchObject({ data: [{ id: 'Qwen/Qwen2.5-0.5B-Instruct' }] });
});

describe('at the start', () => {
  test('an image that cannot be pulled, asked for by an annotation of the pod', async () => {
    const deployment = await deployEngine({ annotations: { [FAILURE_ANNOTATION]: 'ImagePull' } });
    const pod = await cluster.podWhere('ImagePullBackOff', deployment, waitsFor('ImagePullBackOff'));
    expect(vllmStatus(pod)?.state?.waiting?.message).toContain('vllm/vllm-openai:v0.32.0');
    await cluster.client.mergePatch(pods, pod.metadata, {
      metadata: { annotations: { [FAILURE_ANNOTATION]: null } },
    });
    expect(vllmStatus(await cluster.podWhere('a ready engine', deployment, isReady))?.restartCount).toBe(0);
  });

  test.each<{ failure: Failure; wantMessage: string }>([
    {
      failure: { kind: 'OutOfMemoryAtStart', times: 1 },
      wantMessage: 'torch.OutOfMemoryError: CUDA out of memory',
    },
    { failure: { kind: 'CrashAtStart', times: 1 }, wantMessage: 'EngineCore failed to start' },
  ])('$failure.kind ends in vLLM’s own words, and the next start works', async ({ failure, wantMessage }) => {
    played = cluster.agent.fail({ namespace }, failure);
    const deployment = await deployEngine();
    const pod = await cluster.podWhere('ready after a restart', deployment, restartedAndReady);
    expect(lastEnd(pod)).toMatchObject({ exitCode: 1, reason: 'Error' });
    expect(lastEnd(pod)?.message).toContain(wantMessage);
  });

  test('a failure without end leads to CrashLoopBackOff, until it is cancelled', async () => {
    played = cluster.agent.fail({ node: NODE }, { kind: 'CrashAtStart' });
    const deployment = await deployEngine();
    await cluster.podWhere('CrashLoopBackOff', deployment, waitsFor('CrashLoopBackOff'));
    played.cancel();
    await cluster.podWhere('ready after a restart', deployment, restartedAndReady);
  });

  test('a model that takes long to load runs, but is not ready', async () => {
    played = cluster.agent.fail({ namespace }, { kind: 'SlowLoad', seconds: 3600 });
    const deployment = await deployEngine();
    const pod = await cluster.podWhere(
      'a running engine',
      deployment,
      (found) => vllmStatus(found)?.state?.running !== undefined,
    );
    expect(isReady(pod)).toBe(false);
    await eventually('its startup probe fails', async () =>
      (await cluster.client.list(events, { namespace })).items.some(
        ({ regarding, note }) =>
          regarding?.name === pod.metadata.name && note?.startsWith('Startup probe failed'),
      ),
    );
    await expect(fetch(`http://${pod.status?.podIP}:8000/health`)).rejects.toThrow();
    played.cancel();
    await cluster.client.delete(pods, pod.metadata);
    const next = await cluster.podWhere('its successor is ready', deployment, isReady);
    expect(next.metadata.name).not.toBe(pod.metadata.name);
  });
});

describe('while it runs', () => {
  test.each<{ failure: Failure; wantEnd: object }>([
    { failure: { kind: 'Crash', afterSeconds: 0, times: 1 }, wantEnd: { exitCode: 137, reason: 'Error' } },
    {
      failure: { kind: 'OOMKilled', afterSeconds: 0, times: 1 },
      wantEnd: { exitCode: 137, reason: 'OOMKilled' },
    },
    {
      failure: { kind: 'EngineDeath', afterSeconds: 0, times: 1 },
      wantEnd: { exitCode: 0, reason: 'Completed' },
    },
    { failure: { kind: 'Hang', afterSeconds: 0, times: 1 }, wantEnd: { exitCode: 137, reason: 'Error' } },
  ])('$failure.kind: the container ends and is ready again', async ({ failure, wantEnd }) => {
    const deployment = await deployEngine();
    await cluster.podWhere('a ready engine', deployment, isReady);
    played = cluster.agent.fail({ namespace }, failure);
    const pod = await cluster.podWhere('ready after a restart', deployment, restartedAndReady);
    expect(lastEnd(pod)).toMatchObject(wantEnd);
  });

  test('a crash asked for by an annotation of the node', async () => {
    const deployment = await deployEngine();
    await cluster.podWhere('a ready engine', deployment, isReady);
    const annotate = (value: string | null) =>
      cluster.client.mergePatch(
        nodes,
        { name: NODE },
        { metadata: { annotations: { [FAILURE_ANNOTATION]: value } } },
      );
    await annotate('{kind: Crash, times: 1}');
    const pod = await cluster.podWhere('ready after a restart', deployment, restartedAndReady);
    expect(lastEnd(pod)).toMatchObject({ exitCode: 137 });
    await annotate(null);
  });
});
