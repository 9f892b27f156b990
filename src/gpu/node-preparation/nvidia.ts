/**
 * Strings of NVIDIA's GPU operator, device plugin and MIG manager that preparing a node writes or reads, besides the
 * labels in `../nodes/gpu-labels.ts`.
 *
 * @see https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-mig.html
 * @see https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-sharing.html
 */

/** Node label, `true` where the MIG manager runs and acts on `nvidia.com/mig.config`. */
export const MIG_MANAGER_LABEL = 'nvidia.com/gpu.deploy.mig-manager';

/** Layouts that every MIG manager knows. */
export const MIG_DISABLED = 'all-disabled';
export const MIG_BALANCED = 'all-balanced';

export const MIG_RESOURCE_PREFIX = 'nvidia.com/mig-';

/** Where NVIDIA's documentation puts the operator, and the one ClusterPolicy there may be. */
export const GPU_OPERATOR_NAMESPACE = 'gpu-operator';
export const CLUSTER_POLICY = 'clusterpolicies.nvidia.com/cluster-policy';
