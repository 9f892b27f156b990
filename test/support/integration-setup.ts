import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { type ControlPlane, startControlPlane } from '../../src/demo/control-plane/control-plane.ts';
import { HANDOVER_VARIABLE, type Handover } from './control-plane.ts';

declare global {
  /** Jest keeps no state between its global setup and teardown but what hangs on the global object. */
  var integrationControlPlane: ControlPlane | undefined;
}

/** One API server, etcd and controller-manager for all integration tests of a run. */
export default async function setUp(): Promise<void> {
  // A test run that is ended by a signal must not leave a cluster behind: exit handlers remove it.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));

  const binaries = await ensureBinaries(ensureOptionsOf(process));
  const crdFolder = join(import.meta.dirname, '../../crds');
  const controlPlane = await startControlPlane({
    binaries,
    scheduler: false,
    ...(existsSync(crdFolder) && { crdFolder }),
  });
  globalThis.integrationControlPlane = controlPlane;

  const handover: Handover = {
    url: controlPlane.url,
    ca: controlPlane.ca,
    adminToken: controlPlane.token('admin'),
    kubeconfigPath: controlPlane.kubeconfigPath,
    auditLogPath: controlPlane.auditLogPath,
    folder: controlPlane.run.path,
    binaries,
  };
  const file = join(controlPlane.run.path, 'handover.json');
  await writeFile(file, JSON.stringify(handover), { mode: 0o600 });
  process.env[HANDOVER_VARIABLE] = file;
}
