import type { KubeClient } from '../../../kube/client.ts';
import type { Clock, Timer } from '../../../kube/clock.ts';
import { KubeApiError } from '../../../kube/errors.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import { describeError, type Logger } from '../../../kube/log.ts';
import { type Pod, pods } from '../../../kube/resources.ts';
import type { ContainerHost, RunningContainer } from '../container-host.ts';
import type { Failure } from '../failures.ts';
import type { NodeDescription } from '../nodes/description.ts';
import type { Endpoints } from '../process/endpoints.ts';
import { askProbe, type Endpoint, firstPortOf } from '../process/probe.ts';
import { step } from './machine.ts';
import { probeOf } from './probes.ts';
import { type Container, containersOf } from './spec.ts';
import { initialPodState, type Pace, type PodAction, type PodEvent, type PodState } from './state.ts';
import { renderPodStatus } from './status.ts';
import { createStatusWriter, type StatusWriter } from './status-writer.ts';

/** Where a pod's process listens, for those that cannot reach `podIP:containerPort`: `127.0.0.1:<port>`. */
export const ADDRESS_ANNOTATION = 'demo.gpu-classroom.io/address';
const DELETE_RETRY_MS = 1000;

export interface PodWorkerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly containers: ContainerHost;
  readonly endpoints: Endpoints;
  readonly node: NodeDescription;
  readonly pace: Pace;
}

/** Leads one pod: carries out what the state machine asks for and tells it what comes of it. */
export class PodWorker {
  readonly #options: PodWorkerOptions;
  readonly #running = new Map<string, RunningContainer>();
  readonly #abandoned = new AbortController();
  readonly #work = new Set<Promise<void>>();
  readonly #writer: StatusWriter;
  readonly #inbox: PodEvent[] = [];
  #state: PodState;
  #endpoint: Promise<Endpoint> | undefined;
  #listensAt: string | undefined;
  #timer: Timer | undefined;
  #isStepping = false;

  constructor(pod: Pod, options: PodWorkerOptions) {
    this.#options = options;
    const { client, clock, log } = options;
    this.#state = initialPodState(pod, options.pace, clock.now());
    this.#writer = createStatusWriter(client, pod, clock, log, this.#abandoned.signal);
  }

  get state(): PodState {
    return this.#state;
  }

  /** Pids of the containers that run. */
  get pids(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#running].map(([name, { process }]) => [name, process.pid]));
  }

  /** `host:port` of the first port that a container declares; undefined without one, and until one has been started. */
  get endpoint(): string | undefined {
    return this.#listensAt;
  }

  /** Takes note of the pod object as it is now; the first call sets the worker to work. */
  update(pod: Pod, failure: Failure | undefined): void {
    // First: the pod's first container may start with the next event.
    this.#tell({ type: 'failureSet', failure });
    this.#tell({ type: 'podChanged', pod });
  }

  setFailure(failure: Failure | undefined): void {
    this.#tell({ type: 'failureSet', failure });
  }

  /** Kills everything and writes nothing more. Resolves when no process is left and the address is free again. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    this.#timer?.cancel();
    for (const { process } of this.#running.values()) process.signal('SIGKILL');
    while (this.#work.size > 0) await Promise.all(this.#work);
    const endpoint = await this.#endpoint?.catch(() => undefined);
    if (endpoint !== undefined) this.#options.endpoints.release(endpoint);
    this.#endpoint = undefined;
  }

  #tell(event: PodEvent): void {
    this.#inbox.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) this.#step(next);
    } finally {
      this.#isStepping = false;
    }
  }

  #step(event: PodEvent): void {
    if (this.#abandoned.signal.aborted) return;
    const { clock, endpoints } = this.#options;
    const { state, actions, wakeAtMs } = step(this.#state, event, clock.now());
    this.#state = state;
    this.#writer.set(renderPodStatus(state, endpoints.nodeAddress));
    for (const action of actions) this.#perform(action);
    this.#timer?.cancel();
    this.#timer =
      wakeAtMs === undefined
        ? undefined
        : clock.setTimeout(() => this.#tell({ type: 'tick' }), wakeAtMs - clock.now());
  }

  #perform(action: PodAction): void {
    switch (action.type) {
      case 'start':
        this.#track(this.#start(action));
        break;
      case 'probe':
        this.#track(this.#probe(action));
        break;
      case 'playFailure':
        this.#track(this.#play(action.container, action.failure));
        break;
      case 'signal':
        this.#running.get(action.container)?.process.signal(action.signal);
        break;
      case 'event':
        this.#options.events.record(this.#state.pod, {
          type: action.kind,
          reason: action.reason,
          action: action.reason,
          note: action.message,
        });
        break;
      case 'finish':
        this.#track(this.#finish());
        break;
    }
  }

  #track(work: Promise<void>): void {
    const { log } = this.#options;
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        log.error(
          { pod: this.#state.pod.metadata.name, ...describeError(error) },
          'The node agent failed on a pod',
        );
      })
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  async #start({ container, attempt, failure }: Extract<PodAction, { type: 'start' }>): Promise<void> {
    const { containers, endpoints, node } = this.#options;
    const { pod } = this.#state;
    const spec = specOf(pod, container);
    const result = await this.#address()
      .then(async (endpoint) => {
        const { nodeAddress } = endpoints;
        const request = { pod, container: spec, attempt, node, nodeAddress, endpoint, failure };
        return { endpoint, started: await containers.start(request) };
      })
      .catch((error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }));
    if ('error' in result) {
      this.#tell({
        type: 'notStarted',
        container,
        attempt,
        reason: 'RunContainerError',
        message: result.error,
      });
      return;
    }
    const { endpoint, started } = result;
    if ('reason' in started) {
      this.#tell({ type: 'notStarted', container, attempt, ...started });
      return;
    }
    this.#listensAt ??= firstPortOf(pod, endpoint);
    this.#running.set(container, started);
    if (this.#abandoned.signal.aborted) started.process.signal('SIGKILL');
    const containerId = `gpu-classroom-demo://${pod.metadata.uid}-${container}-${attempt}`;
    this.#tell({ type: 'started', container, attempt, containerId, address: endpoint.ip });
    this.#track(this.#waitForExit(container, attempt, started));
  }

  async #waitForExit(container: string, attempt: number, running: RunningContainer): Promise<void> {
    const exitCode = await running.process.exited;
    this.#running.delete(container);
    const lastWords = await running.lastWords();
    this.#tell({ type: 'exited', container, attempt, exitCode, ...lastWords });
  }

  #address(): Promise<Endpoint> {
    this.#endpoint ??= this.#takeAddress().catch((error: unknown) => {
      this.#endpoint = undefined;
      throw error;
    });
    return this.#endpoint;
  }

  async #takeAddress(): Promise<Endpoint> {
    const { endpoints, client } = this.#options;
    const endpoint = await endpoints.take();
    if (endpoint.port === undefined) return endpoint;
    const { name, namespace } = this.#state.pod.metadata;
    const annotations = { [ADDRESS_ANNOTATION]: `${endpoint.ip}:${endpoint.port}` };
    await client.mergePatch(pods, { name, namespace }, { metadata: { annotations } });
    return endpoint;
  }

  async #probe({ container, attempt, probe: kind }: Extract<PodAction, { type: 'probe' }>): Promise<void> {
    const spec = specOf(this.#state.pod, container);
    const probe = probeOf(spec, kind);
    if (probe === undefined) return;
    const answer = await askProbe(probe, spec, await this.#address(), this.#options.clock);
    this.#tell({ type: 'probed', container, attempt, probe: kind, ...answer });
  }

  async #play(container: string, failure: Failure): Promise<void> {
    const running = this.#running.get(container);
    if (running === undefined) return;
    const { process, runtime, folder } = running;
    switch (failure.kind) {
      case 'Hang':
        process.signal('SIGSTOP');
        break;
      case 'EngineDeath':
        if (runtime.killEngine === undefined) process.signal('SIGKILL');
        else await runtime.killEngine(folder, process);
        break;
      case 'EngineStall':
        if (runtime.stallEngine === undefined) process.signal('SIGSTOP');
        else await runtime.stallEngine(folder, process);
        break;
      case 'Crash':
      case 'OOMKilled':
        process.signal('SIGKILL');
        break;
      case 'ImagePull':
      case 'OutOfMemoryAtStart':
      case 'CrashAtStart':
      case 'SlowLoad':
        // They concern the start of a container.
        break;
    }
  }

  /** What a kubelet does last: the final status, then the object goes without a grace period. */
  async #finish(): Promise<void> {
    const { client, clock, log } = this.#options;
    const { name, namespace, uid } = this.#state.pod.metadata;
    const { signal } = this.#abandoned;
    await this.#writer.settled();
    while (!signal.aborted) {
      try {
        await client.delete(pods, { name, namespace }, { gracePeriodSeconds: 0, uid, signal });
        return;
      } catch (error) {
        if (error instanceof KubeApiError && error.isConflict) return;
        if (signal.aborted) return;
        log.warn({ pod: `${namespace}/${name}`, ...describeError(error) }, 'Pod not removed; trying again');
        await clock.sleep(DELETE_RETRY_MS, signal).catch(() => {});
      }
    }
  }
}

function specOf(pod: Pod, container: string): Container {
  const found = containersOf(pod).find((one) => one.container.name === container);
  if (found === undefined) throw new Error(`pod ${pod.metadata.name} has no container ${container}`);
  return found.container;
}
