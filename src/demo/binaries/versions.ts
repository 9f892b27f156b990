/**
 * The programs that demo and tests run, and their versions: the one place to change them, together with the `go.mod`
 * in `tools/`, which pin the same versions for a build with Go.
 */

/** https://github.com/kubernetes/kubernetes/releases */
export const KUBERNETES_VERSION = '1.36.3';
/** https://github.com/etcd-io/etcd/releases */
export const ETCD_VERSION = '3.6.16';
/** https://github.com/helm/helm/releases */
export const HELM_VERSION = '4.2.4';
/** https://github.com/prometheus/prometheus/releases */
export const PROMETHEUS_VERSION = '3.16.0';
/** https://github.com/yannh/kubeconform/releases */
export const KUBECONFORM_VERSION = '0.8.0';
/** Oldest Go that the `go.mod` in `tools/` accept. */
export const MINIMUM_GO_VERSION = '1.26';

export const CONTROL_PLANE_TOOLS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'helm',
] as const;

export const PROMETHEUS_TOOLS = ['prometheus', 'promtool'] as const;

export const MANIFEST_TOOLS = ['kubeconform'] as const;

export type ControlPlaneTool = (typeof CONTROL_PLANE_TOOLS)[number];
export type PrometheusTool = (typeof PROMETHEUS_TOOLS)[number];
export type ManifestTool = (typeof MANIFEST_TOOLS)[number];
export type ToolName = ControlPlaneTool | PrometheusTool | ManifestTool;

/** Absolute path of each program. */
export type Paths<Name extends ToolName> = Readonly<Record<Name, string>>;

/** Absolute path of each program of the control plane. */
export type Binaries = Paths<ControlPlaneTool>;

export type FoundBinaries = Readonly<Partial<Paths<ToolName>>>;

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

const prometheusTool = (name: PrometheusTool): Tool => ({
  version: PROMETHEUS_VERSION,
  versionArguments: ['--version'],
  versionPattern: new RegExp(`^${name}, version (\\d+\\.\\d+\\.\\d+\\S*)`, 'm'),
  acceptedPrefix: '3.',
});

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
  prometheus: prometheusTool('prometheus'),
  promtool: prometheusTool('promtool'),
  kubeconform: {
    version: KUBECONFORM_VERSION,
    versionArguments: ['-v'],
    versionPattern: /^v(\d+\.\d+\.\d+\S*)/m,
    acceptedPrefix: '0.8.',
  },
};
