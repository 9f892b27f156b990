import { spawn } from 'node:child_process';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hasErrorCode } from '../process/error-code.ts';
import type { Platform } from './cache.ts';
import { binariesErrors } from './errors.ts';
import type { Progress } from './progress.ts';
import type { GoBuild } from './tool-sets.ts';
import type { ToolName } from './versions.ts';

/** The main packages, all pinned in the `go.mod` of their set. */
const PACKAGES: Readonly<Record<ToolName, string>> = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  helm: 'helm.sh/helm/v4/cmd/helm',
  prometheus: 'github.com/prometheus/prometheus/cmd/prometheus',
  promtool: 'github.com/prometheus/prometheus/cmd/promtool',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform',
};
/** Go names a program after its package; for etcd's that is not its name. */
const ETCD_OUTPUT_NAME = 'server';
const SHOWN_ERROR_LINES = 15;
const TICK_MS = 1_000;

export interface GoInvocation {
  readonly arguments: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes each line that Go prints. */
  readonly onLine: (line: string) => void;
}

/** Runs `go` to its end and gives the exit code, or `not-installed` if there is no such program. */
export type RunGo = (invocation: GoInvocation) => Promise<number | 'not-installed'>;

export const runGo: RunGo = ({ arguments: args, folder, environment, onLine }) =>
  new Promise((resolve, reject) => {
    const child = spawn('go', [...args], {
      cwd: folder,
      env: { ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    createInterface({ input: child.stderr }).on('line', onLine);
    child.once('error', (error) => {
      if (hasErrorCode(error, 'ENOENT')) resolve('not-installed');
      else reject(error);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });

export interface GoBuildOptions {
  readonly tools: readonly ToolName[];
  readonly goBuild: GoBuild;
  /** Where the programs are put under their names; emptied first. */
  readonly outputFolder: string;
  readonly platform: Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
  readonly runGo: RunGo;
  /** Milliseconds of any steady clock. */
  readonly now: () => number;
}

/**
 * Builds programs from their pinned Go modules: minutes the first time, seconds when Go has them in its
 * cache, which also makes an interrupted build go on where it was. Throws BinariesError GoBuildFailed.
 */
export async function buildWithGo(options: GoBuildOptions): Promise<void> {
  const { tools, goBuild, outputFolder, progress, now } = options;
  await rm(outputFolder, { recursive: true, force: true });
  await mkdir(outputFolder, { recursive: true });
  const startedAt = now();
  const lines: string[] = [];
  const show = () => progress.update(stateOf(goBuild, lines, now() - startedAt));
  // Some packages take a minute without a word: the elapsed time must go on.
  const ticker = setInterval(show, TICK_MS);
  const exitCode = await options
    .runGo({
      arguments: goBuildArguments(tools, goBuild, outputFolder),
      folder: goBuild.moduleFolder,
      environment: goEnvironment(options.environment, options.platform),
      onLine(line) {
        lines.push(line);
        show();
      },
    })
    .finally(() => clearInterval(ticker));
  if (exitCode === 'not-installed') throw binariesErrors.goNotInstalled();
  if (exitCode !== 0)
    throw binariesErrors.goBuildFailed(exitCode, lines.slice(-SHOWN_ERROR_LINES).join('\n'));
  if (tools.includes('etcd')) await rename(join(outputFolder, ETCD_OUTPUT_NAME), join(outputFolder, 'etcd'));
}

function goBuildArguments(
  tools: readonly ToolName[],
  { tags, linkerFlags }: GoBuild,
  outputFolder: string,
): string[] {
  return [
    'build',
    '-v',
    '-mod=readonly',
    '-buildvcs=false',
    ...(tags.length === 0 ? [] : ['-tags', tags.join(',')]),
    '-ldflags',
    linkerFlags.join(' '),
    '-o',
    // The slash tells Go that it is a folder, also for a single program.
    `${outputFolder}/`,
    ...tools.map((tool) => PACKAGES[tool]),
  ];
}

/** For this machine, whatever the user otherwise builds for. */
function goEnvironment(environment: GoBuildOptions['environment'], platform: Platform) {
  const arch = platform.arch === 'x64' ? 'amd64' : platform.arch;
  return { ...environment, CGO_ENABLED: '0', GOOS: platform.os, GOARCH: arch };
}

function stateOf({ minutes, packages }: GoBuild, lines: readonly string[], elapsedMs: number): string {
  const current = lines.at(-1);
  const time = `Building with Go, ${Math.round(elapsedMs / 1_000)} s (the first time takes ${minutes} minutes)`;
  if (current === undefined) return time;
  return `${time}, package ${lines.length} of at most about ${packages}: ${current}`;
}
