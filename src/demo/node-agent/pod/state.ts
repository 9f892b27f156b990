import type { Pod } from '../../../kube/resources.ts';
import type { Failure } from '../failures.ts';
import type { BackOff, BackOffRange } from './back-off.ts';
import type { ProbeKind, ProbeState } from './probes.ts';
import { type ContainerStatus, containersOf, restarts } from './spec.ts';

/** How a container ended. */
export interface Termination {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly containerId?: string;
}

export type ContainerPhase =
  | {
      readonly type: 'waiting';
      readonly reason: string;
      readonly message?: string;
      /** When to try (again); Infinity: not before something else has happened. */
      readonly retryAtMs: number;
      /** What it is called from a later time on: ErrImagePull becomes ImagePullBackOff. */
      readonly later?: { readonly atMs: number; readonly reason: string; readonly message: string };
    }
  /** The shell has been asked to start it. */
  | { readonly type: 'creating' }
  | { readonly type: 'running'; readonly startedAtMs: number }
  | { readonly type: 'terminated'; readonly termination: Termination };

/** A running container that is being ended. */
export interface StopState {
  readonly termAtMs: number;
  readonly killAtMs: number;
  readonly termSent: boolean;
  readonly killSent: boolean;
}

export interface ContainerState {
  readonly name: string;
  readonly init: boolean;
  readonly phase: ContainerPhase;
  readonly last?: Termination;
  readonly restartCount: number;
  /** Number of the latest start; answers to earlier ones are stale. 0: never tried. */
  readonly attempt: number;
  readonly containerId?: string;
  readonly restartBackOff?: BackOff;
  readonly pullBackOff?: BackOff;
  readonly probes: Partial<Record<ProbeKind, ProbeState>>;
  readonly startupDone: boolean;
  readonly stop?: StopState;
  /** The failure played on the latest start. */
  readonly played?: Failure;
}

/** Factors and delays of the agent; a demo makes them shorter than a kubelet's. */
export interface Pace {
  /** Factor on the times of probes. */
  readonly probes: number;
  readonly restartBackOff: BackOffRange;
  readonly pullBackOff: BackOffRange;
  /** How long ErrImagePull is shown before it becomes ImagePullBackOff. */
  readonly pullErrorShownMs: number;
  /** How long to wait before a container with a bad configuration is tried again. */
  readonly configRetryMs: number;
}

/** A kubelet's own figures. */
export const KUBELET_PACE: Pace = {
  probes: 1,
  restartBackOff: { initialMs: 10_000, maxMs: 300_000 },
  pullBackOff: { initialMs: 10_000, maxMs: 300_000 },
  pullErrorShownMs: 1000,
  configRetryMs: 10_000,
};

/** All that the agent knows about one pod. Plain data: {@link step} makes the next one. */
export interface PodState {
  readonly pod: Pod;
  readonly pace: Pace;
  readonly startedAtMs: number;
  /** Undefined until the first container has started. */
  readonly address?: string;
  readonly containers: readonly ContainerState[];
  /** What is to be played on this pod, and how often it has been. */
  readonly failure?: Failure;
  readonly failuresPlayed: number;
  /** When each condition last changed, and to what. */
  readonly transitions: Readonly<Record<string, { readonly status: string; readonly atMs: number }>>;
  /** The shell has been asked to remove the pod object. */
  readonly finished: boolean;
}

export type PodEvent =
  | { readonly type: 'podChanged'; readonly pod: Pod }
  | { readonly type: 'failureSet'; readonly failure: Failure | undefined }
  | {
      readonly type: 'started';
      readonly container: string;
      readonly attempt: number;
      readonly containerId: string;
      /** The pod's address; the same for all its containers. */
      readonly address: string;
    }
  | {
      readonly type: 'notStarted';
      readonly container: string;
      readonly attempt: number;
      readonly reason: 'ErrImagePull' | 'CreateContainerConfigError' | 'RunContainerError';
      readonly message: string;
    }
  | {
      readonly type: 'exited';
      readonly container: string;
      readonly attempt: number;
      /** 128 + the signal's number for a process that a signal ended. */
      readonly exitCode: number;
      /** The end of what it wrote to its termination log. */
      readonly terminationLog: string;
      /** The end of the container's output. */
      readonly output: string;
    }
  | {
      readonly type: 'probed';
      readonly container: string;
      readonly attempt: number;
      readonly probe: ProbeKind;
      readonly success: boolean;
      readonly message: string;
    }
  /** Time has passed. */
  | { readonly type: 'tick' };

export type PodAction =
  /** Start a container; answer: `started` or `notStarted`, later `exited`. */
  | {
      readonly type: 'start';
      readonly container: string;
      readonly attempt: number;
      readonly failure?: Failure;
    }
  | { readonly type: 'signal'; readonly container: string; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'playFailure'; readonly container: string; readonly failure: Failure }
  /** Ask a probe; answer: `probed`. */
  | {
      readonly type: 'probe';
      readonly container: string;
      readonly attempt: number;
      readonly probe: ProbeKind;
    }
  /** Tell people what happened, as a kubelet's event does. */
  | {
      readonly type: 'event';
      readonly kind: 'Normal' | 'Warning';
      readonly reason: string;
      readonly message: string;
    }
  /** Everything has ended: write the last status, then remove the object. */
  | { readonly type: 'finish' };

/** What a pod that the agent sees for the first time begins with; its status tells what an earlier agent did. */
export function initialPodState(pod: Pod, pace: Pace, nowMs: number): PodState {
  const { status } = pod;
  const before = new Map(
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map((one) => [
      one.name,
      one,
    ]),
  );
  return {
    pod,
    pace,
    startedAtMs: timeOr(status?.startTime, nowMs),
    containers: containersOf(pod).map(({ container, init }) =>
      initialContainerState(pod, container.name, init, before.get(container.name), nowMs),
    ),
    failuresPlayed: 0,
    transitions: Object.fromEntries(
      (status?.conditions ?? []).map(({ type, status: value, lastTransitionTime }) => [
        type,
        { status: value, atMs: timeOr(lastTransitionTime, nowMs) },
      ]),
    ),
    finished: false,
  };
}

function initialContainerState(
  pod: Pod,
  name: string,
  init: boolean,
  before: ContainerStatus | undefined,
  nowMs: number,
): ContainerState {
  const ended = endedBefore(before, nowMs);
  const isOver = ended !== undefined && !restarts(pod, init, ended.exitCode);
  return {
    name,
    init,
    phase: isOver
      ? { type: 'terminated', termination: ended }
      : { type: 'waiting', reason: 'ContainerCreating', retryAtMs: nowMs },
    last: isOver ? undefined : ended,
    restartCount: before?.restartCount ?? 0,
    attempt: 0,
    probes: {},
    startupDone: false,
  };
}

/**
 * How a container of an earlier agent ended. One that ran is gone with that agent, as on a node that was switched
 * off: exit code 255, what container runtimes say of a container they cannot account for.
 */
function endedBefore(before: ContainerStatus | undefined, nowMs: number): Termination | undefined {
  const running = before?.state?.running;
  if (running !== undefined) {
    return {
      exitCode: 255,
      reason: 'Unknown',
      message: 'the node went away while the container ran',
      startedAtMs: timeOr(running.startedAt, nowMs),
      finishedAtMs: nowMs,
      containerId: before?.containerID,
    };
  }
  const ended = before?.state?.terminated ?? before?.lastState?.terminated;
  return (
    ended && {
      exitCode: ended.exitCode,
      reason: ended.reason ?? 'Unknown',
      message: ended.message,
      startedAtMs: timeOr(ended.startedAt, nowMs),
      finishedAtMs: timeOr(ended.finishedAt, nowMs),
      containerId: ended.containerID,
    }
  );
}

function timeOr(time: string | undefined, otherwiseMs: number): number {
  return time === undefined ? otherwiseMs : Date.parse(time);
}
