import { join } from 'node:path';
import {
  CONTROL_PLANE_TOOLS,
  type ControlPlaneTool,
  ETCD_VERSION,
  HELM_VERSION,
  KUBECONFORM_VERSION,
  KUBERNETES_VERSION,
  MANIFEST_TOOLS,
  type ManifestTool,
  PROMETHEUS_TOOLS,
  PROMETHEUS_VERSION,
  type PrometheusTool,
  type ToolName,
} from './versions.ts';

/** Programs that are needed together, and therefore provided together. */
export interface ToolSet<Name extends ToolName = ToolName> {
  readonly title: string;
  readonly names: readonly Name[];
  /** Its folder in the cache. */
  readonly folder: string;
  /** Every version, for the name of the folder below: a new version never finds an old program. */
  readonly versions: string;
  readonly goBuild: GoBuild;
}

/** How Go builds the programs of a set. */
export interface GoBuild {
  /** The folder of the go.mod that pins them. */
  readonly moduleFolder: string;
  readonly tags: readonly string[];
  readonly linkerFlags: readonly string[];
  /** Counted in a build of the whole set with an empty cache. */
  readonly packages: number;
  /** The same on a machine with two processors. */
  readonly minutes: string;
}

const MODULES = join(import.meta.dirname, '../../../tools');
const NO_SYMBOLS = '-s -w';

export const CONTROL_PLANE: ToolSet<ControlPlaneTool> = {
  title: 'Control plane',
  names: CONTROL_PLANE_TOOLS,
  folder: 'control-plane',
  versions: `k8s-${KUBERNETES_VERSION}_etcd-${ETCD_VERSION}_helm-${HELM_VERSION}`,
  goBuild: {
    moduleFolder: join(MODULES, 'control-plane'),
    tags: [],
    linkerFlags: kubernetesLinkerFlags(),
    packages: 3_000,
    minutes: '5 to 10',
  },
};

export const PROMETHEUS: ToolSet<PrometheusTool> = {
  title: 'Prometheus',
  names: PROMETHEUS_TOOLS,
  folder: 'prometheus',
  versions: PROMETHEUS_VERSION,
  goBuild: {
    moduleFolder: join(MODULES, 'prometheus'),
    // Tests name the addresses themselves. Without the clients of all clouds the build takes half the time.
    // https://github.com/prometheus/prometheus#building-from-source
    tags: ['remove_all_sd'],
    linkerFlags: [NO_SYMBOLS, `-X github.com/prometheus/common/version.Version=${PROMETHEUS_VERSION}`],
    packages: 1_050,
    minutes: '2 to 5',
  },
};

export const KUBECONFORM: ToolSet<ManifestTool> = {
  title: 'Kubeconform',
  names: MANIFEST_TOOLS,
  folder: 'kubeconform',
  versions: KUBECONFORM_VERSION,
  goBuild: {
    moduleFolder: join(MODULES, 'kubeconform'),
    tags: [],
    linkerFlags: [NO_SYMBOLS, `-X main.version=v${KUBECONFORM_VERSION}`],
    packages: 230,
    minutes: '1 to 2',
  },
};

/** Without them the API server calls itself v0.0.0-master. */
function kubernetesLinkerFlags(): string[] {
  const [major = '', minor = ''] = KUBERNETES_VERSION.split('.');
  const version = 'k8s.io/component-base/version';
  return [
    NO_SYMBOLS,
    `-X ${version}.gitVersion=v${KUBERNETES_VERSION}`,
    `-X ${version}.gitMajor=${major}`,
    `-X ${version}.gitMinor=${minor}`,
  ];
}
