import { join } from 'node:path';
import { z } from 'zod';
import type { ApiClient } from './api-client.ts';
import { kubeconfig, type UserWithToken } from './credentials.ts';
import { controlPlaneErrors } from './errors.ts';
import { writePrivate } from './files.ts';

export interface ServiceAccountReference {
  readonly namespace: string;
  readonly name: string;
}

/** Ways to log in to a throw-away control plane. */
export interface Access {
  /** The token of a user; throws UnknownUser for one that the control plane was not started with. */
  token(user: string): string;
  /** Writes a kubeconfig of a user and returns its path. */
  writeKubeconfig(user: string): Promise<string>;
  /** Mints a token of an existing ServiceAccount by TokenRequest; the API server allows no less than 600 s. */
  serviceAccountToken(account: ServiceAccountReference, expirationSeconds?: number): Promise<string>;
  /** Writes a kubeconfig that holds such a token, valid for a day, and returns its path. */
  writeServiceAccountKubeconfig(account: ServiceAccountReference): Promise<string>;
}

export interface AccessOptions {
  readonly folder: string;
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly users: readonly UserWithToken[];
  readonly admin: ApiClient;
}

const ONE_DAY_SECONDS = 86_400;
const tokenRequestSchema = z.object({ status: z.object({ token: z.string() }) });

export function createAccess({ folder, url, ca, users, admin }: AccessOptions): Access {
  const token = (user: string) => tokenOf(users, user);
  const write = async (user: string, userToken: string) => {
    const path = join(folder, `${user.replaceAll(/[^\w.-]/g, '-')}.kubeconfig`);
    await writePrivate(path, kubeconfig({ url, ca, user, token: userToken }));
    return path;
  };
  const serviceAccountToken: Access['serviceAccountToken'] = async (account, expirationSeconds) => {
    const answer = await admin.json(
      'POST',
      `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: expirationSeconds ?? ONE_DAY_SECONDS },
      },
    );
    return tokenRequestSchema.parse(answer).status.token;
  };
  return {
    token,
    writeKubeconfig: async (user) => write(user, token(user)),
    serviceAccountToken,
    writeServiceAccountKubeconfig: async (account) =>
      write(`system:serviceaccount:${account.namespace}:${account.name}`, await serviceAccountToken(account)),
  };
}

/** Throws UnknownUser. */
export function tokenOf(users: readonly UserWithToken[], name: string): string {
  const user = users.find((candidate) => candidate.name === name);
  if (user !== undefined) return user.token;
  throw controlPlaneErrors.unknownUser(
    name,
    users.map((candidate) => candidate.name),
  );
}
