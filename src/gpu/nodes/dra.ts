import type { KubeObject, Resource } from '../../kube/object.ts';

/**
 * What of a ResourceSlice is read: which driver offers how many devices on which node.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
export interface ResourceSlice extends KubeObject {
  spec?: { driver?: string; nodeName?: string; devices?: readonly { name?: string }[] };
}

export const resourceSlices: Resource<ResourceSlice> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
};

/** GPUs and MIG slices of NVIDIA's driver; https://github.com/kubernetes-sigs/dra-driver-nvidia-gpu */
const GPU_DRIVER = 'gpu.nvidia.com';

/** GPUs that a node offers by dynamic resource allocation. */
export interface DraDevices {
  node: string;
  devices: number;
}

/** Reads a slice; undefined when it offers no GPU of a single node. */
export function readDraDevices({ spec }: ResourceSlice): DraDevices | undefined {
  if (spec?.driver !== GPU_DRIVER || spec.nodeName === undefined) return undefined;
  const devices = spec.devices?.length ?? 0;
  return devices === 0 ? undefined : { node: spec.nodeName, devices };
}
