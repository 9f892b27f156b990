import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS, ENGINE_PORT_NAME } from '../../api/labels.ts';
import type { NetworkPolicy } from '../../kube/resources.ts';
import type { OperatorSettings, PeerSelector } from '../../reconcile/settings.ts';
import { engineName, engineSelector, ownedMetadata } from './metadata.ts';

/** Every namespace carries its name in this label: https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name */
const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

type Peers = Pick<OperatorSettings, 'gatewayPeer' | 'operatorPeer' | 'prometheusPeer'>;

/**
 * Only the gateway, the operator and, where set, monitoring reach the engines: `/tokenize`, `/invocations` and
 * `/metrics` of vLLM ask for no key. Engines reach DNS and what they download models from, and nothing else.
 *
 * @param ports where they download from
 * @see https://docs.vllm.ai/en/latest/usage/security.html
 */
export function engineNetworkPolicy(
  classroom: Classroom,
  settings: Peers,
  ports: readonly number[],
): NetworkPolicy {
  const name = classroom.metadata.name;
  const peers = [settings.gatewayPeer, settings.operatorPeer, settings.prometheusPeer];
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMetadata(classroom, engineName(name), COMPONENTS.engine),
    spec: {
      podSelector: { matchLabels: engineSelector(name) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: peers.filter((peer) => peer !== undefined).map(networkPeer),
          ports: [{ port: ENGINE_PORT_NAME, protocol: 'TCP' }],
        },
      ],
      egress: [
        {
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ],
        },
        { ports: ports.map((port) => ({ port, protocol: 'TCP' })) },
      ],
    },
  };
}

function networkPeer(peer: PeerSelector) {
  return {
    namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: peer.namespace } },
    podSelector: { matchLabels: peer.podLabels },
  };
}
