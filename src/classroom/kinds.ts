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

/** Every kind that the controller may make, and so watches and prunes. */
export function childKinds(informers: OperatorInformers): ChildKind[] {
  return [
    { resource: serviceAccounts, cache: informers.serviceAccounts },
    { resource: persistentVolumeClaims, cache: informers.persistentVolumeClaims },
    { resource: networkPolicies, cache: informers.networkPolicies },
    { resource: services, cache: informers.services },
    { resource: podDisruptionBudgets, cache: informers.podDisruptionBudgets },
    { resource: deployments, cache: informers.deployments },
  ];
}

/** `Deployment python-101-engine`, as messages and events name an object. */
export function describeChild(child: { object: KubeObject }): string {
  return `${child.object.kind} ${child.object.metadata.name}`;
}
