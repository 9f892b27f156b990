import { LABELS } from '../../api/labels.ts';
import { parseQuantity } from '../../kube/quantity.ts';
import type { Pod } from '../../kube/resources.ts';
import { isFollowedResource } from './gpu-slots.ts';

/** A pod that holds GPUs of a node, until it has ended. */
export interface GpuPod {
  namespace: string;
  name: string;
  node: string;
  /** Name of the class that it is an engine of, in its own namespace. */
  classroom: string | undefined;
  /** It is being deleted; it holds what it has until it is gone. */
  terminating: boolean;
  /** Units held, by resource name; never empty. */
  requests: Readonly<Record<string, number>>;
}

/** Reads a pod; undefined when it holds no GPU: it asks for none, has no node yet, or has ended. */
export function readGpuPod(pod: Pod): GpuPod | undefined {
  const node = pod.spec?.nodeName;
  const phase = pod.status?.phase;
  if (node === undefined || phase === 'Succeeded' || phase === 'Failed') return undefined;
  const requests = requestedGpus(pod);
  if (Object.keys(requests).length === 0) return undefined;
  return {
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    node,
    classroom: pod.metadata.labels?.[LABELS.classroom],
    terminating: pod.metadata.deletionTimestamp !== undefined,
    requests,
  };
}

type Container = NonNullable<Pod['spec']>['containers'][number];

/**
 * What the scheduler counts: all containers together, or, where it is more, what one init container needs beside the
 * sidecars that were started before it.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
 */
function requestedGpus({ spec }: Pod): Record<string, number> {
  const containers = spec?.containers ?? [];
  const initContainers = spec?.initContainers ?? [];
  const names = new Set([...containers, ...initContainers].flatMap(gpuResourceNames));
  const counted = [...names].sort().map((name): [string, number] => {
    let sidecars = 0;
    let starting = 0;
    for (const container of initContainers) {
      const needed = unitsOf(container, name);
      if (container.restartPolicy === 'Always') sidecars += needed;
      starting = Math.max(starting, sidecars + (container.restartPolicy === 'Always' ? 0 : needed));
    }
    const running = sidecars + containers.reduce((sum, container) => sum + unitsOf(container, name), 0);
    return [name, Math.max(starting, running)];
  });
  return Object.fromEntries(counted.filter(([, units]) => units > 0));
}

function gpuResourceNames({ resources }: Container): string[] {
  return Object.keys({ ...resources?.limits, ...resources?.requests }).filter(isFollowedResource);
}

/** Of an extended resource, request and limit are the same. */
function unitsOf({ resources }: Container, name: string): number {
  return parseQuantity(resources?.requests?.[name] ?? resources?.limits?.[name]) ?? 0;
}
