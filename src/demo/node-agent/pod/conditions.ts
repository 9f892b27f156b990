import { probeOf } from './probes.ts';
import { containersOf, type PodCondition } from './spec.ts';
import type { ContainerState, PodState } from './state.ts';

/** Phases as a kubelet counts them (`getPhase` in https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet_pods.go). */
export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export function phaseOf(state: PodState): PodPhase {
  const init = state.containers.filter((container) => container.init);
  if (init.some((container) => exitCodeOf(container) !== 0 && exitCodeOf(container) !== undefined))
    return 'Failed';
  const main = state.containers.filter((container) => !container.init);
  const exitCodes = main.map(exitCodeOf);
  if (state.finished || exitCodes.every((code) => code !== undefined)) {
    return exitCodes.every((code) => code === 0) ? 'Succeeded' : 'Failed';
  }
  const hasRun = main.some(({ phase, last }) => phase.type === 'running' || last !== undefined);
  const neverRan = main.some(({ phase, last }) => isPending(phase) && last === undefined);
  return hasRun && !neverRan ? 'Running' : 'Pending';
}

/** A container is ready when it runs, has started up and its readiness probe, if it has one, succeeded. */
export function isReady(state: PodState, container: ContainerState): boolean {
  if (container.phase.type !== 'running' || !container.startupDone) return false;
  const spec = containersOf(state.pod).find((one) => one.container.name === container.name)?.container;
  if (spec === undefined || probeOf(spec, 'readiness') === undefined) return true;
  return container.probes.readiness?.outcome === 'success';
}

/** The conditions that a kubelet owns; the scheduler's and the eviction's are theirs. */
export function conditionsOf(
  state: PodState,
): (Pick<PodCondition, 'type' | 'reason' | 'message'> & { status: 'True' | 'False' })[] {
  const phase = phaseOf(state);
  const [uninitialised, unready] = [namesOfUninitialised(state), namesOfUnready(state)];
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const reason =
    phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : 'ContainersNotReady';
  const ready =
    unready.length === 0 && !isOver
      ? ({ status: 'True' } as const)
      : ({
          status: 'False',
          reason,
          ...(!isOver && { message: `containers with unready status: [${unready.join(' ')}]` }),
        } as const);
  return [
    { type: 'PodReadyToStartContainers', status: state.address === undefined ? 'False' : 'True' },
    uninitialised.length === 0
      ? { type: 'Initialized', status: 'True' }
      : {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${uninitialised.join(' ')}]`,
        },
    { type: 'ContainersReady', ...ready },
    { type: 'Ready', ...ready },
  ];
}

function exitCodeOf({ phase }: ContainerState): number | undefined {
  return phase.type === 'terminated' ? phase.termination.exitCode : undefined;
}

function isPending(phase: ContainerState['phase']): boolean {
  return phase.type === 'waiting' || phase.type === 'creating';
}

function namesOfUninitialised(state: PodState): string[] {
  return state.containers.filter((one) => one.init && exitCodeOf(one) !== 0).map(({ name }) => name);
}

function namesOfUnready(state: PodState): string[] {
  return state.containers.filter((one) => !one.init && !isReady(state, one)).map(({ name }) => name);
}
