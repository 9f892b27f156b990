import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditPolicy } from './audit.ts';
import { serviceAccountKeys, tokenFile, type UserWithToken } from './credentials.ts';

/** Where everything of one control plane is, within its run directory. */
export interface ControlPlaneFiles {
  readonly etcdData: string;
  readonly certificates: string;
  /** The API server's own certificate together with the authority that signed it; the server makes it. */
  readonly caFile: string;
  /** Of that certificate. */
  readonly keyFile: string;
  readonly tokens: string;
  readonly serviceAccountPrivateKey: string;
  readonly serviceAccountPublicKey: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
}

export function controlPlaneFiles(folder: string): ControlPlaneFiles {
  return {
    etcdData: join(folder, 'etcd-data'),
    certificates: join(folder, 'certificates'),
    caFile: join(folder, 'certificates', 'apiserver.crt'),
    keyFile: join(folder, 'certificates', 'apiserver.key'),
    tokens: join(folder, 'tokens.csv'),
    serviceAccountPrivateKey: join(folder, 'service-account.key'),
    serviceAccountPublicKey: join(folder, 'service-account.pub'),
    auditPolicy: join(folder, 'audit-policy.yaml'),
    auditLog: join(folder, 'audit.log'),
  };
}

/** Writes what the programs want to find when they start. */
export async function writeControlPlaneFiles(
  files: ControlPlaneFiles,
  users: readonly UserWithToken[],
): Promise<void> {
  const keys = serviceAccountKeys();
  await Promise.all([
    mkdir(files.etcdData, { mode: 0o700 }),
    mkdir(files.certificates, { mode: 0o700 }),
    writePrivate(files.tokens, tokenFile(users)),
    writePrivate(files.serviceAccountPrivateKey, keys.privateKey),
    writePrivate(files.serviceAccountPublicKey, keys.publicKey),
    writePrivate(files.auditPolicy, auditPolicy()),
  ]);
}

/** Writes a file that only this user can read. */
export async function writePrivate(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
}
