import { join } from 'node:path';
import type { NodeDescription } from '../nodes/description.ts';

/** Which physical GPU each pod is on: what NVIDIA's device plugin decides on a real node. */
export interface GpuAssignments {
  /**
   * The folder that stands for the pod's GPU, the same for the pod's whole life. Pods on time-slices of one GPU get the
   * same: they see one memory. A MIG slice has memory of its own, so there is none for it, and none without a GPU.
   */
  folderOf(podUid: string, node: NodeDescription): string | undefined;
  /** The pod is gone. */
  release(podUid: string): void;
}

/**
 * Slices are spread over the GPUs of a node, as the plugin does by default.
 *
 * @see https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus
 * @param root where the folders are
 */
export function createGpuAssignments(root: string): GpuAssignments {
  const taken = new Map<string, { readonly node: string; readonly index: number }>();
  const podsOn = (node: string, index: number): number =>
    [...taken.values()].filter((place) => place.node === node && place.index === index).length;

  const assign = (podUid: string, node: string, count: number): number => {
    const known = taken.get(podUid);
    if (known !== undefined) return known.index;
    const indexes = Array.from({ length: count }, (_, index) => index);
    const [index = 0] = indexes.toSorted((a, b) => podsOn(node, a) - podsOn(node, b));
    taken.set(podUid, { node, index });
    return index;
  };

  return {
    folderOf(podUid, { name, gpu }) {
      if (gpu === undefined || (gpu.sharing !== 'none' && 'mig' in gpu.sharing)) return undefined;
      return join(root, name, String(assign(podUid, name, gpu.count)));
    },
    release: (podUid) => void taken.delete(podUid),
  };
}
