import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, type Platform, programsIn } from './cache.ts';
import { binariesErrors } from './errors.ts';
import { type RunGo, runGo } from './go-build.ts';
import { explainRejection, locate, pathFolders } from './locate.ts';
import { withLock } from './lock.ts';
import { type Progress, terminalProgress } from './progress.ts';
import { provide } from './provide.ts';
import { OFFICIAL_HOSTS, type ReleaseHosts } from './releases.ts';
import { CONTROL_PLANE, KUBECONFORM, PROMETHEUS, type ToolSet } from './tool-sets.ts';
import type { Binaries, FoundBinaries, ManifestTool, Paths, PrometheusTool, ToolName } from './versions.ts';

export interface EnsureOptions {
  /** Of it: KUBEBUILDER_ASSETS, PATH, XDG_CACHE_HOME, the proxy variables; Go gets all of it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: Platform;
  readonly progress: Progress;
  /** Milliseconds of any steady clock. */
  readonly now: () => number;
  /** Default: the official ones. */
  readonly hosts?: ReleaseHosts;
  /** Default: runs the `go` on the PATH. */
  readonly runGo?: RunGo;
}

/** The options of an entry point: its environment, its machine, progress on its stderr. */
export function ensureOptionsOf(process: NodeJS.Process): EnsureOptions {
  const now = () => performance.now();
  return {
    environment: process.env,
    platform: { os: process.platform, arch: process.arch },
    progress: terminalProgress({ stream: process.stderr, now }),
    now,
  };
}

/**
 * Provides all programs of the throw-away control plane: see {@link ensureTools}.
 * Throws BinariesError Unavailable.
 */
export function ensureBinaries(options: EnsureOptions): Promise<Binaries> {
  return ensureTools(CONTROL_PLANE, options);
}

/** Provides a Prometheus server and its promtool: see {@link ensureTools}. Throws BinariesError Unavailable. */
export function ensurePrometheus(options: EnsureOptions): Promise<Paths<PrometheusTool>> {
  return ensureTools(PROMETHEUS, options);
}

/** Provides what checks manifests against schemas: see {@link ensureTools}. Throws BinariesError Unavailable. */
export function ensureKubeconform(options: EnsureOptions): Promise<Paths<ManifestTool>> {
  return ensureTools(KUBECONFORM, options);
}

/**
 * Provides all programs of a set and gives their paths. Each is taken from the first place that has it in a version
 * that fits: KUBEBUILDER_ASSETS, PATH, the user's cache, the official releases (verified), a build with Go. What is
 * downloaded or built stays in the cache. Several processes may call it at once, and it may be interrupted: the next
 * call goes on.
 * Throws BinariesError Unavailable, which tells everything that was tried and the ways out.
 */
export async function ensureTools<Name extends ToolName>(
  set: ToolSet<Name>,
  options: EnsureOptions,
): Promise<Paths<Name>> {
  const { environment, platform, progress, now } = options;
  const cache = cacheFolder(set, environment, platform);
  const attempts: string[] = [];
  let found = await locateOnMachine(set.names, options, attempts);
  found = { ...(await programsIn(cache, set.names)), ...found };
  if (!isComplete(found, set.names)) {
    await mkdir(cache, { recursive: true });
    const onWait = (pid: number) =>
      progress.line(`Another set-up (process ${pid}) is at work: waiting for it`);
    await withLock(join(cache, 'setup.lock'), { onWait }, async () => {
      found = { ...(await programsIn(cache, set.names)), ...found };
      const { hosts = OFFICIAL_HOSTS, runGo: go = runGo } = options;
      const ways = { cache, goBuild: set.goBuild, environment, platform, hosts, runGo: go, progress, now };
      attempts.push(...(await provide(missingIn(found, set.names), ways)));
      found = { ...(await programsIn(cache, set.names)), ...found };
    });
  }
  if (!isComplete(found, set.names)) {
    throw binariesErrors.unavailable(missingIn(found, set.names), attempts);
  }
  return found;
}

async function locateOnMachine(
  names: readonly ToolName[],
  options: EnsureOptions,
  attempts: string[],
): Promise<FoundBinaries> {
  const { environment, progress } = options;
  const assets = environment.KUBEBUILDER_ASSETS;
  const inAssets = await locate(assets ? [assets] : [], names, (tool, candidate) => {
    const why = explainRejection(tool, candidate);
    attempts.push(why);
    // Somebody meant this one to be used. What PATH happens to hold is no news.
    progress.line(why);
  });
  const onPath = await locate(pathFolders(environment.PATH), missingIn(inAssets, names), (tool, candidate) =>
    attempts.push(explainRejection(tool, candidate)),
  );
  return { ...inAssets, ...onPath };
}

function missingIn(found: FoundBinaries, names: readonly ToolName[]): ToolName[] {
  return names.filter((tool) => found[tool] === undefined);
}

function isComplete<Name extends ToolName>(
  found: FoundBinaries,
  names: readonly Name[],
): found is FoundBinaries & Paths<Name> {
  return missingIn(found, names).length === 0;
}
