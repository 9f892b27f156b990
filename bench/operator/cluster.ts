import { readFile } from 'node:fs/promises';
import type { Binaries } from '../../src/demo/binaries/versions.ts';
import { type ControlPlane, startControlPlane } from '../../src/demo/control-plane/control-plane.ts';
import { CHECKOUT } from '../../src/demo/paths.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { createKubeClient } from '../../src/kube/kube-client.ts';
import { kubeconfigFileCredentials } from '../../src/kube/kubeconfig.ts';
import { enrol, type School } from './school.ts';

/** A fresh API server at which a school is enrolled and for which nobody works yet. */
export interface SchoolCluster {
  controlPlane: ControlPlane;
  client: KubeClient;
  school: School;
}

/** Lets `use` work with a cluster of its own, which is gone afterwards. No controller of Kubernetes runs: only what is measured writes. */
export async function withSchool<T>(
  binaries: Binaries,
  school: School,
  use: (cluster: SchoolCluster) => Promise<T>,
): Promise<T> {
  await using controlPlane = await startControlPlane({
    binaries,
    crdFolder: CHECKOUT.crds,
    controllerManager: false,
    scheduler: false,
  });
  const credentials = await kubeconfigFileCredentials(controlPlane.kubeconfigPath, {
    readFile,
    clock: systemClock,
  });
  const client = createKubeClient({ credentials, userAgent: 'gpu-classroom-bench' });
  try {
    await enrol(client, school);
    return await use({ controlPlane, client, school });
  } finally {
    await client.close();
  }
}
