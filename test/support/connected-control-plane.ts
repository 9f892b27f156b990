import { afterAll } from '@jest/globals';
import type { KubeClient } from '../../src/kube/client.ts';
import { type SharedControlPlane, sharedControlPlane } from './control-plane.ts';
import { clientOf } from './kube-client.ts';

/** The control plane that all test files share, with a client of this file's own. */
export interface ConnectedControlPlane {
  controlPlane: SharedControlPlane;
  client: KubeClient;
}

/** For the top of a test file: what it opens is closed after the file's last test. */
export async function connectToControlPlane(): Promise<ConnectedControlPlane> {
  const controlPlane = await sharedControlPlane();
  const client = await clientOf(controlPlane.kubeconfigPath);
  afterAll(async () => {
    await client.close();
    controlPlane.admin.close();
  });
  return { controlPlane, client };
}
