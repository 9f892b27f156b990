/**
 * The programs of the throw-away control plane and their versions: the one place to change them,
 * together with `tools/control-plane/go.mod`, which pins the same versions for a build with Go.
 */

/** https://github.com/kubernetes/kubernetes/releases */
export const KUBERNETES_VERSION = '1.36.3';
/** https://github.com/etcd-io/etcd/releases */
export const ETCD_VERSION = '3.6.16';
/** https://github.com/helm/helm/releases */
export const HELM_VERSION = '4.2.4';
/** Oldest Go that `tools/control-plane/go.mod` accepts. */
export const MINIMUM_GO_VERSION = '1.26';

export const TOOL_NAMES = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'helm',
] as const;

export type ToolName = (typeof TOOL_NAMES)[number];

/** Absolute path of each program. */
export type Binaries = Readonly<Record<ToolName, string>>;

export type FoundBinaries = Readonly<Partial<Binaries>>;

export interface Tool {
  /** What the cache, the release archives and the Go build give. */
  readonly version: string;
  /** Arguments that make the program print its version and exit. */
  readonly versionArguments: readonly string[];
  /** Finds the version in that output; the first group is the version. */
  readonly versionPattern: RegExp;
  /** Versions found on the machine are used if they begin like this. */
  readonly acceptedPrefix: string;
}

const kubernetesServer: Tool = {
  version: KUBERNETES_VERSION,
  versionArguments: ['--version'],
  versionPattern: /^Kubernetes v(\d+\.\d+\.\d+\S*)/m,
  acceptedPrefix: '1.36.',
};

export const TOOLS: Readonly<Record<ToolName, Tool>> = {
  etcd: {
    version: ETCD_VERSION,
    versionArguments: ['--version'],
    versionPattern: /^etcd Version: (\d+\.\d+\.\d+\S*)/m,
    acceptedPrefix: '3.6.',
  },
  'kube-apiserver': kubernetesServer,
  'kube-controller-manager': kubernetesServer,
  'kube-scheduler': kubernetesServer,
  kubectl: {
    version: KUBERNETES_VERSION,
    versionArguments: ['version', '--client'],
    versionPattern: /^Client Version: v(\d+\.\d+\.\d+\S*)/m,
    acceptedPrefix: '1.36.',
  },
  helm: {
    version: HELM_VERSION,
    versionArguments: ['version', '--short'],
    // A helm built from its Go module prints `v4.2`, a released one `v4.2.4+g1234567`.
    versionPattern: /^v(\d+\.\d+\S*)/m,
    acceptedPrefix: '4.',
  },
};
