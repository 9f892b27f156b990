import type { NetworkPolicy, Pod } from '../../src/kube/resources.ts';

/**
 * Who may connect to a pod, as NetworkPolicies say it: the rules of the API, for the fields that our policies use.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
 */

/** A pod that connects, by its own labels and those of its namespace. */
export interface Source {
  namespace: string;
  namespaceLabels: Record<string, string>;
  podLabels: Record<string, string>;
}

/**
 * Whether `source` may open a TCP connection to the port of the pod. A pod that no policy for incoming connections
 * selects lets everybody in; one that is selected lets in whom any rule of any such policy allows.
 *
 * @param target a pod with its namespace and labels
 */
export function mayConnect(
  policies: readonly NetworkPolicy[],
  source: Source,
  target: Pod,
  port: number,
): boolean {
  const selecting = policies.filter((policy) => isIsolating(policy, target));
  if (selecting.length === 0) return true;
  return selecting.some((policy) =>
    (policy.spec?.ingress ?? []).some(
      ({ from, ports }) => allowsPort(ports, target, port) && allowsSource(from, source, policy),
    ),
  );
}

type Rule = NonNullable<NonNullable<NetworkPolicy['spec']>['ingress']>[number];
type Selector = { matchLabels?: Record<string, string>; matchExpressions?: unknown[] } | undefined;

function isIsolating({ metadata, spec }: NetworkPolicy, target: Pod): boolean {
  return (
    metadata.namespace === target.metadata.namespace &&
    (spec?.policyTypes ?? ['Ingress']).includes('Ingress') &&
    selects(spec?.podSelector, target.metadata.labels ?? {})
  );
}

/** No list, or an empty one, means every port; a name means the port of that name of the pod. */
function allowsPort(ports: Rule['ports'], target: Pod, port: number): boolean {
  if (ports === undefined || ports.length === 0) return true;
  return ports.some(({ port: allowed, protocol = 'TCP', endPort }) => {
    if (endPort !== undefined) throw new Error('ranges of ports are not played');
    return protocol === 'TCP' && numberOf(allowed, target) === port;
  });
}

function numberOf(port: unknown, target: Pod): number | undefined {
  if (typeof port !== 'string') return typeof port === 'number' ? port : undefined;
  const named = target.spec?.containers.flatMap((container) => container.ports ?? []);
  return named?.find(({ name }) => name === port)?.containerPort;
}

/** No list, or an empty one, means everybody. Both selectors of a peer must fit; without one for namespaces: its own. */
function allowsSource(from: Rule['from'], source: Source, policy: NetworkPolicy): boolean {
  if (from === undefined || from.length === 0) return true;
  return from.some(({ namespaceSelector, podSelector, ipBlock }) => {
    if (ipBlock !== undefined) throw new Error('blocks of addresses are not played');
    const isNamespace =
      namespaceSelector === undefined
        ? source.namespace === policy.metadata.namespace
        : selects(namespaceSelector, source.namespaceLabels);
    return isNamespace && (podSelector === undefined || selects(podSelector, source.podLabels));
  });
}

/** An empty selector selects all. */
function selects(selector: Selector, labels: Record<string, string>): boolean {
  if ((selector?.matchExpressions ?? []).length > 0) throw new Error('matchExpressions are not played');
  return Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}
