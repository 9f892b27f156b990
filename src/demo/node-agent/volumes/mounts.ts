import { join } from 'node:path';
import type { KubeClient } from '../../../kube/client.ts';
import { type Pod, persistentVolumeClaims, persistentVolumes } from '../../../kube/resources.ts';
import { ConfigError } from '../pod/environment.ts';
import type { Container } from '../pod/spec.ts';
import type { Mount } from './mount.ts';

/** The folder of a claim's volume. @throws ConfigError when it has none on this machine */
export type ClaimFolder = (claimName: string) => Promise<string>;

/**
 * The claims that a container mounts.
 * @throws ConfigError when a claim has no folder on this machine
 */
export async function claimMounts(
  pod: Pod,
  container: Container,
  folderOf: ClaimFolder,
): Promise<readonly Mount[]> {
  const claims = new Map(
    (pod.spec?.volumes ?? []).map(({ name, persistentVolumeClaim }) => [
      name,
      persistentVolumeClaim?.claimName,
    ]),
  );
  const mounts = (container.volumeMounts ?? []).map(async ({ name, mountPath, subPath = '' }) => {
    const claim = claims.get(name);
    if (claim === undefined) return [];
    return [{ mountPath: mountPath.replace(/\/$/, ''), folder: join(await folderOf(claim), subPath) }];
  });
  return (await Promise.all(mounts)).flat();
}

/** Looks claims of a namespace up in the API server. The scheduler places no pod before its claims are bound. */
export function claimFolders(client: KubeClient, namespace: string | undefined): ClaimFolder {
  return async (name) => {
    const claim = await client.get(persistentVolumeClaims, { ...(namespace && { namespace }), name });
    const volumeName = claim?.spec?.volumeName;
    if (volumeName === undefined) throw new ConfigError(`persistentvolumeclaim "${name}" is not bound`);
    const volume = await client.get(persistentVolumes, { name: volumeName });
    const folder = volume?.spec?.hostPath?.path ?? volume?.spec?.local?.path;
    if (folder === undefined) {
      throw new ConfigError(
        `volume "${volumeName}" is not a folder of the node: the node agent mounts no other`,
      );
    }
    return folder;
  };
}
