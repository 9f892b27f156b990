import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from './clock.ts';

/** What one TLS connection to the API server needs, and the headers of each request. */
export interface CredentialMaterial {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  /** TLS server name, where it differs from the host of the URL. */
  serverName?: string;
  /** True only where a kubeconfig says `insecure-skip-tls-verify`. */
  insecureSkipVerify?: boolean;
  headers: Record<string, string>;
}

/** Who we are and where the API server is. */
export interface Credentials {
  /** Base URL of the API server, possibly with a path. */
  readonly server: string;
  /**
   * The credentials as they are now. `fresh` is set after a 401: whatever was kept is read again.
   * Cheap enough to be called for each request.
   */
  current(options?: { fresh?: boolean }): Promise<CredentialMaterial>;
}

/** Reads one file; a missing file rejects, as `node:fs/promises` does. */
export type ReadFile = (path: string) => Promise<Buffer>;

/** Mounted by the kubelet: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
const serviceAccountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Who rotates tokens and certificates does so well before the old ones expire: a minute's delay is harmless. */
const fileMaxAgeMs = 60_000;

/** A file that is replaced under us: read again at most once a minute, or at once when `fresh`. */
export function rotatedFile(options: {
  path: string;
  readFile: ReadFile;
  clock: Clock;
}): (fresh: boolean) => Promise<Buffer> {
  let kept: { bytes: Buffer; readAtMs: number } | undefined;
  return async (fresh) => {
    const nowMs = options.clock.monotonic();
    if (kept === undefined || fresh || nowMs - kept.readAtMs >= fileMaxAgeMs) {
      kept = { bytes: await options.readFile(options.path), readAtMs: nowMs };
    }
    return kept.bytes;
  };
}

/** The bearer token in a file's bytes. */
export function bearerToken(bytes: Buffer): string {
  return `Bearer ${bytes.toString('utf8').trim()}`;
}

/**
 * The ServiceAccount of the pod we run in, without client-node.
 *
 * @param options.env needs KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, as every pod has them
 * @throws Error when those are not set: this is no pod
 */
export function inClusterCredentials(options: {
  env: Readonly<Record<string, string | undefined>>;
  readFile: ReadFile;
  clock: Clock;
}): Credentials {
  const { env, readFile, clock } = options;
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port) {
    throw new Error(
      'Not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set. Name a kubeconfig instead.',
    );
  }
  const token = rotatedFile({ path: `${serviceAccountPath}/token`, readFile, clock });
  const authority = rotatedFile({ path: `${serviceAccountPath}/ca.crt`, readFile, clock });
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async current({ fresh = false } = {}) {
      const [ca, bearer] = await Promise.all([authority(fresh), token(fresh)]);
      return { ca, headers: { authorization: bearerToken(bearer) } };
    },
  };
}

/**
 * The current context of a client-node KubeConfig: for exec plugins and auth providers, which only client-node runs.
 * Tokens and certificates are asked for again for each request; client-node keeps them until they say they expire,
 * also after a 401.
 *
 * @throws Error when the KubeConfig has no current cluster
 */
export function credentialsFromKubeConfig(kubeConfig: KubeConfig): Credentials {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) {
    throw new Error('The kubeconfig has no current context with a cluster. Choose one with --context.');
  }
  return {
    server: cluster.server,
    async current() {
      const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
      await kubeConfig.applyToHTTPSOptions(options);
      return {
        ...bytes('ca', options.ca),
        ...bytes('cert', options.cert),
        ...bytes('key', options.key),
        ...(options.servername ? { serverName: options.servername } : {}),
        ...(options.rejectUnauthorized === false ? { insecureSkipVerify: true } : {}),
        headers: plainHeaders(options),
      };
    },
  };
}

function bytes<K extends 'ca' | 'cert' | 'key'>(name: K, value: unknown): { [P in K]?: string | Buffer } {
  const entry: { [P in K]?: string | Buffer } = {};
  if (typeof value === 'string' || Buffer.isBuffer(value)) entry[name] = value;
  return entry;
}

function plainHeaders(options: { headers?: unknown; auth?: string | null }): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value;
  }
  if (options.auth) headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}
