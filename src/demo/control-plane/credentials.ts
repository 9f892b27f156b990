import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { stringify } from 'yaml';

/** Who may log in, and which groups RBAC sees. */
export interface ControlPlaneUser {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface UserWithToken extends ControlPlaneUser {
  readonly token: string;
}

/** The API server's own RBAC rules are bound to these names. https://kubernetes.io/docs/reference/access-authn-authz/rbac/ */
export const ADMIN: ControlPlaneUser = { name: 'admin', groups: ['system:masters'] };
export const CONTROLLER_MANAGER: ControlPlaneUser = { name: 'system:kube-controller-manager' };
export const SCHEDULER: ControlPlaneUser = { name: 'system:kube-scheduler' };

const TOKEN_BYTES = 32;

export function withToken(user: ControlPlaneUser): UserWithToken {
  return { ...user, token: randomBytes(TOKEN_BYTES).toString('base64url') };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file: token,user,uid,"groups". */
export function tokenFile(users: readonly UserWithToken[]): string {
  return users
    .map(({ token, name, groups = [] }) => `${[token, name, name, groups.join(',')].map(quote).join(',')}\n`)
    .join('');
}

export interface KubeconfigContent {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly user: string;
  readonly token: string;
}

/** A kubeconfig with one cluster, one user and one context, complete in itself: it refers to no file. */
export function kubeconfig({ url, ca, user, token }: KubeconfigContent): string {
  const cluster = 'gpu-classroom';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster,
        cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: cluster, context: { cluster, user } }],
    'current-context': cluster,
  });
}

/** The pair with which the control plane signs and checks the tokens of ServiceAccounts; PEM. */
export function serviceAccountKeys(): { readonly publicKey: string; readonly privateKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
}

function quote(field: string): string {
  return `"${field.replaceAll('"', '""')}"`;
}
