import type { Platform } from './cache.ts';
import { TOOLS, type ToolName } from './versions.ts';

/** Base addresses, without a slash at the end. */
export interface ReleaseHosts {
  readonly kubernetes: string;
  readonly etcd: string;
  readonly helm: string;
  readonly prometheus: string;
  readonly kubeconform: string;
}

/**
 * https://kubernetes.io/releases/download/, https://github.com/etcd-io/etcd/releases,
 * https://helm.sh/docs/intro/install/, https://github.com/prometheus/prometheus/releases,
 * https://github.com/yannh/kubeconform/releases
 */
export const OFFICIAL_HOSTS: ReleaseHosts = {
  kubernetes: 'https://dl.k8s.io',
  etcd: 'https://github.com/etcd-io/etcd/releases/download',
  helm: 'https://get.helm.sh',
  prometheus: 'https://github.com/prometheus/prometheus/releases/download',
  kubeconform: 'https://github.com/yannh/kubeconform/releases/download',
};

export interface Release {
  readonly url: string;
  /** The name of the file at `url`. */
  readonly fileName: string;
  /** A text with the SHA-256 of the file: alone, or on a line with the file's name. */
  readonly checksumUrl: string;
  /** The program's path within the archive; `undefined` if the file is the program. */
  readonly member?: string;
}

/** The official release file of a program; `undefined` if none is published for this platform. */
export function releaseOf(tool: ToolName, platform: Platform, hosts: ReleaseHosts): Release | undefined {
  const os = platform.os === 'linux' || platform.os === 'darwin' ? platform.os : undefined;
  const arch = { x64: 'amd64', arm64: 'arm64' }[String(platform.arch)];
  if (os === undefined || arch === undefined) return undefined;
  const version = `v${TOOLS[tool].version}`;
  switch (tool) {
    case 'kube-apiserver':
    case 'kube-controller-manager':
    case 'kube-scheduler':
      // Of Kubernetes' servers there are releases for Linux only.
      return os === 'linux' ? kubernetesRelease(tool, version, os, arch, hosts) : undefined;
    case 'kubectl':
      return kubernetesRelease(tool, version, os, arch, hosts);
    case 'etcd': {
      const folder = `etcd-${version}-${os}-${arch}`;
      const fileName = `${folder}.${os === 'linux' ? 'tar.gz' : 'zip'}`;
      const base = `${hosts.etcd}/${version}`;
      return {
        url: `${base}/${fileName}`,
        fileName,
        checksumUrl: `${base}/SHA256SUMS`,
        member: `${folder}/etcd`,
      };
    }
    case 'helm': {
      const fileName = `helm-${version}-${os}-${arch}.tar.gz`;
      const url = `${hosts.helm}/${fileName}`;
      return { url, fileName, checksumUrl: `${url}.sha256sum`, member: `${os}-${arch}/helm` };
    }
    case 'prometheus':
    case 'promtool': {
      const folder = `prometheus-${TOOLS[tool].version}.${os}-${arch}`;
      const base = `${hosts.prometheus}/${version}`;
      const fileName = `${folder}.tar.gz`;
      return {
        url: `${base}/${fileName}`,
        fileName,
        checksumUrl: `${base}/sha256sums.txt`,
        member: `${folder}/${tool}`,
      };
    }
    case 'kubeconform': {
      const fileName = `kubeconform-${os}-${arch}.tar.gz`;
      const base = `${hosts.kubeconform}/${version}`;
      return {
        url: `${base}/${fileName}`,
        fileName,
        checksumUrl: `${base}/CHECKSUMS`,
        member: 'kubeconform',
      };
    }
  }
}

function kubernetesRelease(
  tool: ToolName,
  version: string,
  os: string,
  arch: string,
  hosts: ReleaseHosts,
): Release {
  const url = `${hosts.kubernetes}/${version}/bin/${os}/${arch}/${tool}`;
  return { url, fileName: `${tool}-${version}-${os}-${arch}`, checksumUrl: `${url}.sha256` };
}

/** Reads the SHA-256 of a file (lower-case hex) from a checksum text; `undefined` if it is not in it. */
export function findChecksum(text: string, fileName: string): string | undefined {
  const lines = text.trim().split('\n');
  for (const line of lines) {
    const [, checksum, name] = /^([0-9a-f]{64})(?:\s+\*?(\S+))?\s*$/i.exec(line.trim()) ?? [];
    const isIt = name === fileName || (name === undefined && lines.length === 1);
    if (checksum !== undefined && isIt) return checksum.toLowerCase();
  }
  return undefined;
}
