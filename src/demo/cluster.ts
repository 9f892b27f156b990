import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeClient } from '../kube/client.ts';
import { type Clock, systemClock } from '../kube/clock.ts';
import { createKubeClient } from '../kube/kube-client.ts';
import { kubeconfigFileCredentials } from '../kube/kubeconfig.ts';
import { GATEWAY_ACCOUNT, OPERATOR_ACCOUNT } from '../rbac/accounts.ts';
import type { Binaries } from './binaries/versions.ts';
import { type ClusterNetwork, startClusterNetwork } from './cluster-network/network.ts';
import { type Component, startComponent } from './control-plane/component.ts';
import { type ControlPlane, startControlPlane } from './control-plane/control-plane.ts';
import { freePorts } from './control-plane/ports.ts';
import { type Addressing, type NodeAgent, startNodeAgent } from './node-agent/agent.ts';
import { gpuInWords, type NodeDescription } from './node-agent/nodes/description.ts';
import type { Pace } from './node-agent/pod/state.ts';
import { ownImage } from './node-agent/runtimes/own-image.ts';
import type { Runtime } from './node-agent/runtimes/runtime.ts';
import { CHECKOUT } from './paths.ts';

const READY_TIMEOUT_MS = 60_000;

export interface DemoClusterOptions {
  readonly binaries: Binaries;
  readonly nodes: readonly NodeDescription[];
  readonly runtimes: readonly Runtime[];
  /** Default: a kubelet's. */
  readonly pace?: Pace;
  /** Default: an address of its own per pod on Linux, a port of its own elsewhere. */
  readonly addressing?: Addressing;
  /** That of the played nodes; default: the system's. */
  readonly clock?: Clock;
  /** Entry points other than those of the product. */
  readonly programs?: { readonly operator: string; readonly gateway: string };
  /** Where students connect; default: a free port. */
  readonly gatewayPort?: number;
  /**
   * True: as a platform engineer finds it, without our kinds and rights. Pods of our image run, and Services of type
   * LoadBalancer are open on this machine: for an installation by Helm. Not where pods share an address. Default false.
   */
  readonly isEmpty?: boolean;
  /** Takes one line for each step that is done. */
  readonly report: (step: string) => void;
}

/** What an operator or gateway of the cluster is started with, where it differs from the usual. */
export interface ProcessOptions {
  /** Unique among the processes of the cluster. */
  readonly name: string;
  /** Default: one that holds the process's own ServiceAccount. */
  readonly kubeconfig?: string;
  readonly flags?: readonly string[];
}

/** An operator or gateway, and where it answers `/readyz` and `/metrics`. */
export interface DemoProcess extends Component {
  readonly healthUrl: string;
}

/** A whole cluster on this machine: control plane, played GPU nodes, operator and gateway. */
export interface DemoCluster extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly nodeAgent: NodeAgent;
  /** As the administrator. */
  readonly client: KubeClient;
  /** `http://127.0.0.1:<port>/v1`: what students get as OPENAI_BASE_URL. */
  readonly baseURL: string;
  /** Starts an operator with exactly the rights of its ServiceAccount; resolves when it is ready. */
  startOperator(options: ProcessOptions): Promise<DemoProcess>;
  /** Starts the gateway on the cluster's port, with exactly the rights of its ServiceAccount. */
  startGateway(options: ProcessOptions): Promise<DemoProcess>;
  stop(): Promise<void>;
}

/**
 * Boots everything but operator and gateway, which the caller starts. Ends by itself what a crashed run left behind.
 * Throws with the last lines of the right log when a part does not start; nothing is left running then.
 */
export async function startDemoCluster(options: DemoClusterOptions): Promise<DemoCluster> {
  const { binaries, report, isEmpty = false } = options;
  const addressing = options.addressing ?? (process.platform === 'linux' ? 'PerPodAddress' : 'PerPodPort');
  const controlPlane = await startControlPlane({ binaries, ...(!isEmpty && { crdFolder: CHECKOUT.crds }) });
  let network: ClusterNetwork | undefined;
  try {
    report(`Kubernetes answers at ${controlPlane.url}${isEmpty ? '' : ', with our kinds'}`);
    if (!isEmpty) {
      await grantRights(binaries, controlPlane);
      report('ServiceAccounts and rights of operator and gateway are in place');
    }
    const client = await connect(controlPlane);
    if (isEmpty) network = await startClusterNetwork({ client, clock: systemClock, random: Math.random });
    const nodeAgent = await startNodeAgent({
      client,
      nodes: options.nodes,
      runtimes: [...options.runtimes, ...(network === undefined ? [] : [ownPods(controlPlane, network)])],
      run: controlPlane.run,
      clock: options.clock ?? systemClock,
      random: Math.random,
      addressing,
      ...(options.pace === undefined ? {} : { pace: options.pace }),
    });
    report(`${options.nodes.length} GPU nodes are registered: ${describeNodes(options.nodes)}`);
    const [freePort = 0] = await freePorts(1);
    return clusterOf({
      controlPlane,
      client,
      network,
      nodeAgent,
      ...(options.programs ?? programsFor(addressing)),
      gatewayPort: options.gatewayPort ?? freePort,
    });
  } catch (error) {
    await network?.stop();
    await controlPlane.stop();
    throw error;
  }
}

/** Where pods share an address, only the demo's own programs find the engines. */
function programsFor(addressing: Addressing): { operator: string; gateway: string } {
  return addressing === 'PerPodPort'
    ? { operator: CHECKOUT.demoOperator, gateway: CHECKOUT.demoGateway }
    : { operator: CHECKOUT.operator, gateway: CHECKOUT.gateway };
}

async function grantRights({ kubectl }: Binaries, { kubeconfigPath }: ControlPlane): Promise<void> {
  await promisify(execFile)(kubectl, [
    `--kubeconfig=${kubeconfigPath}`,
    'apply',
    `--filename=${CHECKOUT.rbac}`,
  ]);
}

async function connect({ kubeconfigPath }: ControlPlane): Promise<KubeClient> {
  const credentials = await kubeconfigFileCredentials(kubeconfigPath, { readFile, clock: systemClock });
  return createKubeClient({ credentials, userAgent: 'gpu-classroom-demo' });
}

function ownPods(controlPlane: ControlPlane, { serviceProxy }: ClusterNetwork): Runtime {
  return ownImage({
    programs: { 'operator.js': CHECKOUT.operator, 'gateway.js': CHECKOUT.gateway },
    kubeconfigOf: controlPlane.writeServiceAccountKubeconfig,
    serviceProxy,
  });
}

interface ClusterParts {
  controlPlane: ControlPlane;
  client: KubeClient;
  network: ClusterNetwork | undefined;
  nodeAgent: NodeAgent;
  /** The entry points. */
  operator: string;
  gateway: string;
  gatewayPort: number;
}

function clusterOf({
  controlPlane,
  client,
  network,
  nodeAgent,
  operator,
  gateway,
  gatewayPort,
}: ClusterParts): DemoCluster {
  const baseURL = `http://127.0.0.1:${gatewayPort}/v1`;
  const processes: DemoProcess[] = [];
  const start = async (
    entryPoint: string,
    kubeconfig: string,
    options: ProcessOptions,
    flags: readonly string[],
  ) => {
    const started = await startProcess(controlPlane, entryPoint, { ...options, kubeconfig, flags });
    processes.push(started);
    return started;
  };
  const stop = async () => {
    await Promise.all(processes.map((process) => process.stop('SIGTERM')));
    await nodeAgent.stop();
    await network?.stop();
    await client.close();
    await controlPlane.stop();
  };
  return {
    controlPlane,
    nodeAgent,
    client,
    baseURL,
    async startOperator(options) {
      const kubeconfig =
        options.kubeconfig ?? (await controlPlane.writeServiceAccountKubeconfig(OPERATOR_ACCOUNT));
      const flags = [
        `--gateway-base-url=${baseURL}`,
        `--operator-namespace=${OPERATOR_ACCOUNT.namespace}`,
        ...(options.flags ?? []),
      ];
      return start(operator, kubeconfig, options, flags);
    },
    async startGateway(options) {
      const kubeconfig =
        options.kubeconfig ?? (await controlPlane.writeServiceAccountKubeconfig(GATEWAY_ACCOUNT));
      return start(gateway, kubeconfig, options, [
        `--listen=127.0.0.1:${gatewayPort}`,
        `--ledger=${join(controlPlane.run.path, 'ledger.db')}`,
        ...(options.flags ?? []),
      ]);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startProcess(
  controlPlane: ControlPlane,
  entryPoint: string,
  options: ProcessOptions & { kubeconfig: string; flags: readonly string[] },
): Promise<DemoProcess> {
  const [healthPort = 0] = await freePorts(1);
  const component = await startComponent(controlPlane.run, options.name, process.execPath, [
    entryPoint,
    `--kubeconfig=${options.kubeconfig}`,
    `--health-address=127.0.0.1:${healthPort}`,
    ...options.flags,
  ]);
  const healthUrl = `http://127.0.0.1:${healthPort}`;
  const isReady = async () => (await fetch(`${healthUrl}/readyz`)).ok;
  await component.waitUntil('/readyz', isReady, READY_TIMEOUT_MS);
  return { ...component, healthUrl };
}

function describeNodes(nodes: readonly NodeDescription[]): string {
  const kinds = Map.groupBy(nodes, gpuInWords);
  return [...kinds].map(([words, members]) => `${members.length} × ${words}`).join(', ');
}
