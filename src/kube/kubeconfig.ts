import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import {
  bearerToken,
  type CredentialMaterial,
  type Credentials,
  credentialsFromKubeConfig,
  inClusterCredentials,
  type ReadFile,
  rotatedFile,
} from './credentials.ts';

/** The fields of https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ that we act on. */
const clusterSchema = z.object({
  server: z.string(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});
const userSchema = z.object({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
});
const contextSchema = z.object({
  cluster: z.string(),
  user: z.string().optional(),
  namespace: z.string().optional(),
});
const kubeconfigSchema = z.object({
  'current-context': z.string().nullish(),
  clusters: z.array(z.object({ name: z.string(), cluster: clusterSchema })).nullish(),
  users: z.array(z.object({ name: z.string(), user: userSchema.nullish() })).nullish(),
  contexts: z.array(z.object({ name: z.string(), context: contextSchema })).nullish(),
});

type Cluster = z.infer<typeof clusterSchema>;
type User = z.infer<typeof userSchema>;

/** One context of a kubeconfig: how to reach the API server, and the namespace that commands default to. */
export interface KubeContext {
  name: string;
  namespace: string;
  credentials: Credentials;
}

export interface KubeconfigOptions {
  readFile: ReadFile;
  clock: Clock;
  /** Default: the file's current context. */
  context?: string;
}

/**
 * Reads a kubeconfig without client-node. Only users with an exec plugin or an auth provider load it.
 *
 * @throws Error that names the file and what is wrong with it
 */
export async function loadKubeconfig(path: string, options: KubeconfigOptions): Promise<KubeContext> {
  const text = (await options.readFile(path)).toString('utf8');
  const parsed = kubeconfigSchema.safeParse(parse(text));
  if (!parsed.success) throw new Error(`${path} is not a kubeconfig: ${z.prettifyError(parsed.error)}`);
  const file = parsed.data;

  const name = options.context ?? file['current-context'];
  if (!name) throw new Error(`${path} has no current context. Choose one with --context.`);
  const context = file.contexts?.find((entry) => entry.name === name)?.context;
  if (context === undefined) throw new Error(`${path} has no context "${name}".`);
  const cluster = file.clusters?.find((entry) => entry.name === context.cluster)?.cluster;
  if (cluster === undefined) throw new Error(`${path} has no cluster "${context.cluster}".`);
  const user = file.users?.find((entry) => entry.name === context.user)?.user ?? {};

  const needsClientNode = user.exec != null || user['auth-provider'] != null;
  return {
    name,
    namespace: context.namespace ?? 'default',
    credentials: needsClientNode
      ? await clientNodeCredentials(path, name)
      : fileCredentials({ cluster, user, folder: dirname(resolve(path)), options }),
  };
}

/** The credentials of {@link loadKubeconfig} alone. */
export async function kubeconfigFileCredentials(
  path: string,
  options: KubeconfigOptions,
): Promise<Credentials> {
  return (await loadKubeconfig(path, options)).credentials;
}

/**
 * Credentials as kubectl finds them: the named kubeconfig, else `KUBECONFIG`, else the pod's ServiceAccount, else
 * `~/.kube/config`. Of several files in `KUBECONFIG` client-node makes one, as kubectl does.
 */
export async function defaultKubeContext(
  options: KubeconfigOptions & {
    env: Readonly<Record<string, string | undefined>>;
    kubeconfig?: string | undefined;
  },
): Promise<KubeContext> {
  const { env, readFile, clock } = options;
  const path = options.kubeconfig ?? env.KUBECONFIG;
  if (path?.includes(':')) return mergedKubeContext(options.context);
  if (path) return loadKubeconfig(path, options);
  // Who names a context means a file, also in a pod.
  if (env.KUBERNETES_SERVICE_HOST && options.context === undefined) {
    const namespace = await readFile('/var/run/secrets/kubernetes.io/serviceaccount/namespace').then(
      (text) => text.toString('utf8').trim(),
      () => 'default',
    );
    return { name: 'in-cluster', namespace, credentials: inClusterCredentials({ env, readFile, clock }) };
  }
  return loadKubeconfig(`${env.HOME ?? homedir()}/.kube/config`, options);
}

/** The contexts of all kubeconfigs that are looked at; of a file that is missing or broken, none. */
export async function kubeconfigContexts(options: {
  readFile: ReadFile;
  env: Readonly<Record<string, string | undefined>>;
  kubeconfig?: string | undefined;
}): Promise<string[]> {
  const { env, readFile, kubeconfig } = options;
  const paths = kubeconfig === undefined ? kubeconfigPaths(env) : [kubeconfig];
  const names = await Promise.all(
    paths.map(async (path) => {
      const content = await readFile(path)
        .then((bytes): unknown => parse(bytes.toString('utf8')))
        .catch(() => undefined);
      const file = kubeconfigSchema.safeParse(content).data;
      return (file?.contexts ?? []).map(({ name }) => name);
    }),
  );
  return [...new Set(names.flat())];
}

function kubeconfigPaths(env: Readonly<Record<string, string | undefined>>): string[] {
  const named = (env.KUBECONFIG ?? '').split(':').filter((path) => path !== '');
  return named.length > 0 ? named : [`${env.HOME ?? homedir()}/.kube/config`];
}

async function clientNodeCredentials(path: string, context: string): Promise<Credentials> {
  const { KubeConfig } = await import('./client-node-kubeconfig.ts');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(path);
  kubeConfig.setCurrentContext(context);
  return credentialsFromKubeConfig(kubeConfig);
}

async function mergedKubeContext(context: string | undefined): Promise<KubeContext> {
  const { KubeConfig } = await import('./client-node-kubeconfig.ts');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  if (context !== undefined) kubeConfig.setCurrentContext(context);
  return {
    name: kubeConfig.getCurrentContext(),
    namespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? 'default',
    credentials: credentialsFromKubeConfig(kubeConfig),
  };
}

/** What the file holds is kept; files it names are read again as they may be rotated. */
function fileCredentials(input: {
  cluster: Cluster;
  user: User;
  folder: string;
  options: KubeconfigOptions;
}): Credentials {
  const { cluster, user, folder, options } = input;
  if (cluster['proxy-url']) {
    throw new Error('The kubeconfig names a proxy-url, which is not supported. Use a context without one.');
  }
  const file = (path: string): ((fresh: boolean) => Promise<Buffer>) =>
    rotatedFile({ ...options, path: resolve(folder, path) });
  const material = (data: string | undefined, path: string | undefined) => {
    if (data === undefined) return path === undefined ? undefined : file(path);
    const bytes = Buffer.from(data, 'base64');
    return () => Promise.resolve(bytes);
  };
  const authority = material(cluster['certificate-authority-data'], cluster['certificate-authority']);
  const certificate = material(user['client-certificate-data'], user['client-certificate']);
  const privateKey = material(user['client-key-data'], user['client-key']);
  const token = user.tokenFile === undefined ? undefined : file(user.tokenFile);

  return {
    server: cluster.server,
    async current({ fresh = false } = {}) {
      const [ca, cert, key, fileToken] = await Promise.all([
        authority?.(fresh),
        certificate?.(fresh),
        privateKey?.(fresh),
        token?.(fresh),
      ]);
      const result: CredentialMaterial = { headers: authorization(user, fileToken) };
      if (ca !== undefined) result.ca = ca;
      if (cert !== undefined) result.cert = cert;
      if (key !== undefined) result.key = key;
      if (cluster['tls-server-name']) result.serverName = cluster['tls-server-name'];
      if (cluster['insecure-skip-tls-verify']) result.insecureSkipVerify = true;
      return result;
    },
  };
}

/** `tokenFile` wins over `token`, as in client-go. */
function authorization(user: User, fileToken: Buffer | undefined): Record<string, string> {
  if (fileToken !== undefined) return { authorization: bearerToken(fileToken) };
  if (user.token) return { authorization: `Bearer ${user.token}` };
  if (user.username !== undefined) {
    const pair = Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
    return { authorization: `Basic ${pair}` };
  }
  return {};
}
