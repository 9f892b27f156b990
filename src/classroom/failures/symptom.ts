import type { Pod } from '../../kube/resources.ts';
import { type ContainerStatus, engineContainerOf, engineContainerStatus } from '../engine-container.ts';

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
