import { ENGINE_CONTAINER } from '../api/labels.ts';
import type { Pod } from '../kube/resources.ts';

export type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** The container that vLLM runs in, as it is or was asked for. */
export function engineContainerOf(spec: Pod['spec']) {
  return spec?.containers.find(({ name }) => name === ENGINE_CONTAINER);
}

/** What the kubelet says of the container that vLLM runs in. */
export function engineContainerStatus({ status }: Pick<Pod, 'status'>): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === ENGINE_CONTAINER);
}

/** Image and arguments of the engine: what it was told of memory is in there. */
export function engineCommand(
  pod: Pick<Pod, 'spec'>,
): { image: string; args: readonly string[] } | undefined {
  const container = engineContainerOf(pod.spec);
  if (container === undefined) return undefined;
  return { image: container.image ?? '', args: container.args ?? [] };
}

/** Tells two starts of an engine apart, also of one whose container the kubelet started anew in the same pod. */
export function instanceOf(pod: Pod): string {
  const { name, uid = '' } = pod.metadata;
  return `${name} ${uid} ${engineContainerStatus(pod)?.restartCount ?? 0}`;
}

/**
 * Whether students may have something running on this engine. Being out of its readiness for a moment does not count
 * against it: it may be busy, and its liveness probe ends it when it is not.
 */
export function serves(pod: Pick<Pod, 'status'>): boolean {
  const container = engineContainerStatus(pod);
  return container?.started === true && container.state?.running !== undefined;
}
