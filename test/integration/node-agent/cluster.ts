import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries, ensureOptionsOf } from '../../../src/demo/binaries/ensure.ts';
import { type ControlPlane, startControlPlane } from '../../../src/demo/control-plane/control-plane.ts';
import { type NodeAgent, type NodeAgentOptions, startNodeAgent } from '../../../src/demo/node-agent/agent.ts';
import { readNodeFile } from '../../../src/demo/node-agent/nodes/description.ts';
import { KUBELET_PACE, type Pace } from '../../../src/demo/node-agent/pod/state.ts';
import type { Runtime } from '../../../src/demo/node-agent/runtimes/runtime.ts';
import { onHost } from '../../../src/demo/node-agent/volumes/mount.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { createKubeClient } from '../../../src/kube/kube-client.ts';
import { kubeconfigFileCredentials } from '../../../src/kube/kubeconfig.ts';
import { type Deployment, deployments, type Pod, pods } from '../../../src/kube/resources.ts';
import { createNamespace } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';

/** A kubelet's figures, a hundred times as quick. */
export const QUICK: Pace = {
  ...KUBELET_PACE,
  probes: 0.05,
  restartBackOff: { initialMs: 200, maxMs: 1000 },
  pullBackOff: { initialMs: 200, maxMs: 1000 },
  pullErrorShownMs: 100,
  configRetryMs: 200,
};

const fakeEngine: Runtime = {
  name: 'fake engine',
  plays: (image) => image === 'fake-engine',
  command: ({ args, env, endpoint, failure, mounts }) => ({
    program: process.execPath,
    args: [
      '--no-warnings',
      join(import.meta.dirname, 'fake-engine.ts'),
      ...args,
      '--host',
      endpoint.ip,
      ...(endpoint.port === undefined ? [] : ['--port', String(endpoint.port)]),
      ...(failure?.kind === 'CrashAtStart' || failure?.kind === 'OutOfMemoryAtStart' ? ['--exit', '1'] : []),
      ...(failure?.kind === 'SlowLoad' ? ['--load-ms', String(failure.seconds * 1000)] : []),
    ],
    env: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, onHost(value, mounts) ?? value]),
    ),
  }),
};

/** A full control plane with nodes played by an agent. */
export interface Cluster extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly client: KubeClient;
  readonly agent: NodeAgent;
  /** Another agent for the same nodes, after this one was stopped. */
  startAgent(options?: Partial<NodeAgentOptions>): Promise<NodeAgent>;
  createNamespace(): Promise<string>;
  /** Removes all Deployments and pods of a namespace, so that others find the GPUs free. */
  clear(namespace: string): Promise<void>;
  /** The pods of a Deployment that are not being deleted. */
  podsOf(deployment: Deployment): Promise<Pod[]>;
  /** Waits until one pod of the Deployment is as wanted. */
  podWhere(what: string, deployment: Deployment, isSo: (pod: Pod) => boolean): Promise<Pod>;
}

export async function startCluster(
  nodeFile: string,
  agentOptions: Partial<NodeAgentOptions> = {},
): Promise<Cluster> {
  const binaries = await ensureBinaries(ensureOptionsOf(process));
  const controlPlane = await startControlPlane({ binaries });
  const credentials = await kubeconfigFileCredentials(controlPlane.kubeconfigPath, {
    readFile,
    clock: systemClock,
  });
  const client = createKubeClient({ credentials });
  const nodes = readNodeFile(nodeFile, 'nodes.yaml');
  const startAgent: Cluster['startAgent'] = (options) =>
    startNodeAgent({
      client,
      nodes,
      runtimes: [fakeEngine],
      run: controlPlane.run,
      clock: systemClock,
      random: Math.random,
      pace: QUICK,
      ...options,
    });
  const agent = await startAgent(agentOptions);
  const podsOf: Cluster['podsOf'] = async ({ metadata: { namespace, name } }) => {
    const { items } = await client.list(pods, {
      ...(namespace && { namespace }),
      labelSelector: `app=${name}`,
    });
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  };
  return {
    controlPlane,
    client,
    agent,
    startAgent,
    createNamespace: () => createNamespace(controlPlane.admin, 'class'),
    async clear(namespace) {
      const { items } = await client.list(deployments, { namespace });
      for (const { metadata } of items) await client.delete(deployments, metadata);
      await eventually('no pod left', async () => {
        const left = (await client.list(pods, { namespace })).items;
        for (const { metadata } of left) await client.delete(pods, metadata, { gracePeriodSeconds: 0 });
        return left.length === 0;
      });
    },
    podsOf,
    podWhere: (what, deployment, isSo) => eventually(what, async () => (await podsOf(deployment)).find(isSo)),
    async [Symbol.asyncDispose]() {
      await agent.stop();
      await client.close();
      await controlPlane.stop();
    },
  };
}

type Container = NonNullable<Pod['spec']>['containers'][number];

export interface EngineOptions {
  readonly name: string;
  readonly namespace: string;
  readonly replicas?: number;
  readonly resource?: string;
  readonly container?: Partial<Container>;
  readonly pod?: Partial<NonNullable<Pod['spec']>>;
  readonly annotations?: Record<string, string>;
}

/** Engines on one GPU slot each, as the operator deploys them. */
export function engines(options: EngineOptions): Deployment {
  const { name, namespace, replicas = 1, resource = 'nvidia.com/gpu' } = options;
  const probe = { httpGet: { path: '/health', port: 'http' } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations: options.annotations ?? {} },
        spec: {
          containers: [
            {
              name: 'vllm',
              image: 'fake-engine',
              ports: [{ name: 'http', containerPort: 8000 }],
              resources: { limits: { [resource]: '1' } },
              startupProbe: { ...probe, periodSeconds: 1, failureThreshold: 600 },
              readinessProbe: { ...probe, periodSeconds: 2 },
              terminationMessagePolicy: 'FallbackToLogsOnError',
              ...options.container,
            },
          ],
          ...options.pod,
        },
      },
    },
  };
}

export async function deploy(cluster: Cluster, options: EngineOptions): Promise<Deployment> {
  return cluster.client.create(deployments, engines(options));
}

/** Status of the pod's container. */
export function vllmStatus(pod: Pod) {
  return pod.status?.containerStatuses?.[0];
}
