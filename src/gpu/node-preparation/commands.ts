import { stringify } from 'yaml';
import { COMPONENTS, LABELS } from '../../api/labels.ts';
import type { MigGpu } from '../hardware/mig-profiles.ts';
import { GPU_LABELS } from '../nodes/gpu-labels.ts';
import type { GpuNode } from '../nodes/gpu-node.ts';
import type { DevicePluginConfig, NodeChange } from './assess.ts';
import type { NodeChoice } from './choose.ts';
import { builtInLayouts, type NamedLayout } from './mig-layout.ts';
import { CLUSTER_POLICY, GPU_OPERATOR_NAMESPACE, MIG_DISABLED } from './nvidia.ts';

/** ConfigMaps that the commands make in the namespace of NVIDIA's operator. */
export const SHARING_CONFIG_MAP = 'gpu-classroom-sharing';
const MIG_CONFIG_MAP = 'gpu-classroom-mig';

/** How long `kubectl wait` waits for the MIG manager, which may have to reboot the node. */
const LAYOUT_WAIT = '30m';

/** The command that asks the MIG manager for a layout. Without the old state nobody takes it for the new one. */
export function layoutCommand(node: string, layout: string): string {
  return `kubectl label node ${node} ${GPU_LABELS.migConfig}=${layout} ${GPU_LABELS.migConfigState}- --overwrite`;
}

/** Waits for the MIG manager; reading on before it has ended would find the slices of before. */
export function layoutWaitCommand(node: string): string {
  const state = GPU_LABELS.migConfigState.replaceAll('.', '\\.');
  return `kubectl wait node/${node} --for=jsonpath='{.metadata.labels.${state}}'=success --timeout=${LAYOUT_WAIT}`;
}

function devicePluginConfigCommand(node: string, key: string): string {
  return `kubectl label node ${node} ${GPU_LABELS.devicePluginConfig}=${key} --overwrite`;
}

/** The command that makes a change on a node, or in the cluster: the heart of its steps. */
export function changeCommand(node: string, change: NodeChange): string {
  switch (change.kind) {
    case 'MigStrategy':
      return patchClusterPolicy({ mig: { strategy: change.strategy } });
    case 'MigLayout':
      return layoutCommand(node, change.layout.name);
    case 'DevicePluginConfig':
      return devicePluginConfigCommand(node, change.config.key);
  }
}

/** All that must be done once, before any node: the strategy, the device plugin's ConfigMap, layouts of our own. */
export function clusterSteps(
  choices: readonly NodeChoice[],
  nodes: readonly GpuNode[],
  migGpu: (product: string) => MigGpu | undefined,
): string[] {
  const changes = choices.flatMap(({ offer }) => offer.changes);
  const strategies = [
    ...new Set(changes.flatMap((change) => (change.kind === 'MigStrategy' ? [change] : []))),
  ];
  const configs = uniqueByKey(
    changes.flatMap((change) => (change.kind === 'DevicePluginConfig' ? [change.config] : [])),
  );
  const layouts = changes.flatMap((change) =>
    change.kind === 'MigLayout' && !change.layout.isBuiltIn ? [change.layout] : [],
  );
  return [
    ...strategies.slice(0, 1).flatMap(({ strategy }) => strategyStep(strategy)),
    ...(configs.length === 0 ? [] : sharingStep(configs)),
    ...(layouts.length === 0 ? [] : layoutsStep(layouts, nodes, migGpu)),
  ];
}

/** All that is done to one node: empty it, change it, wait, let pods in again. */
export function nodeSteps(choice: NodeChoice, classKey: string): string[] {
  const { name } = choice.node;
  const [namespace, className] = classKey.split('/');
  const engines = `${LABELS.component}=${COMPONENTS.engine},${LABELS.classroom}=${className}`;
  const changes = choice.offer.changes.filter(({ kind }) => kind !== 'MigStrategy');
  return [
    `# Node ${name}: from then on it offers ${choice.offer.slots}. Every GPU program on it must end first.`,
    `kubectl cordon ${name}`,
    // Not by eviction: the class's own disruption budget would wait for successors that only this node can take.
    `kubectl -n ${namespace} delete pods -l ${engines} --field-selector spec.nodeName=${name}`,
    '# GPU pods of others must be stopped by their owners:',
    `kubectl get pods --all-namespaces --field-selector spec.nodeName=${name}`,
    ...changes.flatMap((change) => [changeCommand(name, change), ...waitFor(choice, change)]),
    `kubectl uncordon ${name}`,
  ];
}

/** Until a change has taken effect, pods that come would find the GPUs as before. */
function waitFor({ node, offer }: NodeChoice, change: NodeChange): string[] {
  if (change.kind === 'MigLayout') return [layoutWaitCommand(node.name)];
  if (change.kind !== 'DevicePluginConfig' || change.config.kind !== 'TimeSliced') return [];
  const resource = offer.resource.replaceAll('.', '\\.');
  return [
    `kubectl wait node/${node.name} --for=jsonpath='{.status.allocatable.${resource}}'=${offer.slots} --timeout=10m`,
  ];
}

function strategyStep(strategy: 'mixed' | 'single'): string[] {
  const what =
    strategy === 'mixed'
      ? 'a resource of its own for every MIG profile'
      : 'every MIG slice passes as nvidia.com/gpu; all slices of a node must be alike';
  return [
    `# Once, for the whole cluster: ${what}.`,
    patchClusterPolicy({ mig: { strategy } }),
    "# (without NVIDIA's GPU operator: `migStrategy` of the charts of device plugin and GPU feature discovery)",
  ];
}

function sharingStep(configs: readonly DevicePluginConfig[]): string[] {
  return [
    "# Once: the device plugin's settings, by the key that nodes choose with a label.",
    '# Look first whether the plugin has a ConfigMap already; if so, add these keys to that one and skip the patch:',
    `kubectl get ${CLUSTER_POLICY} -o jsonpath='{.spec.devicePlugin.config.name}'`,
    // By server-side apply with a manager of its own, a key does not take away those of other classes.
    ...configs.flatMap((config) => [
      hereDocument(`kubectl apply --server-side --field-manager=gpu-classroom-${config.key} -f -`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: SHARING_CONFIG_MAP, namespace: GPU_OPERATOR_NAMESPACE },
        data: { [config.key]: stringify(devicePluginSettings(config)) },
      }),
    ]),
    patchClusterPolicy({ devicePlugin: { config: { name: SHARING_CONFIG_MAP } } }),
    "# (without NVIDIA's GPU operator: `config.name` of the device plugin's chart, in its namespace)",
  ];
}

/**
 * What the device plugin reads under a key.
 *
 * @see https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus
 */
export function devicePluginSettings(config: DevicePluginConfig): object {
  if (config.kind === 'Whole') return { version: 'v1' };
  return {
    version: 'v1',
    flags: { migStrategy: 'none' },
    sharing: {
      timeSlicing: {
        renameByDefault: config.renamed,
        failRequestsGreaterThanOne: true,
        resources: [{ name: 'nvidia.com/gpu', replicas: config.replicas }],
      },
    },
  };
}

/** A ConfigMap of one's own takes the place of NVIDIA's, so every layout that a node uses must be in it. */
function layoutsStep(
  wanted: readonly NamedLayout[],
  nodes: readonly GpuNode[],
  migGpu: (product: string) => MigGpu | undefined,
): string[] {
  const { known, unknown } = layoutsInUse(nodes, migGpu);
  const layouts = [{ name: MIG_DISABLED, isBuiltIn: true, layout: {} }, ...known, ...wanted];
  return [
    '# Once: a layout that NVIDIA has no name for. This ConfigMap takes the place of the one that the MIG manager has,',
    '# so it must hold every layout that a node uses.',
    ...(unknown.length === 0
      ? []
      : [`# Copy these from the present one, they are in use: ${unknown.join(', ')}.`]),
    hereDocument('kubectl apply -f -', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: MIG_CONFIG_MAP, namespace: GPU_OPERATOR_NAMESPACE },
      data: { 'config.yaml': stringify(migPartedConfig(uniqueByName(layouts))) },
    }),
    patchClusterPolicy({ migManager: { config: { name: MIG_CONFIG_MAP, default: MIG_DISABLED } } }),
  ];
}

/** One name can mean different slices on different GPUs: such layouts, and those without a name of NVIDIA's, are unknown. */
function layoutsInUse(
  nodes: readonly GpuNode[],
  migGpu: (product: string) => MigGpu | undefined,
): { known: NamedLayout[]; unknown: string[] } {
  const meanings = new Map<string, Map<string, NamedLayout | undefined>>();
  for (const { migConfig, product } of nodes) {
    if (migConfig === undefined || migConfig === MIG_DISABLED) continue;
    const gpu = product === undefined ? undefined : migGpu(product);
    const layout = gpu && builtInLayouts(gpu).find(({ name }) => name === migConfig);
    const known = meanings.get(migConfig) ?? new Map<string, NamedLayout | undefined>();
    meanings.set(migConfig, known.set(JSON.stringify(layout?.layout), layout));
  }
  const known: NamedLayout[] = [];
  const unknown: string[] = [];
  for (const [name, layouts] of meanings) {
    const [layout] = layouts.values();
    if (layouts.size === 1 && layout !== undefined) known.push(layout);
    else unknown.push(name);
  }
  return { known, unknown };
}

/**
 * What mig-parted reads. Unknown fields are errors; `devices` and `mig-enabled` are required.
 *
 * @see https://github.com/NVIDIA/mig-parted
 */
function migPartedConfig(layouts: readonly NamedLayout[]): object {
  return {
    version: 'v1',
    'mig-configs': Object.fromEntries(
      layouts.map(({ name, layout }) => {
        const instances = Object.entries(layout).map(([profile, count]): [string, number] => [
          // Labels write `1g.10gb.me` for what mig-parted calls `1g.10gb+me`.
          profile.replace('gb.', 'gb+'),
          count,
        ]);
        const isOn = instances.length > 0;
        return [
          name,
          [
            {
              devices: 'all',
              'mig-enabled': isOn,
              ...(isOn && { 'mig-devices': Object.fromEntries(instances) }),
            },
          ],
        ];
      }),
    ),
  };
}

function patchClusterPolicy(spec: object): string {
  return `kubectl patch ${CLUSTER_POLICY} --type merge -p '${JSON.stringify({ spec })}'`;
}

function hereDocument(command: string, object: object): string {
  return `${command} <<'EOF'\n${stringify(object)}EOF`;
}

function uniqueByKey(configs: readonly DevicePluginConfig[]): DevicePluginConfig[] {
  return [...new Map(configs.map((config) => [config.key, config])).values()];
}

function uniqueByName(layouts: readonly NamedLayout[]): NamedLayout[] {
  return [...new Map(layouts.map((layout) => [layout.name, layout])).values()];
}
