/** How this machine gets to a gateway. */
export type GatewayRoute =
  /** As students do. */
  | { readonly via: 'Network'; readonly baseURL: string }
  /**
   * The name is one of a Service, which only pods can resolve: the API server passes requests on.
   *
   * @see https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
   */
  | {
      readonly via: 'APIServer';
      readonly namespace: string;
      readonly service: string;
      /** Up to and with the `/v1` of the base URL, without a slash at its end. */
      readonly path: string;
    };

/** `gateway.school.svc`, with or without the cluster's domain after it. */
const SERVICE_HOST = /^(?<service>[a-z0-9-]+)\.(?<namespace>[a-z0-9-]+)\.svc(?:\..+)?$/;

const USUAL_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * Finds the way by the address alone: whoever installed the gateway has said there whether it is for the cluster only.
 *
 * @param baseURL such as http://gateway.school.svc/v1
 */
export function routeOf(baseURL: string): GatewayRoute {
  const { protocol, hostname, port, pathname } = new URL(baseURL);
  const { service, namespace } = SERVICE_HOST.exec(hostname)?.groups ?? {};
  const path = pathname.replace(/\/$/, '');
  if (service === undefined || namespace === undefined) {
    return { via: 'Network', baseURL: baseURL.replace(/\/$/, '') };
  }
  const target = `${protocol}${service}:${port || USUAL_PORTS[protocol]}`;
  return {
    via: 'APIServer',
    namespace,
    service,
    path: `/api/v1/namespaces/${namespace}/services/${target}/proxy${path}`,
  };
}
