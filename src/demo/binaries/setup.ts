import type { Platform } from './cache.ts';
import { ensureBinaries } from './ensure.ts';
import { BinariesError } from './errors.ts';
import { ETCD_VERSION, HELM_VERSION, KUBERNETES_VERSION } from './versions.ts';

export interface SetupOptions {
  /** `--print` prints the path of each program as JSON. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: Platform;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** The command `npm run setup`; gives its exit code. Progress and errors go to stderr, the result to stdout. */
export async function runSetup(options: SetupOptions): Promise<number> {
  const { environment, platform, stdout, stderr } = options;
  const unknown = options.arguments.filter((argument) => argument !== '--print');
  if (unknown.length > 0) {
    stderr.write(`setup: unknown argument ${unknown.join(' ')}. Known: --print\n`);
    return 2;
  }
  try {
    const binaries = await ensureBinaries({
      environment,
      platform,
      report: (line) => stderr.write(`${line}\n`),
    });
    stdout.write(
      options.arguments.includes('--print')
        ? `${JSON.stringify(binaries, null, 2)}\n`
        : `Control plane is in place: Kubernetes ${KUBERNETES_VERSION}, etcd ${ETCD_VERSION}, Helm ${HELM_VERSION}\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof BinariesError)) throw error;
    stderr.write(`setup: ${error.message}\n`);
    return 1;
  }
}
