import { engineContainerOf } from '../engine-container.ts';
import type { PodTemplate } from '../rollout/rolled-out.ts';

const HTTPS_PORT = 443;

/**
 * Where an engine reaches a mirror of the hub, or the proxy on the way to it. Python reads proxies in either case.
 *
 * @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables#hfendpoint
 * @see https://requests.readthedocs.io/en/latest/user/advanced/#proxies
 */
const URL_VARIABLES: ReadonlySet<string> = new Set([
  'HF_ENDPOINT',
  ...['ALL_PROXY', 'HTTPS_PROXY', 'HTTP_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
]);

/** Of schemes that may have no port in a URL. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': HTTPS_PORT,
  'socks4:': 1080,
  'socks5:': 1080,
  'socks5h:': 1080,
};

/**
 * The TCP ports that an engine of this template downloads its model from, ascending: HTTPS, and those of its mirror and
 * proxies. What a Secret says of them is not known here.
 */
export function outgoingPorts(template: PodTemplate | undefined): number[] {
  const variables = engineContainerOf(template?.spec)?.env ?? [];
  const named = variables
    .filter(({ name }) => URL_VARIABLES.has(name))
    .flatMap(({ value = '' }) => portOf(value) ?? []);
  return [...new Set([HTTPS_PORT, ...named])].toSorted((a, b) => a - b);
}

/**
 * A proxy may be written without `http://`. Undefined where no port can be read, or where `$(NAME)` stands for it; port 0
 * is none, and the API server would refuse the whole policy for it.
 */
function portOf(value: string): number | undefined {
  const url = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (url === null) return undefined;
  if (url.port !== '') return Number(url.port) || undefined;
  return url.host.includes('$') ? undefined : DEFAULT_PORTS[url.protocol];
}
