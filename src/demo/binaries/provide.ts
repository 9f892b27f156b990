import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from './cache.ts';
import { createDispatcher } from './download.ts';
import { BinariesError, binariesErrors } from './errors.ts';
import { buildWithGo, type RunGo } from './go-build.ts';
import { explainRejection, inspect } from './locate.ts';
import type { Progress } from './progress.ts';
import { downloadReleases } from './release-download.ts';
import type { ReleaseHosts } from './releases.ts';
import type { GoBuild } from './tool-sets.ts';
import type { ToolName } from './versions.ts';

export interface ProvideOptions {
  /** Where the programs end up, each as soon as it is whole and has been seen to run. */
  readonly cache: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: Platform;
  readonly hosts: ReleaseHosts;
  readonly goBuild: GoBuild;
  readonly runGo: RunGo;
  readonly progress: Progress;
  /** Milliseconds of any steady clock. */
  readonly now: () => number;
}

type Keep = (tool: ToolName) => Promise<void>;
type Way = (
  tools: readonly ToolName[],
  staging: string,
  keep: Keep,
  options: ProvideOptions,
) => Promise<void>;

const STAGING_PREFIX = 'staging-';

/**
 * Gets programs into the cache: downloads them, then builds with Go what could not be downloaded.
 * Returns how each way ended that did not lead to its goal; what is missing then is missing in the cache.
 */
export async function provide(tools: readonly ToolName[], options: ProvideOptions): Promise<string[]> {
  const staging = await newStagingFolder(options.cache);
  const left = new Set(tools);
  const attempts: string[] = [];
  const keep: Keep = async (tool) => {
    await moveIntoCache(tool, staging, options.cache);
    left.delete(tool);
  };
  for (const way of [byDownload, byBuild]) {
    if (left.size === 0) break;
    try {
      await way([...left], staging, keep, options);
    } catch (error) {
      if (!(error instanceof BinariesError)) throw error;
      attempts.push(error.message);
      options.progress.line(error.message);
    }
  }
  await rm(staging, { recursive: true, force: true });
  return attempts;
}

const byDownload: Way = async (tools, staging, keep, options) => {
  const dispatcher = createDispatcher(options.environment);
  try {
    await downloadReleases({
      tools,
      platform: options.platform,
      hosts: options.hosts,
      downloadFolder: join(options.cache, 'downloads'),
      outputFolder: staging,
      dispatcher,
      progress: options.progress,
      onProgram: keep,
    });
  } finally {
    await dispatcher.destroy();
  }
};

const byBuild: Way = async (tools, staging, keep, options) => {
  options.progress.line(`Building ${tools.join(', ')} with Go`);
  await buildWithGo({
    tools,
    goBuild: options.goBuild,
    outputFolder: staging,
    platform: options.platform,
    environment: options.environment,
    progress: options.progress,
    runGo: options.runGo,
    now: options.now,
  });
  for (const tool of tools) await keep(tool);
};

/**
 * A new name each time: the Go of a set-up that was killed may still be writing to the old one, which is removed.
 * The caller holds the lock, so no living set-up loses its folder.
 */
async function newStagingFolder(cache: string): Promise<string> {
  for (const name of await readdir(cache)) {
    if (name.startsWith(STAGING_PREFIX)) await rm(join(cache, name), { recursive: true, force: true });
  }
  return mkdtemp(join(cache, STAGING_PREFIX));
}

/** Only what runs here and has the right version gets into the cache, so that nothing there needs a second look. */
async function moveIntoCache(tool: ToolName, staging: string, cache: string): Promise<void> {
  const candidate = await inspect(tool, staging);
  if (candidate === undefined) throw binariesErrors.unusable(tool, 'it is not there');
  if (candidate.state !== 'fits') throw binariesErrors.unusable(tool, explainRejection(tool, candidate));
  await rename(candidate.path, join(cache, tool));
}
