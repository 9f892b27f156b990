import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Binaries, CONTROL_PLANE_TOOLS } from '../../src/demo/binaries/versions.ts';
import { type Access, createAccess } from '../../src/demo/control-plane/access.ts';
import { type ApiClient, createApiClient } from '../../src/demo/control-plane/api-client.ts';
import { type AuditedWrite, readAuditLog } from '../../src/demo/control-plane/audit.ts';
import { eventually } from './eventually.ts';

export const HANDOVER_VARIABLE = 'GPU_CLASSROOM_TEST_CONTROL_PLANE';

const handoverSchema = z.object({
  url: z.url(),
  ca: z.string(),
  adminToken: z.string(),
  kubeconfigPath: z.string(),
  auditLogPath: z.string(),
  folder: z.string(),
  binaries: z.record(z.enum(CONTROL_PLANE_TOOLS), z.string()),
});

/** What the global setup tells the test files. */
export type Handover = z.infer<typeof handoverSchema>;

/** The API server that all integration tests of a run share: work in namespaces of your own. */
export interface SharedControlPlane extends Omit<Access, 'token' | 'writeKubeconfig'> {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly adminToken: string;
  /** A kubeconfig of `admin` (system:masters). */
  readonly kubeconfigPath: string;
  /** Requests as `admin`. */
  readonly admin: ApiClient;
  readonly binaries: Binaries;
  /**
   * Makes a namespace `<prefix>-<random>`, ready for pods, and returns its name. It is not removed:
   * the whole cluster is thrown away after the run.
   */
  createNamespace(prefix: string): Promise<string>;
  /** All writes that the API server has answered so far: filter by your namespace or user. */
  auditedWrites(): Promise<AuditedWrite[]>;
}

/** Reads where the shared control plane is; close `admin` after the last test of the file. */
export async function sharedControlPlane(): Promise<SharedControlPlane> {
  const file = process.env[HANDOVER_VARIABLE];
  if (file === undefined) {
    throw new Error('no control plane was started: this test must be in the Jest project "integration"');
  }
  const handover = handoverSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const { url, ca, adminToken } = handover;
  const admin = createApiClient({ url, ca, token: adminToken });
  // Test files run side by side and may write kubeconfigs of ServiceAccounts with the same name.
  const folder = await mkdtemp(join(handover.folder, 'test-'));
  const access = createAccess({ folder, url, ca, admin, users: [{ name: 'admin', token: adminToken }] });
  return {
    url,
    ca,
    adminToken,
    kubeconfigPath: handover.kubeconfigPath,
    binaries: handover.binaries,
    admin,
    serviceAccountToken: access.serviceAccountToken,
    writeServiceAccountKubeconfig: access.writeServiceAccountKubeconfig,
    auditedWrites: () => readAuditLog(handover.auditLogPath),
    createNamespace: (prefix) => createNamespace(admin, prefix),
  };
}

/** Makes a namespace with a random name and waits for its `default` ServiceAccount, without which pods are refused. */
export async function createNamespace(admin: ApiClient, prefix: string): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  await admin.json('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  });
  await eventually(`ServiceAccount default in ${name}`, async () => {
    const answer = await admin.request('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`);
    return answer.status === 200;
  });
  return name;
}
