import { instantOf } from '../../../kube/instant.ts';
import type { Pod } from '../../../kube/resources.ts';
import { conditionsOf, isReady, phaseOf } from './conditions.ts';
import { type ContainerStatus, containersOf } from './spec.ts';
import type { ContainerState, PodState, Termination } from './state.ts';

export type PodStatus = NonNullable<Pod['status']>;

/** What `status` of the pod is to say. Contains only what a kubelet owns. */
export function renderPodStatus(state: PodState, hostIP: string): PodStatus {
  const address = state.address;
  const statuses = (init: boolean) =>
    state.containers.filter((one) => one.init === init).map((one) => containerStatus(state, one));
  const initContainerStatuses = statuses(true);
  return {
    phase: phaseOf(state),
    startTime: instantOf(state.startedAtMs),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(address !== undefined && { podIP: address, podIPs: [{ ip: address }] }),
    conditions: conditionsOf(state).map((condition) => ({
      ...condition,
      lastTransitionTime: instantOf(state.transitions[condition.type]?.atMs ?? state.startedAtMs),
    })),
    ...(initContainerStatuses.length > 0 && { initContainerStatuses }),
    containerStatuses: statuses(false),
  };
}

function containerStatus(state: PodState, container: ContainerState): ContainerStatus {
  const image =
    containersOf(state.pod).find((one) => one.container.name === container.name)?.container.image ?? '';
  const hasStarted = container.containerId !== undefined;
  return {
    name: container.name,
    image,
    imageID: hasStarted ? image : '',
    ...(hasStarted && { containerID: container.containerId }),
    restartCount: container.restartCount,
    ready: container.init ? isDone(container) : isReady(state, container),
    started: container.phase.type === 'running' && container.startupDone,
    state: currentState(container),
    ...(container.last !== undefined && { lastState: { terminated: terminated(container.last) } }),
  };
}

function currentState({ phase }: ContainerState): NonNullable<ContainerStatus['state']> {
  switch (phase.type) {
    case 'waiting': {
      const { reason, message } = phase;
      return { waiting: { reason, ...(message !== undefined && { message }) } };
    }
    case 'creating':
      return { waiting: { reason: 'ContainerCreating' } };
    case 'running':
      return { running: { startedAt: instantOf(phase.startedAtMs) } };
    case 'terminated':
      return { terminated: terminated(phase.termination) };
  }
}

function isDone({ phase }: ContainerState): boolean {
  return phase.type === 'terminated' && phase.termination.exitCode === 0;
}

function terminated({ exitCode, reason, message, startedAtMs, finishedAtMs, containerId }: Termination) {
  return {
    exitCode,
    reason,
    ...(message !== undefined && { message }),
    startedAt: instantOf(startedAtMs),
    finishedAt: instantOf(finishedAtMs),
    ...(containerId !== undefined && { containerID: containerId }),
  };
}
