import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isExecutable } from './locate.ts';
import type { ToolSet } from './tool-sets.ts';
import type { FoundBinaries, ToolName } from './versions.ts';

export interface Platform {
  /** As Node names it. */
  readonly os: NodeJS.Platform;
  readonly arch: NodeJS.Architecture;
}

/**
 * Where this user's copies of the programs of a set are kept.
 * https://specifications.freedesktop.org/basedir-spec/latest/ (a relative XDG_CACHE_HOME is ignored).
 */
export function cacheFolder(
  { folder, versions }: Pick<ToolSet, 'folder' | 'versions'>,
  environment: Readonly<Record<string, string | undefined>>,
  platform: Platform,
  home: string = homedir(),
): string {
  const configured = environment.XDG_CACHE_HOME;
  const root = configured !== undefined && isAbsolute(configured) ? configured : join(home, '.cache');
  return join(root, 'gpu-classroom', folder, `${versions}_${platform.os}-${platform.arch}`);
}

/** Those of the programs that are in a cache folder. They were verified before they got there, so their version is not asked again. */
export async function programsIn(folder: string, names: readonly ToolName[]): Promise<FoundBinaries> {
  const found: { [tool in ToolName]?: string } = {};
  for (const tool of names) {
    const path = join(folder, tool);
    if (await isExecutable(path)) found[tool] = path;
  }
  return found;
}
