import type { KubeObject, Resource } from '../kube/object.ts';
import {
  deployments,
  networkPolicies,
  persistentVolumeClaims,
  podDisruptionBudgets,
  serviceAccounts,
  services,
} from '../kube/resources.ts';
import type { ObjectCache, OperatorInformers } from '../reconcile/caches.ts';

/** A kind of object that a class consists of, and the cache that follows it. */
export interface ChildKind {
  resource: Resource<KubeObject>;
  cache: ObjectCache<KubeObject>;
}

/** Every kind that the controller may make, and so watches and prunes. What others stand on comes first. */
const KINDS: readonly {
  resource: Resource<KubeObject>;
  cacheIn(informers: OperatorInformers): ObjectCache<KubeObject>;
}[] = [
  { resource: serviceAccounts, cacheIn: (informers) => informers.serviceAccounts },
  { resource: persistentVolumeClaims, cacheIn: (informers) => informers.persistentVolumeClaims },
  { resource: networkPolicies, cacheIn: (informers) => informers.networkPolicies },
  { resource: services, cacheIn: (informers) => informers.services },
  { resource: podDisruptionBudgets, cacheIn: (informers) => informers.podDisruptionBudgets },
  { resource: deployments, cacheIn: (informers) => informers.deployments },
];

/** The kinds of object that a class consists of. */
export const CHILD_RESOURCES: readonly Resource<KubeObject>[] = KINDS.map(({ resource }) => resource);

/** Those kinds with their caches. */
export function childKinds(informers: OperatorInformers): ChildKind[] {
  return KINDS.map(({ resource, cacheIn }) => ({ resource, cache: cacheIn(informers) }));
}

/** `Deployment python-101-engine`, as messages and events name an object. */
export function describeChild(child: { object: KubeObject }): string {
  return `${child.object.kind} ${child.object.metadata.name}`;
}
