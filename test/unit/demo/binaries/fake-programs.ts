import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONTROL_PLANE_TOOLS, type ToolName } from '../../../../src/demo/binaries/versions.ts';

/** What the real programs print. */
const VERSION_OUTPUT: Readonly<Record<ToolName, (version: string) => string>> = {
  etcd: (version) => `etcd Version: ${version}\nGit SHA: 1234567`,
  'kube-apiserver': (version) => `Kubernetes v${version}`,
  'kube-controller-manager': (version) => `Kubernetes v${version}`,
  'kube-scheduler': (version) => `Kubernetes v${version}`,
  kubectl: (version) => `Client Version: v${version}\nKustomize Version: v5.8.1`,
  helm: (version) => `v${version}+g1234567`,
  prometheus: (version) => `prometheus, version ${version} (branch: HEAD, revision: 1234567)`,
  promtool: (version) => `promtool, version ${version} (branch: HEAD, revision: 1234567)`,
  kubeconform: (version) => `v${version}`,
};

export const FITTING_VERSIONS: Readonly<Record<ToolName, string>> = {
  etcd: '3.6.16',
  'kube-apiserver': '1.36.3',
  'kube-controller-manager': '1.36.3',
  'kube-scheduler': '1.36.3',
  kubectl: '1.36.3',
  helm: '4.2.4',
  prometheus: '3.16.0',
  promtool: '3.16.0',
  kubeconform: '0.8.0',
};

/** A shell script that tells its version as the real program does, and nothing else. */
export function fakeProgram(tool: ToolName, version = FITTING_VERSIONS[tool]): string {
  return `#!/bin/sh\ncat <<'END'\n${VERSION_OUTPUT[tool](version)}\nEND\n`;
}

/** Puts such programs into a folder, made if it is not there. */
export async function installFakePrograms(
  folder: string,
  tools: readonly ToolName[] = CONTROL_PLANE_TOOLS,
  version?: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const tool of tools) {
    await writeFile(join(folder, tool), fakeProgram(tool, version), { mode: 0o755 });
  }
}
