import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { createEventRecorder } from '../../kube/events.ts';
import { createInformer } from '../../kube/informer.ts';
import { describeError, type Logger, silentLogger } from '../../kube/log.ts';
import { keyOf } from '../../kube/object.ts';
import { type Node, nodes as nodeResource, type Pod, pods as podResource } from '../../kube/resources.ts';
import type { StoreChange } from '../../kube/store.ts';
import { controlPlaneFiles } from '../control-plane/files.ts';
import type { RunDirectory } from '../process/run-directory.ts';
import { createContainerHost } from './container-host.ts';
import { nodeAgentErrors } from './errors.ts';
import { type Failure, failureOfAnnotations, matchesPod, type PodMatcher } from './failures.ts';
import { createGpuAssignments, type GpuAssignments } from './gpus/assignments.ts';
import { type ContainerLog, type KubeletApi, type LogRef, startKubeletApi } from './kubelet-api.ts';
import type { NodeDescription } from './nodes/description.ts';
import { createNodeKeeper, type NodeKeeper } from './nodes/keeper.ts';
import { createMigManager, type MigManager } from './nodes/mig-manager.ts';
import { NODE_AGENT_LABEL } from './nodes/render.ts';
import { phaseOf } from './pod/conditions.ts';
import { containersOf } from './pod/spec.ts';
import { KUBELET_PACE, type Pace } from './pod/state.ts';
import { PodWorker, type PodWorkerOptions } from './pod/worker.ts';
import { type Endpoints, perPodAddresses, perPodPorts } from './process/endpoints.ts';
import type { Runtime } from './runtimes/runtime.ts';
import { createProvisioner, type Provisioner } from './volumes/provisioner.ts';

export interface NodeAgentOptions {
  /** May do what kubelets may: the demo gives it the administrator's. The agent does not close it. */
  readonly client: KubeClient;
  readonly nodes: readonly NodeDescription[];
  /** First match wins; a container whose image none of them plays fails with ErrImagePull. */
  readonly runtimes: readonly Runtime[];
  /** Where logs are and where processes are written down, so that they never outlive the run. */
  readonly run: RunDirectory;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log?: Logger;
  /** Default: a kubelet's. */
  readonly pace?: Pace;
  /** What containers get of this machine's environment; default nothing, which is enough for the simulator. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: an address of its own per pod on Linux, a port of its own elsewhere. */
  readonly addressing?: Addressing;
}

/** How played pods are told apart: by address, or by port on one address where only 127.0.0.1 is bound (macOS). */
export type Addressing = 'PerPodAddress' | 'PerPodPort';

/** A pod as the agent sees it. */
export interface PlayedPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly phase: string;
  /** Undefined until its first container has started. */
  readonly address: string | undefined;
  /** Where its first declared port is reached, `host:port`; undefined without one, and until a container has started. */
  readonly endpoint: string | undefined;
  /** Pids of the containers that run, by name. */
  readonly pids: Readonly<Record<string, number>>;
}

/** The GPU nodes of a demo cluster, their kubelets and their volumes, played on this machine. */
export interface NodeAgent extends AsyncDisposable {
  /**
   * Plays a failure on all pods that match, now and later, until it is cancelled. The latest one set wins, and all of
   * them win over annotations.
   */
  fail(matcher: PodMatcher, failure: Failure): { cancel(): void };
  /**
   * The node is gone: its processes die, and the control plane hears nothing more of it. After its grace period
   * (50 s) it counts as not ready, and its pods are evicted as their tolerations say. Throws UnknownNode.
   */
  loseNode(name: string): Promise<void>;
  /** The node is back; pods that are still its own are started again. Throws UnknownNode. */
  restoreNode(name: string): Promise<void>;
  pods(): PlayedPod[];
  /** Output of the latest start of a container (default: the only one). Throws NoLog. */
  logs(pod: { namespace: string; name: string }, container?: string): Promise<string>;
  /** Kills all processes; nodes and pods stay as they are in the API server. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Registers the nodes and plays their kubelets until `stop`. Resolves when all nodes are registered; the control
 * plane takes a moment to lift their not-ready taint.
 * Throws KubeApiError when a node cannot be registered.
 */
export async function startNodeAgent(options: NodeAgentOptions): Promise<NodeAgent> {
  const endpoints = await openEndpoints(options);
  const kubelet = await startKubeletApi({
    address: endpoints.nodeAddress,
    certificate: await certificateOf(options.run),
    clock: options.clock,
    logOf: async (ref) => agent.logOf(ref),
  });
  const agent = new Agent(options, endpoints, kubelet);
  try {
    await agent.start();
  } catch (error) {
    await agent.stop();
    throw error;
  }
  return agent;
}

/** The API server's own: it is the only one who asks. */
async function certificateOf({ path }: RunDirectory): Promise<{ cert: string; key: string }> {
  const { caFile, keyFile } = controlPlaneFiles(path);
  return { cert: await readFile(caFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
}

function openEndpoints({ addressing, random }: NodeAgentOptions): Promise<Endpoints> {
  const own = addressing ?? (process.platform === 'linux' ? 'PerPodAddress' : 'PerPodPort');
  return own === 'PerPodAddress'
    ? perPodAddresses(Math.floor(random() * 256))
    : Promise.resolve(perPodPorts());
}

/** On a Node: `"true"` makes the agent lose it, anything else brings it back. */
export const LOST_ANNOTATION = 'demo.gpu-classroom.io/lost';

interface PlayedNode {
  /** As it is now: the MIG manager may have cut its GPUs. */
  description: NodeDescription;
  readonly keeper: NodeKeeper;
  readonly migManager: MigManager;
  isLost: boolean;
  /** What the annotation said when it was last read. */
  isLostByAnnotation: boolean;
}

class Agent implements NodeAgent {
  readonly #endpoints: Endpoints;
  readonly #kubelet: KubeletApi;
  readonly #log: Logger;
  readonly #nodes: ReadonlyMap<string, PlayedNode>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #leaving = new Set<Promise<void>>();
  /** The latest first. */
  #failures: readonly { readonly matcher: PodMatcher; readonly failure: Failure }[] = [];
  readonly #podInformer;
  readonly #nodeInformer;
  readonly #provisioner: Provisioner;
  readonly #gpus: GpuAssignments;
  readonly #workerOptions: Omit<PodWorkerOptions, 'node'>;
  #stopped: Promise<void> | undefined;

  constructor(options: NodeAgentOptions, endpoints: Endpoints, kubelet: KubeletApi) {
    const { client, clock, random, run, runtimes, environment = {}, log = silentLogger } = options;
    this.#endpoints = endpoints;
    this.#kubelet = kubelet;
    const host = { address: endpoints.nodeAddress, kubeletPort: kubelet.port };
    this.#log = log;
    this.#nodes = new Map(
      options.nodes.map((description) => [
        description.name,
        {
          description,
          keeper: createNodeKeeper({ client, clock, log, node: description, host }),
          migManager: this.#migManagerOf(description.name, { client, clock, log }),
          isLost: false,
          isLostByAnnotation: false,
        },
      ]),
    );
    const follow = { client, clock, random, log };
    this.#podInformer = createInformer({
      ...follow,
      resource: podResource,
      fieldSelector: 'spec.nodeName!=',
    });
    this.#nodeInformer = createInformer({
      ...follow,
      resource: nodeResource,
      labelSelector: `${NODE_AGENT_LABEL}=true`,
    });
    const reporting = {
      reportingController: 'demo.gpu-classroom.io/node-agent',
      reportingInstance: 'node-agent',
    };
    const events = createEventRecorder({ client, clock, log, ...reporting });
    this.#provisioner = createProvisioner({ ...follow, events, runPath: run.path });
    this.#gpus = createGpuAssignments(join(run.path, 'gpus'));
    this.#workerOptions = {
      client,
      clock,
      log,
      endpoints,
      events,
      containers: createContainerHost({ client, run, runtimes, environment, gpus: this.#gpus }),
      pace: options.pace ?? KUBELET_PACE,
    };
  }

  async start(): Promise<void> {
    // First: a claim takes the default StorageClass that is there when it is made.
    await this.#provisioner.start();
    await Promise.all([...this.#nodes.values()].map(({ keeper }) => keeper.start()));
    this.#podInformer.store.subscribe((change) => this.#onPod(change));
    this.#nodeInformer.store.subscribe((change) => this.#onNode(change));
    this.#nodeInformer.start();
    await this.#nodeInformer.synced();
    this.#podInformer.start();
    await this.#podInformer.synced();
  }

  fail(matcher: PodMatcher, failure: Failure): { cancel(): void } {
    const entry = { matcher, failure };
    this.#failures = [entry, ...this.#failures];
    this.#refreshFailures();
    return {
      cancel: () => {
        this.#failures = this.#failures.filter((other) => other !== entry);
        this.#refreshFailures();
      },
    };
  }

  async loseNode(name: string): Promise<void> {
    const node = this.#node(name);
    node.isLost = true;
    node.keeper.stop();
    const lost = [...this.#workers].filter(([, worker]) => worker.state.pod.spec?.nodeName === name);
    await Promise.all(lost.map(([uid]) => this.#dismiss(uid)));
  }

  async restoreNode(name: string): Promise<void> {
    const node = this.#node(name);
    await node.keeper.start();
    node.isLost = false;
    for (const pod of this.#podInformer.store.list()) {
      if (pod.spec?.nodeName === name) this.#admit(pod);
    }
  }

  pods(): PlayedPod[] {
    return [...this.#workers.values()].map(({ state, pids, endpoint }) => ({
      namespace: state.pod.metadata.namespace ?? '',
      name: state.pod.metadata.name,
      node: state.pod.spec?.nodeName ?? '',
      phase: phaseOf(state),
      address: state.address,
      endpoint,
      pids,
    }));
  }

  async logOf({ namespace, pod, container, previous }: LogRef): Promise<ContainerLog | undefined> {
    const worker = this.#workerOf({ namespace, name: pod });
    const latest = () => worker?.state.containers.find(({ name }) => name === container)?.attempt;
    const found = latest();
    if (worker === undefined || found === undefined) return undefined;
    const attempt = previous ? found - 1 : found;
    const { containers } = this.#workerOptions;
    const read = () => containers.readLog(worker.state.pod, container, attempt);
    if ((await read()) === undefined) return undefined;
    return {
      read: async () => (await read()) ?? '',
      isRunning: () => latest() === attempt && container in worker.pids,
    };
  }

  #workerOf(ref: { namespace: string; name: string }): PodWorker | undefined {
    return [...this.#workers.values()].find(({ state }) => keyOf(state.pod.metadata) === keyOf(ref));
  }

  async logs(ref: { namespace: string; name: string }, container?: string): Promise<string> {
    const worker = this.#workerOf(ref);
    const main = worker?.state.containers.filter(({ init }) => !init);
    const found = worker?.state.containers.find(({ name }) => name === (container ?? main?.[0]?.name));
    const text =
      worker &&
      found &&
      (await this.#workerOptions.containers.readLog(worker.state.pod, found.name, found.attempt));
    if (text === undefined) throw nodeAgentErrors.noLog(keyOf(ref), container ?? '(the first)');
    return text;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    for (const { keeper, migManager } of this.#nodes.values()) {
      keeper.stop();
      migManager.stop();
    }
    await Promise.all([this.#podInformer.stop(), this.#nodeInformer.stop(), this.#provisioner.stop()]);
    for (const uid of [...this.#workers.keys()]) this.#dismiss(uid);
    await Promise.all(this.#leaving);
    await this.#workerOptions.events.flush();
    await Promise.all([this.#endpoints.close(), this.#kubelet.close()]);
  }

  #node(name: string): PlayedNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw nodeAgentErrors.unknownNode(name, [...this.#nodes.keys()]);
    return node;
  }

  #migManagerOf(
    name: string,
    access: Pick<NodeAgentOptions, 'client' | 'clock'> & { log: Logger },
  ): MigManager {
    return createMigManager({
      ...access,
      node: name,
      gpu: () => this.#node(name).description.gpu,
      isGpuInUse: () => [...this.#workers.values()].some((worker) => holdsGpu(worker, name)),
      setGpu: async (gpu) => {
        const node = this.#node(name);
        node.description = { ...node.description, gpu };
        await node.keeper.change(node.description);
      },
    });
  }

  #onPod(change: StoreChange<Pod>): void {
    if (change.type === 'deleted') {
      this.#dismiss(uidOf(change.object));
      return;
    }
    // A pod that was deleted and made again between two looks at the API server has the same name only.
    if (change.type === 'updated' && uidOf(change.previous) !== uidOf(change.object)) {
      this.#dismiss(uidOf(change.previous));
    }
    this.#admit(change.object);
  }

  #onNode(change: StoreChange<Node>): void {
    if (change.type === 'deleted') return;
    const { name, annotations } = change.object.metadata;
    const node = this.#nodes.get(name);
    const isLost = annotations?.[LOST_ANNOTATION] === 'true';
    if (node !== undefined && node.isLostByAnnotation !== isLost) {
      node.isLostByAnnotation = isLost;
      const done = isLost ? this.loseNode(name) : this.restoreNode(name);
      done.catch((error: unknown) => {
        this.#log.warn(
          { node: name, ...describeError(error) },
          'Node not brought back; set the annotation again',
        );
      });
    }
    node?.migManager.update(change.object);
    const before = change.type === 'updated' ? change.previous.metadata.annotations : undefined;
    if (JSON.stringify(before) !== JSON.stringify(annotations)) this.#refreshFailures();
  }

  #admit(pod: Pod): void {
    const node = this.#nodes.get(pod.spec?.nodeName ?? '');
    if (node === undefined || node.isLost || this.#stopped !== undefined) return;
    let worker = this.#workers.get(uidOf(pod));
    if (worker === undefined) {
      worker = new PodWorker(pod, { ...this.#workerOptions, node: node.description });
      this.#workers.set(uidOf(pod), worker);
    }
    worker.update(pod, this.#failureOf(pod));
  }

  #dismiss(uid: string): Promise<void> {
    const worker = this.#workers.get(uid);
    if (worker === undefined) return Promise.resolve();
    this.#workers.delete(uid);
    const left: Promise<void> = worker.abandon().finally(() => {
      this.#gpus.release(uid);
      this.#leaving.delete(left);
    });
    this.#leaving.add(left);
    return left;
  }

  #refreshFailures(): void {
    for (const worker of this.#workers.values()) worker.setFailure(this.#failureOf(worker.state.pod));
  }

  #failureOf(pod: Pod): Failure | undefined {
    const set = this.#failures.find(({ matcher }) => matchesPod(matcher, pod));
    if (set !== undefined) return set.failure;
    const node = this.#nodeInformer.store.get(pod.spec?.nodeName ?? '');
    for (const annotations of [pod.metadata.annotations, node?.metadata.annotations]) {
      const failure = failureOfAnnotations(annotations);
      if (typeof failure === 'string')
        this.#log.warn({ pod: keyOf(pod.metadata), failure }, 'Unknown failure ignored');
      else if (failure !== undefined) return failure;
    }
    return undefined;
  }
}

/** A container that has a GPU of the node runs. */
function holdsGpu({ state: { pod }, pids }: PodWorker, node: string): boolean {
  return (
    pod.spec?.nodeName === node &&
    containersOf(pod).some(
      ({ container: { name, resources } }) =>
        name in pids &&
        Object.keys(resources?.limits ?? {}).some((resource) => resource.startsWith('nvidia.com/')),
    )
  );
}

function uidOf(pod: Pod): string {
  return pod.metadata.uid ?? '';
}
