import { ENGINE_CONTAINER } from '../../api/labels.ts';
import type { AddressOfPod } from '../../gateway/engines/pods.ts';
import type { Pod } from '../../kube/resources.ts';
import { startedForRank } from './engine-options.ts';

/** An engine that can be told something. */
export interface ReadyEngine {
  /** The pod and the start of its container: a container that starts anew has nothing loaded. */
  readonly instance: string;
  /** Name of the pod. */
  readonly name: string;
  /** Such as `http://10.0.0.7:8000`. */
  readonly origin: string;
  /** The highest rank it takes; undefined: it was started without adapters. */
  readonly startedForRank: number | undefined;
}

/** The engines that answer, by the name of their pod. */
export function readyEngines(pods: readonly Pod[], addressOf: AddressOfPod): ReadyEngine[] {
  return pods.flatMap((pod) => {
    const address = addressOf(pod);
    if (address === undefined || !isReady(pod)) return [];
    const container = pod.spec?.containers.find(({ name }) => name === ENGINE_CONTAINER);
    return [
      {
        instance: instanceOf(pod),
        name: pod.metadata.name,
        origin: `http://${address}`,
        startedForRank: startedForRank(container?.args ?? []),
      },
    ];
  });
}

/** Tells two starts of an engine apart, also of one whose container the kubelet started anew in the same pod. */
export function instanceOf(pod: Pod): string {
  const container = pod.status?.containerStatuses?.find(({ name }) => name === ENGINE_CONTAINER);
  return `${pod.metadata.name} ${pod.metadata.uid ?? ''} ${container?.restartCount ?? 0}`;
}

function isReady(pod: Pod): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}
