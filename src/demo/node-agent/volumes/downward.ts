import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pod } from '../../../kube/resources.ts';
import { fieldOf } from '../pod/environment.ts';
import type { Container } from '../pod/spec.ts';
import { type Mount, withHostPaths } from './mount.ts';

/**
 * The volumes of a container that tell it of its own pod (`downwardAPI`), written to its folder. Paths in them are
 * written as this machine knows them.
 *
 * @param known mounts whose paths may stand in the texts
 */
export async function downwardMounts(
  pod: Pod,
  container: Container,
  folder: string,
  known: readonly Mount[],
): Promise<readonly Mount[]> {
  const volumes = new Map((pod.spec?.volumes ?? []).map(({ name, downwardAPI }) => [name, downwardAPI]));
  const mounts = (container.volumeMounts ?? []).map(async ({ name, mountPath }) => {
    const items = volumes.get(name)?.items;
    if (items === undefined) return [];
    const own = join(folder, 'volumes', name);
    for (const { path, fieldRef } of items) {
      const file = join(own, path);
      await mkdir(dirname(file), { recursive: true });
      const text = fieldOf(pod, fieldRef?.fieldPath ?? '', { podIP: '', hostIP: '' });
      await writeFile(file, withHostPaths(text, known));
    }
    return [{ mountPath: mountPath.replace(/\/$/, ''), folder: own }];
  });
  return (await Promise.all(mounts)).flat();
}
