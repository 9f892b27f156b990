/** A folder of this machine that a container sees under another path. */
export interface Mount {
  readonly mountPath: string;
  readonly folder: string;
}

/** A path that a container knows, as this machine knows it; undefined when it is on none of the mounts. */
export function onHost(path: string, mounts: readonly Mount[]): string | undefined {
  const [mount] = mounts
    .filter(({ mountPath }) => isWithin(path, mountPath))
    .sort((a, b) => b.mountPath.length - a.mountPath.length);
  return mount && mount.folder + path.slice(mount.mountPath.length);
}

/** Whether a path is a folder or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
