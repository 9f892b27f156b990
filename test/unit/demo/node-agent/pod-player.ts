import type { Failure } from '../../../../src/demo/node-agent/failures.ts';
import { step } from '../../../../src/demo/node-agent/pod/machine.ts';
import type { Container, PodSpec } from '../../../../src/demo/node-agent/pod/spec.ts';
import {
  initialPodState,
  KUBELET_PACE,
  type PodAction,
  type PodEvent,
  type PodState,
} from '../../../../src/demo/node-agent/pod/state.ts';
import { type PodStatus, renderPodStatus } from '../../../../src/demo/node-agent/pod/status.ts';
import type { Pod } from '../../../../src/kube/resources.ts';

export const START_MS = Date.parse('2026-09-01T09:00:00Z');

export interface PodOptions {
  readonly container?: Partial<Container>;
  readonly spec?: Partial<PodSpec>;
  readonly status?: PodStatus;
}

/** A pod with one container `vllm`, bound to node `a10`. */
export function podOf({ container, spec, status }: PodOptions = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'engine', namespace: 'class', uid: 'uid-1' },
    spec: {
      nodeName: 'a10',
      containers: [
        {
          name: 'vllm',
          image: 'vllm/vllm-openai:v0.32.0',
          terminationMessagePolicy: 'FallbackToLogsOnError',
          ...container,
        },
      ],
      ...spec,
    },
    ...(status !== undefined && { status }),
  };
}

/** Leads a pod through its life by hand: the test says what happens, and time passes only when it says so. */
export class PodPlayer {
  #state: PodState;
  #nowMs = START_MS;
  #wakeAtMs: number | undefined;
  readonly #actions: PodAction[] = [];

  constructor(pod: Pod) {
    this.#state = initialPodState(pod, KUBELET_PACE, this.#nowMs);
    this.tell({ type: 'podChanged', pod });
  }

  get status(): PodStatus {
    return renderPodStatus(this.#state, '127.244.0.1');
  }

  /** `Running`, `CrashLoopBackOff`, `Completed` …: what kubectl shows of the container. */
  get shown(): string {
    const state = this.status.containerStatuses?.[0]?.state;
    return state?.waiting?.reason ?? state?.terminated?.reason ?? (state?.running ? 'Running' : '');
  }

  get isReady(): boolean {
    return this.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  }

  get secondsPassed(): number {
    return (this.#nowMs - START_MS) / 1000;
  }

  /** Seconds until the machine wants to be woken, or undefined when it waits for events only. */
  get wakesInSeconds(): number | undefined {
    return this.#wakeAtMs === undefined ? undefined : (this.#wakeAtMs - this.#nowMs) / 1000;
  }

  /** What was asked for since the last call, without the events for people. */
  takeActions(): PodAction[] {
    return this.#actions.splice(0).filter(({ type }) => type !== 'event');
  }

  takeEvents(): string[] {
    return this.#actions.splice(0).flatMap((action) => (action.type === 'event' ? [action.message] : []));
  }

  tell(event: PodEvent): this {
    const { state, actions, wakeAtMs } = step(this.#state, event, this.#nowMs);
    this.#state = state;
    this.#actions.push(...actions);
    this.#wakeAtMs = wakeAtMs;
    return this;
  }

  /** Lets time pass, waking the machine whenever it asks for it. */
  pass(seconds: number): this {
    const endMs = this.#nowMs + seconds * 1000;
    while (this.#wakeAtMs !== undefined && this.#wakeAtMs <= endMs) {
      this.#nowMs = Math.max(this.#nowMs, this.#wakeAtMs);
      const before = this.#wakeAtMs;
      this.tell({ type: 'tick' });
      if (this.#wakeAtMs !== undefined && this.#wakeAtMs <= before)
        throw new Error('the machine does not move on');
    }
    this.#nowMs = endMs;
    return this;
  }

  started(container = 'vllm'): this {
    const attempt = this.#attempt(container);
    return this.tell({
      type: 'started',
      container,
      attempt,
      containerId: `demo://${attempt}`,
      address: '127.244.0.2',
    });
  }

  notStarted(
    reason: 'ErrImagePull' | 'CreateContainerConfigError' | 'RunContainerError',
    message: string,
    container = 'vllm',
  ): this {
    return this.tell({ type: 'notStarted', container, attempt: this.#attempt(container), reason, message });
  }

  exited(exitCode: number, output = '', container = 'vllm', terminationLog = ''): this {
    const attempt = this.#attempt(container);
    return this.tell({ type: 'exited', container, attempt, exitCode, terminationLog, output });
  }

  probed(probe: 'startup' | 'readiness' | 'liveness', success: boolean, container = 'vllm'): this {
    const message = success ? 'status 200' : 'HTTP probe failed with statuscode: 503';
    return this.tell({
      type: 'probed',
      container,
      attempt: this.#attempt(container),
      probe,
      success,
      message,
    });
  }

  play(failure: Failure | undefined): this {
    return this.tell({ type: 'failureSet', failure });
  }

  /** The pod object is deleted, with the grace period that its spec asks for. */
  deleted(graceSeconds = this.#state.pod.spec?.terminationGracePeriodSeconds ?? 30): this {
    const { pod } = this.#state;
    const deletionTimestamp = new Date(this.#nowMs + graceSeconds * 1000).toISOString();
    const metadata = { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: graceSeconds };
    return this.tell({ type: 'podChanged', pod: { ...pod, metadata } });
  }

  #attempt(container: string): number {
    return this.#state.containers.find(({ name }) => name === container)?.attempt ?? 0;
  }
}
