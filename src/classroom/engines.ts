import type { EngineState, EngineStatus } from '../api/classroom.ts';
import type { EngineFailureReason } from '../api/reasons.ts';
import type { Pod } from '../kube/resources.ts';
import { type ContainerStatus, engineContainerStatus } from './engine-container.ts';
import { describeFailure } from './failures/describe.ts';
import { diagnose } from './failures/diagnose.ts';
import { endSymptom, type Symptom, type Termination } from './failures/symptom.ts';
import { waitsForTurn } from './rollout/start-gate.ts';

/** Longest message of an engine in the status, in characters. */
const MESSAGE_MAX = 1024;

/**
 * Reasons for which a container waits that are steps on the way up; every other one is a failure.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go
 */
const STARTING_REASONS: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

/** What an engine does now, read from its pod alone; times in the message are points in time, so that it stays true. */
export function engineStatus(pod: Pod): EngineStatus {
  const { state, reason, message } = judge(pod);
  return {
    name: pod.metadata.name,
    state,
    ...(pod.spec?.nodeName === undefined ? {} : { node: pod.spec.nodeName }),
    ...(reason === undefined ? {} : { reason }),
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

interface Judgement {
  state: EngineState;
  reason?: EngineFailureReason;
  message?: string;
}

function judge(pod: Pod): Judgement {
  if (pod.metadata.deletionTimestamp !== undefined) return stopping(pod.metadata.deletionTimestamp);
  if (hasEnded(pod)) return ended(pod);
  if (pod.spec?.nodeName === undefined) return unscheduled(pod);
  const container = engineContainerStatus(pod);
  if (container === undefined) return { state: 'Loading', message: 'the node has not started it yet' };
  if (podCondition(pod, 'Ready')?.status === 'True') return { state: 'Ready' };
  if (container.state?.waiting !== undefined) return waiting(pod, container, container.state.waiting);
  if (container.state?.terminated !== undefined) return failing(endSymptom(pod, container.state.terminated));
  return running(pod, container);
}

function stopping(deletionTimestamp: string): Judgement {
  return { state: 'Stopping', message: `ends by ${deletionTimestamp} at the latest` };
}

/** The pod as a whole ended: evicted, preempted, or its node was lost. */
function ended(pod: Pod): Judgement {
  const { reason = '', message = '' } = pod.status ?? {};
  return failing({ kind: 'podEnded', reason, message });
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
  pod: Pod,
  container: ContainerStatus,
  { reason = 'Waiting', message = '' }: { reason?: string | undefined; message?: string | undefined },
): Judgement {
  const last = container.lastState?.terminated;
  if (STARTING_REASONS.has(reason)) {
    return loading(pod, 'the image is being pulled and the container made', last);
  }
  // Of a back-off the kubelet's own words name its length, which changes all the time, and not the cause.
  return failing(last === undefined ? { kind: 'waiting', reason, message } : endSymptom(pod, last));
}

function running(pod: Pod, container: ContainerStatus): Judgement {
  const startedAt = container.state?.running?.startedAt;
  const readyChangedAt = podCondition(pod, 'Ready')?.lastTransitionTime;
  if (container.started === true && readyChangedAt !== undefined && isAfter(readyChangedAt, startedAt)) {
    return failing({ kind: 'unhealthy', since: readyChangedAt });
  }
  const since = startedAt === undefined ? 'started' : `started at ${startedAt}`;
  return loading(pod, since, container.lastState?.terminated);
}

/** On its way up, perhaps not for the first time. */
function loading(pod: Pod, step: string, last: Termination | undefined): Judgement {
  if (last === undefined) return { state: 'Loading', message: step };
  const diagnosis = diagnose(endSymptom(pod, last));
  const message = `${step}; the start before failed: ${describeFailure(diagnosis)}`;
  return { state: 'Loading', reason: diagnosis.reason, message };
}

/** Counts and process ids are not in it, so that an engine that fails again in the same way says the same again. */
function failing(symptom: Symptom): Judgement {
  const diagnosis = diagnose(symptom);
  return { state: 'Failing', reason: diagnosis.reason, message: describeFailure(diagnosis) };
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
