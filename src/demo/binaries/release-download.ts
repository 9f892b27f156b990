import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Dispatcher } from 'undici';
import type { Platform } from './cache.ts';
import { download, fetchText } from './download.ts';
import { binariesErrors } from './errors.ts';
import { megabytes, type Progress } from './progress.ts';
import { findChecksum, type Release, type ReleaseHosts, releaseOf } from './releases.ts';
import type { ToolName } from './versions.ts';

export interface ReleaseDownloadOptions {
  readonly tools: readonly ToolName[];
  readonly platform: Platform;
  readonly hosts: ReleaseHosts;
  /** Keeps what is only half there, so that the next call goes on with it. */
  readonly downloadFolder: string;
  /** Where the programs are put under their names. */
  readonly outputFolder: string;
  readonly dispatcher: Dispatcher;
  readonly progress: Progress;
  /** Called for each program as soon as it is in `outputFolder`. */
  readonly onProgram: (tool: ToolName) => Promise<void>;
}

/**
 * Gets programs from the official releases, each verified by its publisher's SHA-256.
 * Throws BinariesError NoRelease before anything is fetched, DownloadFailed or ChecksumMismatch.
 */
export async function downloadReleases(options: ReleaseDownloadOptions): Promise<void> {
  const { tools, platform, hosts } = options;
  const releases = tools.map((tool) => ({ tool, release: releaseOf(tool, platform, hosts) }));
  const without = releases.filter(({ release }) => release === undefined).map(({ tool }) => tool);
  // Then Go has to build some anyway, and fetching the others would only take longer.
  if (without.length > 0) throw binariesErrors.noRelease(without, `${platform.os} ${platform.arch}`);
  await mkdir(options.downloadFolder, { recursive: true });
  await mkdir(options.outputFolder, { recursive: true });
  for (const { tool, release } of releases) {
    if (release === undefined) continue;
    await downloadRelease(tool, release, options);
    await options.onProgram(tool);
  }
}

async function downloadRelease(
  tool: ToolName,
  release: Release,
  options: ReleaseDownloadOptions,
): Promise<void> {
  const { downloadFolder, outputFolder, dispatcher, progress } = options;
  const checksums = await fetchText(release.checksumUrl, dispatcher);
  const sha256 = findChecksum(checksums, release.fileName);
  if (sha256 === undefined) throw binariesErrors.noChecksum(release.checksumUrl, release.fileName);
  const file = join(downloadFolder, release.fileName);
  const bytes = await download({
    url: release.url,
    sha256,
    target: file,
    dispatcher,
    onBytes(done, total) {
      const share = total === undefined ? '' : ` of ${megabytes(total)}`;
      progress.update(`Downloading ${tool}: ${megabytes(done)}${share}`);
    },
  });
  await unpack(tool, release, file, outputFolder);
  progress.line(`Downloaded ${tool} (${megabytes(bytes)}) from ${new URL(release.url).host}`);
}

async function unpack(tool: ToolName, release: Release, file: string, outputFolder: string): Promise<void> {
  const program = join(outputFolder, tool);
  if (release.member === undefined) {
    await rename(file, program);
  } else {
    // The tar of macOS reads zip files too.
    await promisify(execFile)('tar', [
      '-xf',
      file,
      '-C',
      outputFolder,
      '--strip-components=1',
      release.member,
    ]);
    await rm(file);
  }
  await chmod(program, 0o755);
}
