import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isExecutable } from './locate.ts';
import {
  ETCD_VERSION,
  type FoundBinaries,
  HELM_VERSION,
  KUBERNETES_VERSION,
  TOOL_NAMES,
  type ToolName,
} from './versions.ts';

export interface Platform {
  /** As Node names it. */
  readonly os: NodeJS.Platform;
  readonly arch: NodeJS.Architecture;
}

/**
 * Where this user's copies of the programs are kept. The name holds every version, so that a new
 * version never finds an old program.
 * https://specifications.freedesktop.org/basedir-spec/latest/ (a relative XDG_CACHE_HOME is ignored).
 */
export function cacheFolder(
  environment: Readonly<Record<string, string | undefined>>,
  platform: Platform,
  home: string = homedir(),
): string {
  const configured = environment.XDG_CACHE_HOME;
  const root = configured !== undefined && isAbsolute(configured) ? configured : join(home, '.cache');
  const key = `k8s-${KUBERNETES_VERSION}_etcd-${ETCD_VERSION}_helm-${HELM_VERSION}`;
  return join(root, 'gpu-classroom', 'control-plane', `${key}_${platform.os}-${platform.arch}`);
}

/** The programs in a cache folder. They were verified before they got there, so their version is not asked again. */
export async function programsIn(folder: string): Promise<FoundBinaries> {
  const found: { [tool in ToolName]?: string } = {};
  for (const tool of TOOL_NAMES) {
    const path = join(folder, tool);
    if (await isExecutable(path)) found[tool] = path;
  }
  return found;
}
