import { readFile } from 'node:fs/promises';
import type { KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import type { Credentials } from '../../src/kube/credentials.ts';
import { createKubeClient, type KubeClientOptions } from '../../src/kube/kube-client.ts';
import { kubeconfigFileCredentials } from '../../src/kube/kubeconfig.ts';

/** A client of the API server that a kubeconfig names. Close it after the last test of the file. */
export async function clientOf(
  kubeconfigPath: string,
  options: Omit<KubeClientOptions, 'credentials'> = {},
): Promise<KubeClient> {
  const credentials = await kubeconfigFileCredentials(kubeconfigPath, { readFile, clock: systemClock });
  return createKubeClient({ credentials, ...options });
}

/** Credentials of a test server that asks for none. */
export function noCredentials(server: string): Credentials {
  return { server, current: async () => ({ headers: {} }) };
}
