import type {
  V1ConfigMap,
  V1Deployment,
  V1Namespace,
  V1NetworkPolicy,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1Secret,
  V1Service,
  V1ServiceAccount,
} from '@kubernetes/client-node';
import type { KubeObject, ObjectMeta, Resource } from './object.ts';

/**
 * client-node's generated models describe the fields; its `Date`s do not describe what JSON holds. `Wire<T>` is a
 * model as it is on the wire: dates are RFC 3339 strings.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
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
export type PersistentVolumeClaim = WireObject<V1PersistentVolumeClaim>;
export type Deployment = WireObject<V1Deployment>;
export type NetworkPolicy = WireObject<V1NetworkPolicy>;
export type PodDisruptionBudget = WireObject<V1PodDisruptionBudget>;

function core<T extends KubeObject>(kind: string, plural: string, namespaced = true): Resource<T> {
  return { group: '', version: 'v1', kind, plural, namespaced };
}

export const pods = core<Pod>('Pod', 'pods');
export const nodes = core<Node>('Node', 'nodes', false);
export const namespaces = core<Namespace>('Namespace', 'namespaces', false);
export const secrets = core<Secret>('Secret', 'secrets');
export const configMaps = core<ConfigMap>('ConfigMap', 'configmaps');
export const services = core<Service>('Service', 'services');
export const serviceAccounts = core<ServiceAccount>('ServiceAccount', 'serviceaccounts');
export const persistentVolumeClaims = core<PersistentVolumeClaim>(
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const deployments: Resource<Deployment> = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
export const networkPolicies: Resource<NetworkPolicy> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
};
export const podDisruptionBudgets: Resource<PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
};
