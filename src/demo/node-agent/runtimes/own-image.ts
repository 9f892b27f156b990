import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { onHost, withHostPaths } from '../volumes/mount.ts';
import type { ContainerStart, Runtime } from './runtime.ts';

export interface OwnImageOptions {
  /** Entry points on this machine, by the name of the bundle in the image, such as `gateway.js`. */
  readonly programs: Readonly<Record<string, string>>;
  /** Writes a kubeconfig with a token of the ServiceAccount, and gives its path. */
  kubeconfigOf(account: { namespace: string; name: string }): Promise<string>;
  /** `http://host:port` of a proxy that finds Services by their names: there is no cluster DNS. */
  readonly serviceProxy: string;
}

/** Where a kubelet puts the token: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/ */
const TOKEN_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Plays the product's own image, whose entry point is Node in the folder of the bundles: operator and gateway from this
 * checkout, and scripts as they are. What is different from a container: programs listen on the pod's address alone,
 * and find their token in a kubeconfig.
 */
export function ownImage(options: OwnImageOptions): Runtime {
  return {
    name: 'GPU Classroom',
    plays: (image) => /^([^/]+\/)?gpu-classroom\/gpu-classroom[:@]/.test(image),
    async command(start) {
      const { command, endpoint, env } = start;
      if (command !== undefined) {
        throw new Error(`exec: "${command[0]}": the node agent runs only the entry point of this image`);
      }
      if (endpoint.port !== undefined) {
        throw new Error(
          'operator and gateway need a pod address of their own, which this machine does not have',
        );
      }
      return {
        program: process.execPath,
        args: ['--disable-warning=ExperimentalWarning', ...(await argumentsOnHost(start, options.programs))],
        env: {
          ...env,
          ...serviceEnvironment(options.serviceProxy),
          ...(await tokenEnvironment(start, options)),
        },
      };
    },
  };
}

async function argumentsOnHost(
  start: ContainerStart,
  programs: OwnImageOptions['programs'],
): Promise<string[]> {
  const [bundle = '', ...args] = start.args;
  const program = programs[bundle];
  if (program === undefined) {
    if (bundle.endsWith('.js'))
      throw new Error(`Cannot find module '${bundle}': the image has no such bundle`);
    return [...start.args];
  }
  const own = args.map((text) => listeningOn(start.endpoint.ip, withHostPaths(text, start.mounts)));
  return [program, ...own, ...(await flagsOverConfig(start, args))];
}

/** `--health-address=:8080` is all addresses of the machine, which all pods share here. */
function listeningOn(ip: string, argument: string): string {
  return argument.replace(/^(--[\w-]+=):(\d+)$/, `$1${ip}:$2`);
}

const addressesSchema = z.looseObject({
  listen: z.string().optional(),
  healthAddress: z.string().optional(),
});

/** Flags win over the file of `--config`, which may say where to listen as well. */
async function flagsOverConfig(
  { endpoint, mounts }: ContainerStart,
  args: readonly string[],
): Promise<string[]> {
  const path = args.find((text) => text.startsWith('--config='))?.slice('--config='.length);
  if (path === undefined) return [];
  const file = await readFile(onHost(path, mounts) ?? path, 'utf8');
  const { listen, healthAddress } = addressesSchema.parse(parse(file));
  const flags = { listen, 'health-address': healthAddress };
  return Object.entries(flags).flatMap(([name, value]) =>
    value?.startsWith(':') === true ? [`--${name}=${endpoint.ip}${value}`] : [],
  );
}

/** The API server decides whether a pod gets a token, and mounts it then. */
async function tokenEnvironment(
  { pod, container }: ContainerStart,
  { kubeconfigOf }: OwnImageOptions,
): Promise<Record<string, string>> {
  const hasToken = (container.volumeMounts ?? []).some(({ mountPath }) => mountPath === TOKEN_FOLDER);
  if (!hasToken) return {};
  const { metadata, spec } = pod;
  const account = { namespace: metadata.namespace ?? '', name: spec?.serviceAccountName ?? 'default' };
  return { KUBECONFIG: await kubeconfigOf(account) };
}

/** https://nodejs.org/api/cli.html#node_use_env_proxy1 : addresses of pods and of the API server are reached directly. */
function serviceEnvironment(proxy: string): Record<string, string> {
  return { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, NO_PROXY: 'localhost,127.0.0.0-127.255.255.255' };
}
