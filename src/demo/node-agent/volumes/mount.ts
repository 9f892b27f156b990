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

/**
 * A text in which paths on the mounts are written as this machine knows them: there is no file system of its own around
 * a process.
 */
export function withHostPaths(text: string, mounts: readonly Mount[]): string {
  if (mounts.length === 0) return text;
  const byPath = new Map(mounts.map(({ mountPath, folder }) => [mountPath, folder]));
  // The longest first: a mount may lie within another one.
  const paths = [...byPath.keys()]
    .sort((a, b) => b.length - a.length)
    .map((path) => path.replaceAll(/[^\w/-]/g, '\\$&'));
  // Neither in the middle of a path, nor the beginning of a longer name.
  const whole = new RegExp(`(?<![\\w./-])(?:${paths.join('|')})(?![\\w.-])`, 'g');
  return text.replaceAll(whole, (path) => byPath.get(path) ?? path);
}

/** Whether a path is a folder or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
