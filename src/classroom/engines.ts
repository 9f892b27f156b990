import type { EngineState, EngineStatus } from '../api/classroom.ts';
import { ENGINE_CONTAINER } from '../api/labels.ts';
import type { Pod } from '../kube/resources.ts';
import { waitsForTurn } from './rollout/start-gate.ts';

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
type Termination = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

/** Longest message of an engine in the status, in characters. */
const MESSAGE_MAX = 1024;
/** Lines of a termination message that are passed on: the cause is in vLLM's last lines. */
const TERMINATION_LINES = 6;

/**
 * Reasons for which a container waits that are steps on the way up; every other one is a failure.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go
 */
const STARTING_REASONS: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

/** What an engine does now, read from its pod alone; times in the message are points in time, so that it stays true. */
export function engineStatus(pod: Pod): EngineStatus {
  const { state, message } = judge(pod);
  return {
    name: pod.metadata.name,
    state,
    ...(pod.spec?.nodeName === undefined ? {} : { node: pod.spec.nodeName }),
    ...(message === undefined ? {} : { message: shorten(message) }),
  };
}

/** `status.engines` holds no more. */
const ENGINES_MAX = 256;

/**
 * The engines of a class. Pods that ended stay around for as long as the cluster likes; they are only told of while
 * an engine is missing, for then they may be the cause.
 */
export function engineStatuses(pods: readonly Pod[], wanted: number): EngineStatus[] {
  const alive = pods.filter((pod) => !hasEnded(pod));
  return (alive.length >= wanted ? alive : pods).slice(0, ENGINES_MAX).map(engineStatus);
}

function hasEnded(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase === 'Failed' || phase === 'Succeeded';
}

/** When the engine last began to answer; undefined when it does not answer. */
export function readySince(pod: Pod): string | undefined {
  const ready = podCondition(pod, 'Ready');
  return ready?.status === 'True' ? ready.lastTransitionTime : undefined;
}

/** Reasons of the kubelet that say no more than the exit code; `OOMKilled` does. */
const GENERIC_ENDS: ReadonlySet<string> = new Set(['Completed', 'Error']);
/** What vLLM puts before each line of its processes: `(EngineCore pid=123) `. */
const PROCESS_PREFIX = /^\(\w+ pid=\d+\)\s*/;

interface Judgement {
  state: EngineState;
  message?: string;
}

function judge(pod: Pod): Judgement {
  if (pod.metadata.deletionTimestamp !== undefined) return stopping(pod.metadata.deletionTimestamp);
  if (hasEnded(pod)) return ended(pod);
  if (pod.spec?.nodeName === undefined) return unscheduled(pod);
  const container = pod.status?.containerStatuses?.find(({ name }) => name === ENGINE_CONTAINER);
  if (container === undefined) return { state: 'Loading', message: 'the node has not started it yet' };
  if (podCondition(pod, 'Ready')?.status === 'True') return { state: 'Ready' };
  if (container.state?.waiting !== undefined) return waiting(container, container.state.waiting);
  if (container.state?.terminated !== undefined) return terminated(container.state.terminated);
  return running(pod, container);
}

function stopping(deletionTimestamp: string): Judgement {
  return { state: 'Stopping', message: `ends by ${deletionTimestamp} at the latest` };
}

/** The pod as a whole ended: evicted, preempted, or its node was lost. */
function ended(pod: Pod): Judgement {
  const { reason, message } = pod.status ?? {};
  const text = [reason, message].filter(Boolean).join(': ');
  return { state: 'Failing', message: text === '' ? 'the pod ended' : text };
}

function unscheduled(pod: Pod): Judgement {
  if (waitsForTurn(pod)) {
    return { state: 'Waiting', message: 'engines that share a GPU start one by one' };
  }
  const scheduled = podCondition(pod, 'PodScheduled');
  if (scheduled?.status !== 'False') return { state: 'Scheduling', message: 'waits for the scheduler' };
  const why = [scheduled.reason, scheduled.message].filter(Boolean).join(': ');
  return { state: 'Scheduling', message: why === '' ? 'no node takes it' : why };
}

function waiting(
  container: ContainerStatus,
  cause: { reason?: string | undefined; message?: string | undefined },
): Judgement {
  const { reason = 'Waiting', message } = cause;
  const last = container.lastState?.terminated;
  if (STARTING_REASONS.has(reason)) {
    const step = 'the image is being pulled and the container made';
    return { state: 'Loading', message: last === undefined ? step : `${step}; ${afterEnd(last)}` };
  }
  // The kubelet's own words name the back-off, which changes all the time, and not the cause.
  const detail = last === undefined ? message : describeTermination(last);
  return { state: 'Failing', message: [reason, detail].filter(Boolean).join(': ') };
}

function terminated(end: Termination): Judgement {
  return { state: 'Failing', message: describeTermination(end) };
}

function running(pod: Pod, container: ContainerStatus): Judgement {
  const startedAt = container.state?.running?.startedAt;
  const readyChangedAt = podCondition(pod, 'Ready')?.lastTransitionTime;
  if (container.started === true && isAfter(readyChangedAt, startedAt)) {
    return { state: 'Failing', message: `stopped answering its health check at ${readyChangedAt}` };
  }
  const last = container.lastState?.terminated;
  const since = startedAt === undefined ? 'started' : `started at ${startedAt}`;
  return { state: 'Loading', message: last === undefined ? since : `${since}; ${afterEnd(last)}` };
}

function afterEnd(end: Termination): string {
  return `the one before ${describeTermination(end)}`;
}

/**
 * Exit code 0 is no success: vLLM ends with it also when its engine has died. Counts and process ids are left out, so
 * that an engine that fails again in the same way says the same again.
 */
function describeTermination(end: Termination): string {
  const reason = end.reason === undefined || GENERIC_ENDS.has(end.reason) ? '' : `${end.reason}, `;
  const lines = (end.message ?? '')
    .split('\n')
    .map((line) => line.replace(PROCESS_PREFIX, '').trim())
    .filter((line) => line !== '');
  const log = lines.slice(-TERMINATION_LINES).join(' | ');
  return `ended (${reason}exit code ${end.exitCode})${log === '' ? '' : `: ${log}`}`;
}

function podCondition(pod: Pod, type: string) {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

/** Kubernetes writes these times with whole seconds; Ready turns true at the earliest one probe after the start. */
function isAfter(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && Date.parse(a) > Date.parse(b);
}

/** Keeps the end: there is the cause. */
function shorten(message: string): string {
  if (message.length <= MESSAGE_MAX) return message;
  const headLength = 200;
  return `${message.slice(0, headLength)} … ${message.slice(-(MESSAGE_MAX - headLength - 3))}`;
}
