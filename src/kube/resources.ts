import type {
  EventsV1Event,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1CustomResourceDefinition,
  V1Deployment,
  V1Job,
  V1Lease,
  V1Namespace,
  V1NetworkPolicy,
  V1Node,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1Role,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1StorageClass,
} from '@kubernetes/client-node';
import type { KubeObject, ObjectMeta, Resource } from './object.ts';

/**
 * client-node's generated models describe the fields; its `Date`s do not describe what JSON holds. `Wire<T>` is a
 * model as it is on the wire: dates are RFC 3339 strings, and fields named like a keyword (`_from`) have their own name.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T as K extends `_${infer Name}` ? Name : K]: Wire<T[K]> }
      : T;

type WireObject<T> = Omit<Wire<T>, 'metadata' | 'apiVersion' | 'kind'> &
  KubeObject & { metadata: ObjectMeta };

export type Pod = WireObject<V1Pod>;
export type Node = WireObject<V1Node>;
export type Namespace = WireObject<V1Namespace>;
export type Secret = WireObject<V1Secret>;
export type ConfigMap = WireObject<V1ConfigMap>;
export type Service = WireObject<V1Service>;
export type ServiceAccount = WireObject<V1ServiceAccount>;
export type PersistentVolume = WireObject<V1PersistentVolume>;
export type PersistentVolumeClaim = WireObject<V1PersistentVolumeClaim>;
export type Deployment = WireObject<V1Deployment>;
export type NetworkPolicy = WireObject<V1NetworkPolicy>;
export type PodDisruptionBudget = WireObject<V1PodDisruptionBudget>;
export type Job = WireObject<V1Job>;
export type StorageClass = WireObject<V1StorageClass>;
export type Lease = WireObject<V1Lease>;
export type Event = WireObject<EventsV1Event>;
export type Role = WireObject<V1Role>;
export type ClusterRoleBinding = WireObject<V1ClusterRoleBinding>;
export type CustomResourceDefinition = WireObject<V1CustomResourceDefinition>;

function core<T extends KubeObject>(kind: string, plural: string, namespaced = true): Resource<T> {
  return { group: '', version: 'v1', kind, plural, namespaced };
}

function grouped<T extends KubeObject>(
  group: string,
  kind: string,
  plural: string,
  namespaced = true,
): Resource<T> {
  return { group, version: 'v1', kind, plural, namespaced };
}

export const pods = core<Pod>('Pod', 'pods');
export const nodes = core<Node>('Node', 'nodes', false);
export const namespaces = core<Namespace>('Namespace', 'namespaces', false);
export const secrets = core<Secret>('Secret', 'secrets');
export const configMaps = core<ConfigMap>('ConfigMap', 'configmaps');
export const services = core<Service>('Service', 'services');
export const serviceAccounts = core<ServiceAccount>('ServiceAccount', 'serviceaccounts');
export const persistentVolumes = core<PersistentVolume>('PersistentVolume', 'persistentvolumes', false);
export const persistentVolumeClaims = core<PersistentVolumeClaim>(
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const deployments = grouped<Deployment>('apps', 'Deployment', 'deployments');
export const jobs = grouped<Job>('batch', 'Job', 'jobs');
export const networkPolicies = grouped<NetworkPolicy>(
  'networking.k8s.io',
  'NetworkPolicy',
  'networkpolicies',
);
export const podDisruptionBudgets = grouped<PodDisruptionBudget>(
  'policy',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const storageClasses = grouped<StorageClass>(
  'storage.k8s.io',
  'StorageClass',
  'storageclasses',
  false,
);
export const leases = grouped<Lease>('coordination.k8s.io', 'Lease', 'leases');
export const events = grouped<Event>('events.k8s.io', 'Event', 'events');
export const roles = grouped<Role>('rbac.authorization.k8s.io', 'Role', 'roles');
export const clusterRoleBindings = grouped<ClusterRoleBinding>(
  'rbac.authorization.k8s.io',
  'ClusterRoleBinding',
  'clusterrolebindings',
  false,
);
export const customResourceDefinitions = grouped<CustomResourceDefinition>(
  'apiextensions.k8s.io',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  false,
);
