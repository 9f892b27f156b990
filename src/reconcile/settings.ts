/** Pods that may reach the engine port, besides the gateway: matched by namespace and labels. */
export interface PeerSelector {
  namespace: string;
  podLabels: Record<string, string>;
}

export interface OperatorSettings {
  /** The OpenAI base URL that students get, `/v1` included. */
  gatewayBaseURL: string;
  /** Namespace the operator itself runs in. */
  operatorNamespace: string;
  /** Only this namespace is served; undefined: all. */
  watchNamespace: string | undefined;
  gatewayPeer: PeerSelector;
  operatorPeer: PeerSelector;
  /** Undefined: no monitoring is let through to the engines. */
  prometheusPeer: PeerSelector | undefined;
  /** How long nobody may have asked, so that engines count as idle and a changed spec may restart them (ms). */
  rolloutIdleMs: number;
}
