import type { KubeClient } from '../../kube/client.ts';
import type { Credentials } from '../../kube/credentials.ts';
import { createKubeClient } from '../../kube/kube-client.ts';
import { defaultKubeContext, type KubeContext } from '../../kube/kubeconfig.ts';
import { VERSION } from '../../observability/version.ts';
import type { Machine } from '../machine.ts';
import { problems } from '../problems.ts';
import type { ConnectionFlags } from './flags.ts';

/** A cluster as the flags and the kubeconfig name it. Nothing has been asked of it yet. */
export interface Connection {
  readonly client: KubeClient;
  /** Of the context, for messages. */
  readonly contextName: string;
  /** URL of the API server, for messages. */
  readonly server: string;
  /** Of `-n`, else of the context. */
  readonly namespace: string;
}

/**
 * Finds the cluster that is meant, as kubectl does. client-node is loaded only for kubeconfigs with plugins.
 *
 * @throws CliError when no kubeconfig can be used
 */
export async function connect(
  flags: ConnectionFlags,
  machine: Pick<Machine, 'env' | 'clock' | 'readFile'>,
): Promise<Connection> {
  const context = await kubeContext(flags, machine);
  const { credentials } = context;
  const client = createKubeClient({
    credentials: flags.as === undefined ? credentials : actingAs(flags.as, credentials),
    clock: machine.clock,
    defaultDeadlineMs: flags.requestTimeout,
    userAgent: `kubectl-classroom/${VERSION}`,
  });
  return {
    client,
    contextName: context.name,
    server: credentials.server,
    namespace: flags.namespace ?? context.namespace,
  };
}

async function kubeContext(
  { context, kubeconfig }: ConnectionFlags,
  { env, clock, readFile }: Pick<Machine, 'env' | 'clock' | 'readFile'>,
): Promise<KubeContext> {
  try {
    return await defaultKubeContext({
      env,
      clock,
      readFile,
      kubeconfig,
      ...(context === undefined ? {} : { context }),
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'ENOENT' && 'path' in error) {
      throw problems.noKubeconfig({ path: String(error.path) });
    }
    throw problems.kubeconfigUnusable({ why: error.message });
  }
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation */
function actingAs(user: string, credentials: Credentials): Credentials {
  return {
    server: credentials.server,
    async current(options) {
      const material = await credentials.current(options);
      return { ...material, headers: { ...material.headers, 'impersonate-user': user } };
    },
  };
}
