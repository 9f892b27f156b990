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
  const found = tools.map((tool) => ({ tool, release: releaseOf(tool, platform, hosts) }));
  const without = found.filter(({ release }) => release === undefined).map(({ tool }) => tool);
  // Then Go has to build some anyway, and fetching the others would only take longer.
  if (without.length > 0) throw binariesErrors.noRelease(without, `${platform.os} ${platform.arch}`);
  await mkdir(options.downloadFolder, { recursive: true });
  await mkdir(options.outputFolder, { recursive: true });
  const published = found.flatMap(({ tool, release }) => (release === undefined ? [] : [{ tool, release }]));
  // An archive may hold several programs.
  for (const programs of Map.groupBy(published, ({ release }) => release.url).values()) {
    await downloadRelease(programs, options);
    for (const { tool } of programs) await options.onProgram(tool);
  }
}

interface ReleasedProgram {
  readonly tool: ToolName;
  readonly release: Release;
}

/** @param programs those of one file */
async function downloadRelease(
  programs: readonly ReleasedProgram[],
  options: ReleaseDownloadOptions,
): Promise<void> {
  const [first] = programs;
  if (first === undefined) return;
  const { release } = first;
  const names = programs.map(({ tool }) => tool).join(', ');
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
      progress.update(`Downloading ${names}: ${megabytes(done)}${share}`);
    },
  });
  for (const program of programs) await unpack(program, file, outputFolder);
  await rm(file, { force: true });
  progress.line(`Downloaded ${names} (${megabytes(bytes)}) from ${new URL(release.url).host}`);
}

async function unpack({ tool, release }: ReleasedProgram, file: string, outputFolder: string): Promise<void> {
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
      `--strip-components=${release.member.split('/').length - 1}`,
      release.member,
    ]);
  }
  await chmod(program, 0o755);
}
