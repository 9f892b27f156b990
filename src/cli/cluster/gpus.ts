import { readDraDevices, resourceSlices } from '../../gpu/nodes/dra.ts';
import { readGpuNode } from '../../gpu/nodes/gpu-node.ts';
import { type GpuPod, readGpuPod } from '../../gpu/nodes/gpu-pod.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { KubeApiError } from '../../kube/errors.ts';
import { nodes, type Pod, pods } from '../../kube/resources.ts';
import type { Cluster } from './command.ts';
import { listAll } from './list.ts';

/**
 * The GPUs of the cluster as the operator sees them, as far as who asks may look: trainers may not always read nodes,
 * and of pods only those of their own namespace.
 */
export async function observeGpus({
  client,
  namespace,
}: Pick<Cluster, 'client' | 'namespace'>): Promise<GpuObservation> {
  const found = await unlessRefused(listAll(client, nodes));
  if (found === undefined) return { kind: 'Unknown', why: 'NotAllowed' };
  const gpuNodes = found
    .flatMap((node) => readGpuNode(node) ?? [])
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  const [slices, all] = await Promise.all([
    unlessRefused(listAll(client, resourceSlices)),
    unlessRefused(listAll(client, pods)),
  ]);
  const seen = all ?? (await unlessRefused(listAll(client, pods, { namespace }))) ?? [];
  return {
    kind: 'Known',
    nodes: gpuNodes,
    pods: gpuPodsOf(seen),
    dra: slices?.flatMap((slice) => readDraDevices(slice) ?? []) ?? [],
    seesAllPods: all !== undefined,
  };
}

function gpuPodsOf(all: readonly Pod[]): GpuPod[] {
  return all.flatMap((pod) => readGpuPod(pod) ?? []);
}

/** Clusters before 1.34 do not have the kind that DRA drivers write. */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KubeApiError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}
