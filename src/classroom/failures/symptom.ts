import { ENGINE_CONTAINER } from '../../api/labels.ts';
import type { Pod } from '../../kube/resources.ts';

export type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
export type Termination = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

/** What the API server knows of an engine that does not work. */
export type Symptom =
  /** The container cannot be made or started. */
  | { kind: 'waiting'; reason: string; message: string }
  /** The container ended. */
  | { kind: 'ended'; end: Termination; startupSeconds: number | undefined }
  /** The pod as a whole ended. */
  | { kind: 'podEnded'; reason: string; message: string }
  /** The container runs and no longer answers its health check. */
  | { kind: 'unhealthy'; since: string };

/** The status of the container that vLLM runs in. */
export function engineContainerStatus(pod: Pod): ContainerStatus | undefined {
  return pod.status?.containerStatuses?.find(({ name }) => name === ENGINE_CONTAINER);
}

/** The container that vLLM runs in, as it is or was asked for. */
export function engineContainerOf(spec: Pod['spec']) {
  return spec?.containers.find(({ name }) => name === ENGINE_CONTAINER);
}

/** How the container of an engine ended last; undefined while it has not. */
export function lastTermination(pod: Pod): Termination | undefined {
  const container = engineContainerStatus(pod);
  return container?.state?.terminated ?? container?.lastState?.terminated;
}

/** How long the startup probe of an engine lets it load, in seconds; undefined: it has none. */
export function startupSeconds({ spec }: Pick<Pod, 'spec'>): number | undefined {
  const probe = engineContainerOf(spec)?.startupProbe;
  return probe === undefined ? undefined : (probe.periodSeconds ?? 10) * (probe.failureThreshold ?? 3);
}

/** The symptom of an end in this pod. */
export function endSymptom(pod: Pod, end: Termination): Symptom {
  return { kind: 'ended', end, startupSeconds: startupSeconds(pod) };
}
